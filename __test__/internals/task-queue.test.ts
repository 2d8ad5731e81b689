/** The queue of a task manager, against a sorted array. */

import { describe, expect, test } from '@jest/globals';

import { InsertionBuffer, OneShotTask, TaskTable, type Task, TaskQueue } from '../support/internals';
import { makeRandom } from '../support/random';

interface Entry {
  readonly task: Task;
  due: number;
  order: number;
}

function compare(a: Entry, b: Entry): number {
  if (a.due !== b.due) {
    return a.due < b.due ? -1 : 1;
  }
  return a.task.priority - b.task.priority || a.order - b.order;
}

function makeTask(priority: number = 0): Task {
  const task = new OneShotTask();
  task.priority = priority;
  return task;
}

/** The same queue twice: the one that is tested, and a list of what is in it. */
class Twin {
  readonly queue: TaskQueue = new TaskQueue();
  entries: Entry[] = [];
  #order = 0;

  push(due: number, priority: number = 0): void {
    const task = makeTask(priority);
    this.entries.push({ task, due, order: this.#order });
    this.#order += 1;
    this.queue.push(task, due);
  }

  removeAt(index: number): void {
    const [entry] = this.entries.splice(index, 1) as [Entry];
    if (!this.queue.remove(entry.task) || entry.task.isScheduled) {
      throw new Error(`number ${entry.order} was not in`);
    }
  }

  /** Moves an entry, whose priority may have changed. It is the newest one then. */
  moveAt(index: number, due: number, priority: number): void {
    const entry = this.entries[index] as Entry;
    entry.task.priority = priority;
    entry.due = due;
    entry.order = this.#order;
    this.#order += 1;
    if (!this.queue.move(entry.task, due) || !entry.task.isScheduled) {
      throw new Error('the entry was not in');
    }
  }

  /** Takes what is due, up to `most`, and compares. */
  take(now: number, most: number = Infinity): void {
    const expected = this.entries
      .filter(({ due }) => due <= now)
      .toSorted(compare)
      .slice(0, most);
    for (const { task, order } of expected) {
      if (this.queue.dequeueDue(now) !== task) {
        throw new Error(`number ${order} should have been the next of ${expected.length}`);
      }
    }
    const taken = new Set(expected);
    this.entries = this.entries.filter((entry) => !taken.has(entry));
    const next = this.entries.reduce((least, { due }) => Math.min(least, due), Infinity);
    // By value: the queue makes zero of minus zero.
    if (this.queue.nextDue() !== next || this.queue.size !== this.entries.length) {
      throw new Error(`${this.queue.size} left, the first at ${this.queue.nextDue()}, not at ${next}`);
    }
  }
}

const distributions: [string, (random: () => number) => number][] = [
  ['any times', (random) => random() * 1000],
  ['few times', (random) => Math.floor(random() * 20)],
  ['one time', () => 5],
  ['times before and after zero', (random) => (random() - 0.5) * 10 ** Math.floor(random() * 20 - 10)],
  [
    'extreme times',
    (random) => [Infinity, -Infinity, 0, -0, 1e300, -1e300, Number.MIN_VALUE][Math.floor(random() * 7)] as number,
  ],
];

describe.each(distributions)('%s', (_name, due) => {
  test.each([10, 1023, 1024, 5000])('%p tasks that are inserted together', (count) => {
    const random = makeRandom(count);
    const twin = new Twin();
    for (let index = 0; index < count; index += 1) {
      twin.push(due(random), Math.floor(random() * 3));
    }
    twin.take(500);
    twin.take(Infinity);
    expect(twin.queue.dequeueDue(Infinity)).toBeUndefined();
  });

  test.each([1, 2, 3])(
    'random insertions, dequeues, removals and moves agree with the sorted array (seed %p)',
    (seed) => {
      const random = makeRandom(seed);
      const twin = new Twin();
      for (let round = 0; round < 60; round += 1) {
        const count = random() < 0.3 ? 1500 : Math.floor(random() * 40);
        for (let index = 0; index < count; index += 1) {
          twin.push(due(random), Math.floor(random() * 2));
        }
        // Also before nextDue() has sorted the new ones.
        for (let index = Math.floor(random() * twin.entries.length * 0.5); index > 0; index -= 1) {
          twin.removeAt(Math.floor(random() * twin.entries.length));
        }
        for (let index = Math.floor(random() * twin.entries.length * 0.5); index > 0; index -= 1) {
          twin.moveAt(Math.floor(random() * twin.entries.length), due(random), Math.floor(random() * 2));
        }
        if (random() < 0.5) {
          twin.take(due(random), Math.floor(random() * 300));
        }
        if (random() < 0.1) {
          twin.queue.reschedule((task, time) => time + task.priority);
          for (const entry of twin.entries) {
            entry.due += entry.task.priority;
          }
        }
      }
      twin.take(Infinity);
      expect(twin.queue.size).toBe(0);
    },
  );
});

describe('a queue', () => {
  test('is empty to begin with', () => {
    const queue = new TaskQueue();
    expect([queue.size, queue.nextDue(), queue.dequeueDue(Infinity)]).toEqual([0, Infinity, undefined]);
    queue.reschedule(() => 0);
    expect(queue.size).toBe(0);
  });

  test('does not mistake a task of another one for its own', () => {
    const [first, second] = [new TaskQueue(), new TaskQueue()];
    const [task, other] = [makeTask(), makeTask()];
    first.push(task, 1);
    second.push(other, 1);
    expect([first.remove(other), first.remove(makeTask()), first.remove(task), first.remove(task)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect([first.size, second.size]).toEqual([0, 1]);
  });

  test.each([
    ['before nextDue()', () => {}],
    ['after nextDue()', (queue: TaskQueue) => queue.nextDue()],
    ['after another pass has begun', (queue: TaskQueue) => queue.beginPass()],
    ['after all were sorted', (queue: TaskQueue) => queue.reschedule((_task, due) => due)],
  ])('a pass dequeues only tasks that were inserted before it began, in their order: %s', (_what, prepare) => {
    const queue = new TaskQueue();
    const [first, second, newer, newest] = Array.from({ length: 4 }, () => makeTask()) as [Task, Task, Task, Task];
    queue.push(first, 2);
    queue.push(second, 3);
    const pass = queue.beginPass();
    queue.push(newer, 1);
    prepare(queue);
    expect(queue.dequeueDueInPass(5, pass)).toBe(first);
    queue.push(newest, 2);
    prepare(queue);
    expect([queue.dequeueDueInPass(5, pass), queue.dequeueDueInPass(5, pass)]).toEqual([second, undefined]);
    expect([queue.size, queue.nextDue()]).toEqual([2, 1]);
    expect(queue.dequeueDueInPass(5, queue.beginPass())).toBe(newer);
    expect(queue.dequeueDue(5)).toBe(newest);
  });

  test.each([
    ['one by one', 1],
    ['together', 20_000],
  ])('removing a task compares at most as many tasks as the heap is high; inserted %s', (_name, batch) => {
    const queue = new TaskQueue();
    // At the same time, so that each comparison asks for priorities.
    let asked = 0;
    const ask = (): number => {
      asked += 1;
      return 0;
    };
    class Asked extends OneShotTask {
      constructor() {
        super();
        Object.defineProperty(this, 'priority', { get: ask });
      }
    }
    const tasks = Array.from({ length: 20_000 }, () => new Asked());
    tasks.forEach((task, index) => {
      queue.push(task, 1);
      if (index % batch === 0) {
        queue.nextDue();
      }
    });
    queue.nextDue();
    let most = 0;
    for (let index = 0; index < tasks.length; index += 1) {
      asked = 0;
      queue.remove(tasks[(index * 7919) % tasks.length] as Task);
      most = Math.max(most, asked);
    }
    // Eight levels of four children, two priorities to a comparison.
    expect(most).toBeLessThanOrEqual(8 * 5 * 2);
    expect(queue.size).toBe(0);
  });
});

describe('memory', () => {
  test('does not grow with tasks that are inserted and removed before they are sorted', () => {
    const table = new TaskTable();
    const list = new InsertionBuffer(table, 0);
    let last = -1;
    const kept = table.allocate(makeTask(), 0, 0, 0);
    list.push(kept);
    for (let index = 0; index < 100_000; index += 1) {
      const next = table.allocate(makeTask(), 0, index, 0);
      list.push(next);
      if (last >= 0) {
        list.removeAt((table.location[last] as number) >> 2);
        table.free(last, table.due[last] as number);
      }
      last = next;
    }
    expect([list.size, table.size]).toEqual([2, 2]);
    expect(list.members.length).toBeLessThanOrEqual(256);
    expect(table.due.length).toBe(64);
  });

  test('is given back when a long queue is empty', () => {
    const table = new TaskTable();
    const taken = Array.from({ length: 10_000 }, (_, index) => table.allocate(makeTask(), index, index, 0));
    expect(table.due.length).toBeGreaterThanOrEqual(10_000);
    taken.forEach((index) => table.free(index, table.due[index] as number));
    expect(table.due.length).toBe(64);
  });
});

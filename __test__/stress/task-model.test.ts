/** Random tasks in virtual time, against a model that is a few lines long. */

import { deepEqual } from 'node:assert/strict';

import { describe, expect, jest, test } from '@jest/globals';
import { RecurringTask, RunLoop, Task } from 'waitable-event';

import { makeRandom } from '../support/random';
import { TimeMachine } from 'waitable-event/testing';

interface Entry {
  readonly task: Task;
  readonly due: number;
  readonly order: number;
}

/** The next point of the grid, in exact numbers: times are multiples of a quarter. */
function nextPoint(now: number, interval: number, offset: number): number {
  const [time, step, shift] = [BigInt(4 * now), BigInt(4 * interval), BigInt(4 * offset)];
  const steps = (time - shift) / step - ((time - shift) % step < 0n ? 1n : 0n);
  return Number((steps + 1n) * step + shift) / 4;
}

/** What the rules say: which task is next, among which, at which time. */
class Model {
  now: number;
  readonly entries = new Map<Task, Entry>();
  /** When each task is due, or was. */
  readonly times = new Map<Task, number>();
  deferred: number[] = [];
  #order = 0;

  constructor(now: number) {
    this.now = now;
  }

  install(task: Task, due: number): void {
    this.entries.delete(task);
    this.entries.set(task, { task, due, order: this.#order });
    this.times.set(task, due);
    this.#order += 1;
  }

  installNext(task: RecurringTask): void {
    this.install(task, nextPoint(this.now, task.taskInterval as number, task.taskIntervalOffset));
  }

  get nextDue(): number {
    return Math.min(...[...this.entries.values()].map(({ due }) => due), Infinity);
  }

  /** The first one that is due, of those with a lower number. */
  first(before: number = Infinity): Task | undefined {
    return [...this.entries.values()]
      .filter(({ due, order }) => due <= this.now && order < before)
      .reduce<Entry | undefined>(
        (a, b) =>
          a !== undefined && (a.due - b.due || a.task.priority - b.task.priority || a.order - b.order) < 0 ? a : b,
        undefined,
      )?.task;
  }

  /** Yields what runs, in its order, up to a limit: tasks, and the numbers of deferred functions. */
  *advance(limit: number): Generator<Task | number, void> {
    while (this.deferred.length > 0 || this.nextDue < limit) {
      if (this.deferred.length === 0) {
        this.now = Math.max(this.now, this.nextDue);
      }
      const pass = this.#order;
      for (let task = this.first(pass); task !== undefined; task = this.first(pass)) {
        this.entries.delete(task);
        if (task instanceof RecurringTask) {
          this.installNext(task);
        }
        yield task;
      }
      yield* this.deferred.splice(0);
    }
    this.now = limit;
  }
}

/** Does the same to a loop and to the model, and compares at each event. */
class Comparison {
  readonly #random: () => number;
  readonly #loop: RunLoop = new RunLoop();
  readonly #machine: TimeMachine;
  readonly #model: Model;
  readonly #tasks: Task[];
  #expected: Generator<Task | number, void> = new Model(0).advance(0);
  #deferred = 0;
  #operations: number;

  constructor(seed: number, tasks: number, operations: number) {
    this.#random = makeRandom(seed);
    this.#operations = operations;
    const start = this.#pick([0, 1e12 + 0.25, 1_767_225_600_000, -5000.5]);
    this.#machine = new TimeMachine({ loop: this.#loop, start });
    this.#model = new Model(start);
    this.#tasks = Array.from({ length: tasks }, () => this.#makeTask());
  }

  run(): void {
    const { taskManager: manager } = this.#loop;
    while (this.#operations > 0) {
      const count = this.#below(this.#random() < 0.1 ? this.#tasks.length : 20);
      for (let index = 0; index < count; index += 1) {
        this.#operate();
      }
      const duration = this.#pick([0.25, 1, 5, 10, 100.25, 1000]);
      this.#expected = this.#model.advance(this.#model.now + duration);
      this.#machine.run({ duration });
      deepEqual(this.#expected.next(), { value: undefined, done: true });
      deepEqual([this.#machine.now, manager.stats().pending], [this.#model.now, this.#model.entries.size]);
    }
    this.#machine.restore();
    manager.close();
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T;
  }

  #makeTask(): Task {
    const onRun = (task: Task): void => this.#onEvent(task);
    class Once extends Task {
      override processTask(): void {
        onRun(this);
      }
    }
    class Again extends RecurringTask {
      override processTask(): void {
        onRun(this);
      }
    }
    const task =
      this.#random() < 0.8
        ? new Once()
        : new Again(
            this.#pick([0.25, 0.5, 1, 7.75, 10, 250, 60_000]),
            this.#pick([0, 0, -3.25, 100, 1e9 + 0.25, -1e6]),
          );
    task.priority = this.#pick([0, 0, 0, -1, 1, 5]);
    return task;
  }

  #onEvent(what: Task | number): void {
    const { value } = this.#expected.next();
    if (value !== what || this.#machine.now !== this.#model.now) {
      const name = (one: unknown): string => (one instanceof Task ? `task ${this.#tasks.indexOf(one)}` : String(one));
      // An error that is thrown in a task goes to onError, and the rest goes on.
      throw new Error(`${name(what)} at ${this.#machine.now}, but ${name(value)} at ${this.#model.now}`);
    }
    for (let index = this.#below(3); index > 0; index -= 1) {
      this.#operate(what);
    }
  }

  #operate(self?: Task | number): void {
    this.#operations -= 1;
    if (this.#operations < 0) {
      return;
    }
    const [model, { taskManager: manager }] = [this.#model, this.#loop];
    const task = self instanceof Task && this.#random() < 0.2 ? self : this.#pick(this.#tasks);
    const kind = this.#random();
    if (kind < 0.45) {
      this.#install(task);
    } else if (kind < 0.65) {
      manager.suspendTask(task);
      model.entries.delete(task);
    } else if (kind < 0.75) {
      const time = model.times.get(task);
      if (time !== undefined) {
        task.resumeTask();
        if (task instanceof RecurringTask) {
          model.installNext(task);
        } else {
          model.install(task, time);
        }
      }
    } else if (kind < 0.8) {
      const number = this.#deferred;
      this.#deferred += 1;
      this.#loop.deferred(() => this.#onEvent(number));
      model.deferred.push(number);
    } else if (kind < 0.83) {
      const [first, delta] = manager.getNextTask();
      const expected = model.first();
      if (expected !== undefined) {
        model.entries.delete(expected);
      }
      const until = model.entries.size === 0 ? null : Math.max(0, model.nextDue - model.now);
      deepEqual([first === (expected ?? null), delta], [true, until]);
    } else if (task.isScheduled !== model.entries.has(task) || task.taskTime !== (model.times.get(task) ?? null)) {
      throw new Error(`task ${this.#tasks.indexOf(task)}: ${task.isScheduled}, at ${task.taskTime}`);
    }
  }

  #install(task: Task): void {
    const { taskManager: manager } = this.#loop;
    if (task instanceof RecurringTask) {
      manager.installTask(task, this.#random() < 0.2 ? { interval: this.#pick([1, 2.5, 10, 100]), offset: -1.25 } : {});
      this.#model.installNext(task);
      return;
    }
    const delta = this.#pick([0, 0, 0, -5, 1, 1, 2, 5, 10, 0.25, this.#below(400) / 4, this.#below(40_000) / 4, 1e11]);
    if (this.#random() < 0.5) {
      manager.installTask(task, { when: this.#model.now + delta });
      this.#model.install(task, this.#model.now + delta);
    } else {
      manager.installTask(task, { delta });
      this.#model.install(task, this.#model.now + Math.max(0, delta));
    }
  }
}

describe.each([
  ['few tasks', 8, 1000],
  ['some tasks', 60, 4000],
  ['many tasks', 3000, 8000],
])('%s are run as the model says', (_name, tasks, operations) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %p', (seed) => {
    const reported = jest.spyOn(console, 'error').mockImplementation(() => {});
    try {
      new Comparison(seed, tasks, operations).run();
      expect(reported.mock.calls).toEqual([]);
    } finally {
      reported.mockRestore();
    }
  });
});

/** tasks() of a manager, and what a handler learns of its task. */

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, RecurringFunctionTask, RunLoop, type TaskContext, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { Owner, Producer } from '../support/remote/task-managers';

const HOUR = 3_600_000;
/** So long that its next point is not just about to come when the test runs. */
const PERIOD = 24_000 * HOUR;

function makeManager(): { loop: RunLoop; manager: TaskManager } {
  const loop = new RunLoop();
  const manager = new TaskManager({ loop });
  finallyDo(() => manager.close());
  return { loop, manager };
}

describe('tasks()', () => {
  test('lists what waits, in the order in which it is due', () => {
    const { manager } = makeManager();
    expect(manager.tasks()).toEqual([]);
    const start = manager.getTime();
    const day = Math.ceil(start / PERIOD) * PERIOD;
    manager.schedule('late', { a: 1 }, { when: day + 5, key: 'k', priority: 7 });
    manager.schedule('tick', undefined, { interval: PERIOD, offset: 1 });
    manager.schedule('late', 2, { when: new Date(day + 5), priority: -1 });
    manager.schedule('soon', 'x', { delta: 1000 });
    manager.installTask(new FunctionTask(() => {}), { when: day + 6 });
    manager.installTask(new RecurringFunctionTask(PERIOD, () => {}), { offset: 7 });
    const none = { key: undefined, payload: undefined, interval: undefined, offset: undefined, priority: 0 };
    const tasks = manager.tasks();
    expect(tasks).toEqual([
      { ...none, name: 'soon', due: expect.any(Number), payload: 'x' },
      { ...none, name: 'tick', due: expect.closeTo(day + 1, 1), interval: PERIOD, offset: 1 },
      { ...none, name: 'late', due: day + 5, payload: 2, priority: -1 },
      { ...none, name: 'late', due: day + 5, payload: { a: 1 }, key: 'k', priority: 7 },
      { ...none, name: 'FunctionTask', due: day + 6 },
      { ...none, name: 'RecurringFunctionTask', due: expect.closeTo(day + 7, 1) },
    ]);
    expect(tasks[0]?.due).toBeGreaterThanOrEqual(start + 999);
    expect(tasks[0]?.due).toBeLessThan(manager.getTime() + 1001);
  });

  test('lists neither tasks that are suspended nor those that were cancelled or have run', async () => {
    const { loop, manager } = makeManager();
    const lists: unknown[] = [];
    manager.define('list', () => lists.push(manager.tasks().map(({ name }) => name)));
    const [suspended, cancelled] = [1, 2].map(() => manager.schedule('other', 1, { delta: HOUR }));
    suspended?.suspend();
    await cancelled?.cancel();
    manager.schedule('list');
    manager.schedule('list', 1, { interval: HOUR });
    loop.runOnce();
    expect(lists).toEqual([['list']]);
    suspended?.resume();
    expect(manager.tasks().map(({ name }) => name)).toEqual(expect.arrayContaining(['list', 'other']));
  });

  test('changes nothing: the tasks run as they would', () => {
    const { loop, manager } = makeManager();
    const log: unknown[] = [];
    manager.define('log', (payload) => log.push(payload));
    // Of one instant: a pause between two calls must not change the order.
    const now = Date.now();
    [3, 1, 2].forEach((order) => manager.schedule('log', order, { when: now - 1000 + order }));
    expect(manager.tasks().map(({ payload }) => payload)).toEqual([1, 2, 3]);
    loop.runOnce();
    expect([log, manager.tasks()]).toEqual([[1, 2, 3], []]);
  });

  test('lists tasks of other threads, also when the manager is closed: they can be saved and loaded', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    const when = Date.now() + HOUR;
    await producer.do('schedule', 'log', { text: 'x' }, { when, key: 'a' });
    await producer.do('schedule', 'log', 2, { when: when + 1 });
    await producer.do('call', 'echo');
    owner.manager.close();
    const saved = JSON.stringify(owner.manager.tasks());
    const { manager } = makeManager();
    for (const { name, payload, due, key } of JSON.parse(saved)) {
      manager.schedule(name, payload, { when: due, key });
    }
    expect(manager.tasks()).toEqual(owner.manager.tasks());
    expect(manager.tasks().map(({ due, key, payload }) => [due, key, payload])).toEqual([
      [when, 'a', { text: 'x' }],
      [when + 1, undefined, 2],
    ]);
  });
});

describe('the context of a handler', () => {
  type Seen = [thread: number, due: number | undefined];

  function defineSee(manager: TaskManager): Seen[] {
    const seen: Seen[] = [];
    manager.define('see', (_payload, { threadId, due }: TaskContext) => seen.push([threadId, due]));
    return seen;
  }

  test('has the thread of the task, and no time where it had none', async () => {
    const owner = new Owner();
    const producer = new Producer(owner.manager.handle);
    const seen = defineSee(owner.manager);
    owner.manager.schedule('see');
    await producer.do('schedule', 'see');
    await producer.do('call', 'see');
    await producer.do('callSync', 'see', 1, { priority: 1 });
    const { threadId } = producer.worker;
    expect(threadId).toBeGreaterThan(0);
    expect(seen).toEqual([
      [0, undefined],
      [threadId, undefined],
      [threadId, undefined],
      [threadId, undefined],
    ]);
  });

  test.each(['own', 'another'])('has the time at which a task of %s thread was due', async (thread) => {
    const owner = new Owner();
    const { manager } = owner;
    const remote = TaskManager.connect(manager.handle);
    finallyDo(() => remote.close());
    const from = thread === 'own' ? manager : remote;
    const times: (number | undefined)[] = [];
    const later: (number | undefined)[] = [];
    manager.define('see', async (name: string, context) => {
      times.push(context.due);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      later.push(context.due);
      owner.log.push(name);
    });
    const before = manager.getTime();
    from.schedule('see', 'delta', { delta: 5 });
    const between = manager.getTime();
    await owner.logged(1);
    expect(times[0]).toBeGreaterThanOrEqual(before + 4.9);
    expect(times[0]).toBeLessThanOrEqual(between + 5.1);
    const when = Date.now() - 1000;
    from.schedule('see', 'when', { when });
    await owner.logged(2);
    expect(times[1]).toBe(when);
    const task = from.schedule('see', 'interval', { interval: 3, offset: 1 });
    await owner.logged(5);
    await task.cancel();
    // Points of the grid, each once.
    const points = times.slice(2).map((time) => ((time as number) - 1) / 3);
    points.forEach((point) => expect(Math.abs(point - Math.round(point))).toBeLessThan(0.001));
    expect(new Set(points.map(Math.round)).size).toBe(points.length);
    expect(later).toEqual(times.slice(0, later.length));
  });
});

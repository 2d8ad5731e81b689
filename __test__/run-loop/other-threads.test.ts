/** Loops that other threads stop, wake and end. */

import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RunLoop, type RunLoopHandle, TaskManager, WaitableEvent } from 'waitable-event';

import { runScript } from '../support/child';
import { finallyDo } from '../support/clean-up';
import { codeOf, report } from '../support/outcomes';
import { goToSleep, runIn, startActor } from '../support/run-loop/loops';
import { TIME_LIMIT } from '../support/threads';
import { within } from '../support/timing';
import { WorkerHarness } from '../support/worker-harness';

const both = ['run', 'runSync'] as const;

let loop: RunLoop;
let events: WaitableEvent[];

class Member extends WaitableEvent {
  reads = 0;
  closes = 0;

  override handleRead(): void {
    this.reads += 1;
    this.clear();
  }

  override handleClose(): void {
    this.closes += 1;
    super.handleClose();
  }
}

function makeMembers(count: number, onCall: (members: Member[]) => void): Member[] {
  const members = Array.from({ length: count }, () => new Member({ loop }));
  for (const member of members) {
    for (const name of ['handleRead', 'handleClose'] as const) {
      const original = member[name].bind(member);
      member[name] = () => {
        original();
        onCall(members);
      };
    }
  }
  events.push(...members);
  return members;
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

beforeEach(() => {
  loop = new RunLoop();
  events = [];
  finallyDo(() => events.forEach((event) => event.close()));
});

describe.each(both)('%s() of this thread', (way) => {
  test('is stopped by another thread while it sleeps', async () => {
    const actor = startActor('stop', { handle: loop.handle });
    await actor.next();
    loop.deferred(() => goToSleep(actor));
    await runIn(way, loop);
    expect(await actor.next()).toBe('done');
    expect(loop.running).toBe(false);
  });

  test('sees an event that another thread sets', async () => {
    const [member] = makeMembers(1, () => loop.stop());
    const actor = startActor('set', { events: [member?.handle] });
    await actor.next();
    loop.deferred(() => goToSleep(actor));
    await runIn(way, loop);
    expect([member?.reads, member?.closes]).toEqual([1, 0]);
  });

  test('runs a task that another thread schedules', async () => {
    loop.taskManager.define('stop', () => loop.stop());
    const actor = startActor('schedule', { tasks: loop.taskManager.handle });
    await actor.next();
    loop.deferred(() => goToSleep(actor));
    await runIn(way, loop);
    expect(loop.running).toBe(false);
    loop.taskManager.close();
  });

  // BACpypes has nothing to wake its loop with on Windows, where this takes up to SPIN. The time limit is shorter.
  test.each(['stop', 'set', 'schedule'])('is woken by %s() in another thread long before SPIN', async (action) => {
    loop.SPIN = 100 * TIME_LIMIT;
    makeMembers(1, () => loop.stop());
    loop.taskManager.define('stop', () => loop.stop());
    const data = { handle: loop.handle, events: events.map((event) => event.handle), tasks: loop.taskManager.handle };
    const actor = startActor(action, data);
    await actor.next();
    loop.deferred(() => goToSleep(actor));
    await runIn(way, loop);
    expect(await actor.next()).toBe('done');
    expect(loop.running).toBe(false);
    loop.taskManager.close();
  });

  // More than one crossing into JavaScript carries.
  test.each([1, 700])('calls handleClose() of %p events that another thread closes together', async (count) => {
    const members = makeMembers(count, (all) => {
      if (all.every((member) => member.closes > 0)) {
        loop.stop();
      }
    });
    const actor = startActor('close', { events: members.map((member) => member.handle) });
    await actor.next();
    loop.deferred(() => goToSleep(actor));
    await runIn(way, loop);
    expect(members.every((member) => member.closes === 1 && member.closed)).toBe(true);
    loop.loop();
  });

  test('calls each of many events that another thread sets', async () => {
    const members = makeMembers(700, (all) => {
      if (all.every((member) => member.reads > 0)) {
        loop.stop();
      }
    });
    const actor = startActor('set', { events: members.map((member) => member.handle) });
    await actor.next();
    loop.deferred(() => goToSleep(actor));
    await runIn(way, loop);
    expect(members.every((member) => member.reads === 1)).toBe(true);
  });

  test('the handle of a loop that is gone with its thread is invalid, and its stop() does nothing', async () => {
    const worker = new WorkerHarness('run-loop/run-loop-in-worker.js', { way });
    const handle = await worker.next<RunLoopHandle>();
    const remote = RunLoop.connect(handle);
    await worker.terminate();
    remote.stop();
    expect(codeOf(() => RunLoop.connect(handle))).toBe('ERR_INVALID_HANDLE');
  });
});

describe('an error that ends a pass', () => {
  /** An event whose errors escape: none of its ways to leave the loop works. */
  class Unlucky extends WaitableEvent {
    isOver = false;

    override handleRead(): void {
      throw new Error('of a handler');
    }

    override handleError(error: unknown): void {
      throw error;
    }

    override delChannel(): void {
      if (!this.isOver) {
        throw new Error('escapes');
      }
      super.delChannel();
    }
  }

  test.each(['loop', 'runSync'] as const)('does not lose that another one was closed, in %s()', (by) => {
    const print = jest.spyOn(console, 'error').mockImplementation(() => {});
    const unlucky = new Unlucky({ set: true, loop });
    finallyDo(() => {
      print.mockRestore();
      unlucky.isOver = true;
      unlucky.close();
    });
    const members = makeMembers(3, () => loop.stop());
    const pass = (): void => (by === 'loop' ? loop.loop({ timeout: 0, count: 1 }) : loop.runSync());
    // As another thread does, of which the loop learns by its waker, behind what is ready.
    members.forEach(({ handle }) => WaitableEvent.open(handle).close());
    expect(pass).toThrow('escapes');
    expect(members.map(({ closes }) => closes)).toEqual([0, 0, 0]);
    for (let passes = 0; passes < 4; passes += 1) {
      expect(pass).toThrow('escapes');
    }
    expect(members.map(({ closes }) => closes)).toEqual([1, 1, 1]);
  });

  test('does not lose that another one was closed, in run()', async () => {
    const source = `
      const { RunLoop, WaitableEvent } = require('waitable-event');
      class Unlucky extends WaitableEvent {
        handleRead() { throw new Error('of a handler') }
        handleError(error) { throw error }
        delChannel() { throw new Error('escapes') }
      }
      const loop = new RunLoop();
      const unlucky = new Unlucky({ set: true, loop });
      const member = new WaitableEvent({ loop });
      process.on('uncaughtException', () => unlucky.clear());
      member.handleClose = () => loop.stop();
      loop.run().then(() => {
        console.log('ended');
        process.exit();
      });
      WaitableEvent.open(member.handle).close();
    `;
    const { stdout } = await runScript({ source });
    expect(stdout).toBe('ended\n');
  });
});

test('a loop() beside run() does not leave that without what wakes it', async () => {
  const { taskManager } = loop;
  taskManager.define('note', () => {});
  taskManager.define('stop', () => loop.stop());
  makeMembers(1, () => {});
  const running = loop.run();
  const remote = TaskManager.connect(taskManager.handle);
  await turns(10);
  remote.schedule('note');
  loop.loop({ timeout: 0, count: 1 });
  await turns(10);
  remote.schedule('stop');
  await within(running, 'run()');
  expect(taskManager.stats().run).toBe(2);
  remote.close();
  taskManager.close();
});

test.each(['before it', 'after run()'])('loop() answers what another thread calls, each time (%s)', async (when) => {
  const notes: number[] = [];
  const { taskManager } = loop;
  const [member] = makeMembers(1, () => {}) as [Member];
  taskManager.define('note', (note: number) => notes.push(note));
  const actor = startActor('call', { events: events.map((event) => event.handle), tasks: taskManager.handle });
  await actor.next();
  if (when === 'after run()') {
    loop.deferred(() => loop.stop());
    await runIn('run', loop);
  }
  goToSleep(actor);
  const deadline = Date.now() + TIME_LIMIT;
  while (member.reads === 0 && Date.now() < deadline) {
    loop.loop({ timeout: TIME_LIMIT, count: 1 });
  }
  expect([notes, member.reads]).toEqual([[1, 2, 3], 1]);
  taskManager.close();
});

describe.each(both)('%s() in a worker', (way) => {
  test('sleeps, is stopped, and the worker ends', async () => {
    const worker = new WorkerHarness('run-loop/run-loop-in-worker.js', { way });
    const remote = RunLoop.connect(await worker.next<RunLoopHandle>());
    await worker.blocked();
    remote.stop();
    expect(await worker.next()).toEqual({ log: [], running: false });
    expect(await within(worker.exit, 'the end of the worker')).toBe(0);
  });

  test('a stop() that comes first is remembered', async () => {
    const worker = new WorkerHarness('run-loop/run-loop-in-worker.js', { way });
    const remote = RunLoop.connect(await worker.next<RunLoopHandle>());
    remote.stop();
    remote.stop();
    expect(await worker.next()).toEqual({ log: [], running: false });
  });

  test('loops of several workers and of this thread run at the same time, each with its own events', async () => {
    const shared = Array.from({ length: 3 }, () => new WaitableEvent());
    events.push(...shared);
    const workers = shared.map(
      (event) => new WorkerHarness('run-loop/run-loop-in-worker.js', { way, events: [event.handle] }),
    );
    const handles = await Promise.all(workers.map((worker) => worker.next<RunLoopHandle>()));
    await Promise.all(workers.map((worker) => worker.blocked()));
    const running = loop.run();
    shared[1]?.set();
    expect(await workers[1]?.next()).toBe('read');
    shared[2]?.close();
    expect(await workers[2]?.next()).toEqual({ log: ['close'], running: false });
    RunLoop.connect(handles[0] as RunLoopHandle).stop();
    expect(await workers[0]?.next()).toEqual({ log: [], running: false });
    await workers[1]?.blocked();
    shared[1]?.set();
    expect(await workers[1]?.next()).toBe('read');
    expect(loop.running).toBe(true);
    loop.stop();
    await within(running, 'run()');
  });

  test('worker.terminate() ends it immediately', async () => {
    const event = new WaitableEvent();
    const worker = new WorkerHarness('run-loop/run-loop-in-worker.js', { way, events: [event.handle] });
    await worker.next();
    await worker.blocked();
    const elapsed = await worker.terminate();
    report(`terminate() of a worker in ${way}(): ${elapsed.toFixed(1)} ms`);
    expect(await worker.exit).toBe(1);
    // Held until here: a handle does not hold its event.
    event.close();
  });

  test("the main thread's process.exit() ends it", async () => {
    expect((await runScript('process/exit-while-worker-loops.js', [way], { code: 7 })).stderr).toBe('');
  });
});

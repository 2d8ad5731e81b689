/** run(), runOnce() and loop(): what each of them does in a pass, and when it ends. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RunLoop, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { onSlotRead } from '../support/hidden-members';
import { codeOf } from '../support/outcomes';
import { Pipe, writeSync } from '../support/pipe';
import { Recorder } from '../support/run-loop/channels';
import { after, runIn } from '../support/run-loop/loops';
import { makeEvent } from '../support/run-loop/make-event';
import { since, within } from '../support/timing';

let loop: RunLoop;

let log: unknown[];

beforeEach(() => {
  loop = new RunLoop();
  log = [];
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('run()', () => {
  test('called again after stop(), while the last pass is under way, it runs when that is over', async () => {
    let second: Promise<void> | undefined;
    loop.deferred(() => {
      loop.stop();
      second = loop.run();
      log.push('stopped');
    });
    await within(loop.run(), 'the first run()');
    loop.deferred(() => {
      log.push('second');
      loop.stop();
    });
    await within(second as Promise<void>, 'the second run()');
    expect(log).toEqual(['stopped', 'second']);
    expect(loop.running).toBe(false);
  });

  test("promises, timers and Node's own turns go on while it runs", async () => {
    const running = loop.run();
    await Promise.resolve();
    expect(loop.running).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(loop.running).toBe(true);
    loop.stop();
    await within(running, 'run()');
  });

  test('resolves immediately, and runs nothing, if its signal is already aborted', async () => {
    loop.deferred(() => log.push('deferred'));
    await within(loop.run({ signal: AbortSignal.abort() }), 'run()');
    expect(log).toEqual([]);
  });

  test('is stopped when its signal is aborted, and leaves the signal alone afterwards', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const remove = jest.spyOn(signal, 'removeEventListener');
    const running = loop.run({ signal });
    controller.abort();
    await within(running, 'run()');
    const other = new AbortController();
    const stopped = loop.run({ signal: other.signal });
    loop.stop();
    await within(stopped, 'run()');
    other.abort();
    expect(remove).toHaveBeenCalledTimes(1);
    loop.deferred(() => log.push('runs'));
    after(loop, 1, () => loop.stop());
    await within(loop.run(), 'run()');
    expect(log).toEqual(['runs']);
  });

  test('two loops of one thread do not disturb each other', async () => {
    const other = new RunLoop();
    const [first, second] = [loop.run(), other.run()];
    const ended: string[] = [];
    void first.then(() => ended.push('first'));
    void second.then(() => ended.push('second'));
    const [a, b] = [new Pipe(), new Pipe()];
    const channels = [new Recorder(a.reader, loop), new Recorder(b.reader, other)];
    finallyDo(() => channels.forEach((channel) => channel.close()));
    channels.forEach((channel, index) => {
      channel.handleRead = () => {
        log.push(`${index} ${channel.recv(9).toString()}`);
        (index === 0 ? loop : other).stop();
      };
    });
    writeSync(a.writer, 'spam');
    await within(first, 'the first loop');
    expect(other.running).toBe(true);
    writeSync(b.writer, 'eggs');
    await within(second, 'the second loop');
    expect(log).toEqual(['0 spam', '1 eggs']);
    expect(ended).toEqual(['first', 'second']);
  });

  test('a loop can be run in one way, then in the other', async () => {
    const event = makeEvent({ set: true });
    event.handleRead = () => {
      log.push('read');
      loop.stop();
    };
    event.addChannel(loop);
    for (const way of ['run', 'runSync', 'run', 'runSync'] as const) {
      await runIn(way, loop);
    }
    expect(log).toEqual(['read', 'read', 'read', 'read']);
  });

  test('channels and tasks that join while it sleeps are served', async () => {
    const running = loop.run();
    await new Promise((resolve) => setImmediate(resolve));
    const { reader, writer } = new Pipe();
    writeSync(writer, 'spam');
    const channel = new Recorder(reader, loop);
    finallyDo(() => channel.close());
    channel.handleRead = () => {
      channel.recv(9);
      log.push('read');
      // Not before: when both are ready in one pass, the task comes first.
      setTimeout(() => {
        after(loop, 1, () => {
          log.push('task');
          loop.stop();
        });
      }, 5);
    };
    await within(running, 'run()');
    expect(log).toEqual(['read', 'task']);
  });
});

describe('runOnce()', () => {
  test('runs due tasks and deferred functions, and polls no channel', () => {
    const event = makeEvent({ set: true });
    event.handleRead = () => log.push('read');
    event.addChannel(loop);
    after(loop, 0, () => log.push('due'));
    const later = after(loop, 3_600_000, () => log.push('later'));
    loop.deferred(() => log.push('deferred'));
    loop.deferred(() => loop.deferred(() => log.push('next time')));
    loop.runOnce();
    expect(log).toEqual(['due', 'deferred']);
    loop.runOnce();
    loop.runOnce();
    expect(log).toEqual(['due', 'deferred', 'next time']);
    expect(loop.running).toBe(false);
    later.suspendTask();
  });
});

describe('loop()', () => {
  test('makes `count` passes over the channels', () => {
    const event = makeEvent({ set: true });
    let reads = 0;
    event.handleRead = () => {
      reads += 1;
    };
    event.addChannel(loop);
    loop.loop({ count: 3 });
    expect(reads).toBe(3);
    loop.loop({ count: 0 });
    expect(reads).toBe(3);
  });

  test('returns when there are no channels left', () => {
    loop.loop();
    const event = makeEvent({ set: true });
    let reads = 0;
    event.handleRead = () => {
      reads += 1;
      if (reads === 7) {
        event.delChannel();
      }
    };
    event.addChannel(loop);
    loop.loop({ timeout: 1 });
    expect(reads).toBe(7);
  });

  test('a pass with nothing to do takes its timeout, and is never early', () => {
    makeEvent().addChannel(loop);
    for (const timeout of [-1, 0, 0.3, 1.5, 20]) {
      const before = process.hrtime.bigint();
      loop.loop({ timeout, count: 2 });
      expect(since(before)).toBeGreaterThanOrEqual(Math.max(0, 2 * timeout));
    }
  });

  test('runs no task and no deferred function, and ignores stop()', () => {
    makeEvent().addChannel(loop);
    const task = after(loop, 0, () => log.push('task'));
    loop.deferred(() => log.push('deferred'));
    loop.stop();
    loop.loop({ timeout: 1, count: 2 });
    expect(log).toEqual([]);
    task.suspendTask();
  });

  test('the events of the handle and of the tasks do not count as channels', () => {
    expect(loop.handle).toBeDefined();
    expect(loop.taskManager.handle).toBeDefined();
    loop.loop();
    loop.taskManager.close();
  });
});

test('an event that another thread closes while it joins a loop is not in it', () => {
  const event = new WaitableEvent();
  const other = WaitableEvent.open(event.handle);
  // Native code asks after the descriptor was added.
  onSlotRead(event, () => other.close());
  expect(codeOf(() => event.addChannel(loop))).toBe('ERR_EVENT_CLOSED');
  // Returns when there are no channels; with the event in the loop it would not return.
  loop.loop();
  expect(event.closed).toBe(true);
  event.close();
});

import { writeSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RunLoop, WaitableEvent, core } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { onSlotRead } from '../support/hidden-members';
import { codeOf, rejectionOf } from '../support/outcomes';
import { Pipe } from '../support/pipe';
import { Recorder } from '../support/run-loop/channels';
import { after, countPasses, runIn } from '../support/run-loop/loops';
import { since, within } from '../support/timing';

const both = ['run', 'runSync'] as const;

let loop: RunLoop;
let log: unknown[];

function makeEvent(options: { set?: boolean } = {}): WaitableEvent {
  const event = new WaitableEvent(options);
  finallyDo(() => event.close());
  return event;
}

beforeEach(() => {
  loop = new RunLoop();
  log = [];
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(both)('stop() and %s()', (way) => {
  test('a stop() that came before is remembered, once', async () => {
    loop.stop();
    loop.stop();
    loop.deferred(() => log.push('pass'));
    await runIn(way, loop);
    expect(log).toEqual([]);
    loop.deferred(() => loop.stop());
    await runIn(way, loop);
    expect(log).toEqual(['pass']);
  });

  test('a stop() through the handle that came before is remembered too', async () => {
    const remote = RunLoop.connect(structuredClone(loop.handle));
    remote.stop();
    remote.stop();
    await runIn(way, loop);
    loop.deferred(() => log.push('again'));
    after(loop, 5, () => loop.stop());
    await runIn(way, loop);
    expect(log).toEqual(['again']);
  });

  test('stops after the pass that is under way', async () => {
    const { reader, writer } = new Pipe();
    const channel = new Recorder(reader, loop);
    finallyDo(() => channel.close());
    writeSync(writer, 'spam');
    after(loop, 0, () => loop.stop());
    loop.deferred(() => {
      log.push(...channel.log, 'deferred');
      loop.deferred(() => log.push('next pass'));
    });
    await runIn(way, loop);
    expect(log).toEqual(['read', 'deferred']);
    loop.deferred(() => loop.stop());
    await runIn(way, loop);
    expect(log).toEqual(['read', 'deferred', 'next pass']);
  });

  test('the loop runs again, as often as one likes', async () => {
    for (let round = 0; round < 50; round += 1) {
      loop.deferred(() => loop.stop());
      await runIn(way, loop);
    }
    expect(loop.running).toBe(false);
  });

  test('`running` says whether it is under way, also to its handlers', async () => {
    expect(loop.running).toBe(false);
    loop.deferred(() => {
      log.push(loop.running);
      loop.stop();
      log.push(loop.running);
    });
    await runIn(way, loop);
    expect([...log, loop.running]).toEqual([true, true, false]);
  });

  test('ERR_LOOP_RUNNING, until it was stopped', async () => {
    loop.deferred(() => {
      log.push(codeOf(() => loop.runSync()));
      void rejectionOf(loop.run()).then((code) => log.push(code));
    });
    after(loop, 20, () => loop.stop());
    await runIn(way, loop);
    await within(
      (async () => {
        while (log.length < 2) {
          await Promise.resolve();
        }
      })(),
      'the rejection',
    );
    expect(log).toEqual(['ERR_LOOP_RUNNING', 'ERR_LOOP_RUNNING']);
    expect(loop.running).toBe(false);
  });

  test('its methods can be called as functions', async () => {
    const { run, runSync, runOnce, stop, deferred, enableSleeping } = loop;
    enableSleeping();
    enableSleeping(5);
    deferred((word: string) => log.push(word), 'once');
    runOnce();
    deferred(stop);
    await (way === 'run' ? within(run(), 'run()') : runSync());
    expect(log).toEqual(['once']);
  });

  test('core is a loop like any other', async () => {
    expect(core).toBeInstanceOf(RunLoop);
    core.deferred(() => core.stop());
    await runIn(way, core);
  });

  test('another loop can be run by a handler', async () => {
    const inner = new RunLoop();
    loop.deferred(() => {
      inner.deferred(() => log.push(loop.running, inner.running));
      inner.deferred(() => inner.stop());
      inner.runSync();
      log.push(inner.running);
      loop.stop();
    });
    await runIn(way, loop);
    expect(log).toEqual([true, true, false]);
  });
});

describe.each(both)('deferred() and %s()', (way) => {
  test('functions are called in the order they were deferred, with their arguments, after the channels', async () => {
    const { reader, writer } = new Pipe();
    const channel = new Recorder(reader, loop);
    finallyDo(() => channel.close());
    channel.handleRead = () => {
      log.push('channel');
      channel.recv(9);
      loop.deferred((...words: unknown[]) => log.push(words), 1, 'two', undefined);
    };
    writeSync(writer, 'spam');
    after(loop, 0, () => log.push('task'));
    loop.deferred(() => log.push('first'));
    loop.deferred((a: number, b: number) => log.push(a + b), 1, 2);
    loop.deferred(() => loop.stop());
    await runIn(way, loop);
    expect(log).toEqual(['task', 'channel', 'first', 3, [1, 'two', undefined]]);
  });

  test('what is deferred meanwhile waits for the next pass', async () => {
    const counter = countPasses(loop);
    const note = (name: string) => () => log.push(`${name} ${counter.passes}`);
    loop.deferred(() => {
      note('a')();
      loop.deferred(note('c'));
      loop.deferred(() => loop.stop());
    });
    loop.deferred(note('b'));
    await runIn(way, loop);
    expect(log).toEqual(['a 1', 'b 1', 'c 2']);
  });

  test('a function that defers itself keeps neither tasks nor channels waiting', async () => {
    const { reader, writer } = new Pipe();
    const channel = new Recorder(reader, loop);
    finallyDo(() => channel.close());
    const LIMIT = 5_000_000;
    let [calls, atTask, atRead] = [0, 0, 0];
    const again = (): void => {
      calls += 1;
      // Ends a test that fails.
      if (calls < LIMIT) {
        loop.deferred(again);
      }
    };
    again();
    after(loop, 10, () => {
      atTask = calls;
      writeSync(writer, 'spam');
    });
    channel.handleRead = () => {
      atRead = calls;
      loop.stop();
    };
    await runIn(way, loop);
    // Once, when this thread lost its core for so long.
    expect(atTask).toBeGreaterThanOrEqual(1);
    expect(calls).toBeLessThan(LIMIT);
    // The pass that wrote is the pass that reads.
    expect(atRead - atTask).toBeLessThanOrEqual(1);
  });

  test('one that throws is reported, and the others go on', async () => {
    const print = jest.spyOn(console, 'error').mockImplementation(() => {});
    const crash = new Error('crash');
    loop.deferred(() => log.push('a'));
    loop.deferred(() => {
      throw crash;
    });
    loop.deferred(() => log.push('b'));
    loop.deferred(() => loop.stop());
    await runIn(way, loop);
    expect(log).toEqual(['a', 'b']);
    expect(print.mock.calls).toEqual([['error in a deferred function', crash]]);
  });

  test('wakes a loop that sleeps', async () => {
    const event = makeEvent();
    event.handleRead = () => {
      event.clear();
      loop.deferred(() => loop.stop());
    };
    event.addChannel(loop);
    after(loop, 5, () => event.set());
    await runIn(way, loop);
    expect(event.isSet()).toBe(false);
  });

  test.each([undefined, null, 'fn', {}, 42])('deferred(%p) throws a TypeError at the call', (fn) => {
    expect(() => loop.deferred(fn as never)).toThrow(TypeError);
    expect(codeOf(() => loop.deferred(fn as never))).toBe('ERR_INVALID_ARG_TYPE');
    loop.runOnce();
  });
});

test.each([undefined, null, 5, 'channel', {}, { fileno: 5 }])('add(%p) is refused', (channel) => {
  expect(codeOf(() => loop.add(channel as never))).toBe('ERR_INVALID_ARG_TYPE');
});

describe.each(both)('tasks in %s()', (way) => {
  test('are never early, and fractions of a millisecond count', async () => {
    for (const delta of [0, 0.05, 0.3, 0.999, 1, 1.5, 3.3, 20.25, 50]) {
      let elapsed = -1;
      const before = process.hrtime.bigint();
      after(loop, delta, () => {
        elapsed = since(before);
        loop.stop();
      });
      await runIn(way, loop);
      expect(elapsed).toBeGreaterThanOrEqual(delta);
    }
  });

  test('a fraction of a millisecond is not rounded up to one', async () => {
    let best = Infinity;
    let rounds = 0;
    const next = (): void => {
      const before = process.hrtime.bigint();
      after(loop, 0.05, () => {
        best = Math.min(best, since(before));
        rounds += 1;
        if (rounds < 300) {
          next();
        } else {
          loop.stop();
        }
      });
    };
    next();
    await runIn(way, loop);
    expect(best).toBeLessThan(1);
  });

  test('one that is installed by a channel, sooner than the first, is not slept over', async () => {
    const event = makeEvent({ set: true });
    const far = after(loop, 3_600_000, () => log.push('far'));
    event.handleRead = () => {
      event.clear();
      after(loop, 1, () => {
        log.push('near');
        loop.stop();
      });
    };
    event.addChannel(loop);
    await runIn(way, loop);
    far.suspendTask();
    expect(log).toEqual(['near']);
  });
});

describe.each(both)('SPIN and %s()', (way) => {
  test('a loop makes no pass for nothing', async () => {
    const counter = countPasses(loop);
    expect(loop.SPIN).toBe(Infinity);
    after(loop, 100, () => loop.stop());
    await runIn(way, loop);
    // One to begin with, one for the task; the timer may be a hair early once or twice.
    expect(counter.passes).toBeLessThanOrEqual(5);
  });

  test.each(['SPIN', 'spin'])('unless %s says how long it may sleep', async (name) => {
    const before = process.hrtime.bigint();
    let elapsed = 0;
    const counter = countPasses(loop, (passes) => {
      if (passes === 10) {
        elapsed = since(before);
        loop.stop();
      }
    });
    if (name === 'SPIN') {
      loop.SPIN = 2;
    }
    await runIn(way, loop, name === 'spin' ? { spin: 2 } : undefined);
    expect(counter.passes).toBe(10);
    expect(elapsed).toBeGreaterThanOrEqual(9);
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

  test('resolves at once for a signal that is aborted, and runs nothing', async () => {
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
    };
    setTimeout(() => {
      after(loop, 1, () => {
        log.push('task');
        loop.stop();
      });
    }, 5);
    await within(running, 'run()');
    expect(log).toEqual(['read', 'task']);
  });
});

describe('runOnce()', () => {
  test('runs what is due and what is deferred, and looks at no channel', () => {
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

  test('goes on until there are no channels left', () => {
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

  test('runs no task and no deferred function, and hears of no stop()', () => {
    makeEvent().addChannel(loop);
    const task = after(loop, 0, () => log.push('task'));
    loop.deferred(() => log.push('deferred'));
    loop.stop();
    loop.loop({ timeout: 1, count: 2 });
    expect(log).toEqual([]);
    task.suspendTask();
  });

  test('the loop of the handle and of the tasks are no channels of its', () => {
    expect(loop.handle).toBeDefined();
    expect(loop.taskManager.handle).toBeDefined();
    loop.loop();
    loop.taskManager.close();
  });
});

describe('what they take', () => {
  test.each([
    ['spin', NaN, 'ERR_INVALID_ARG_VALUE'],
    ['spin', '1', 'ERR_INVALID_ARG_TYPE'],
    ['spin', 1n, 'ERR_INVALID_ARG_TYPE'],
    ['spin', {}, 'ERR_INVALID_ARG_TYPE'],
    ['stopOn', 'SIGTERM', 'ERR_INVALID_ARG_TYPE'],
    ['stopOn', {}, 'ERR_INVALID_ARG_TYPE'],
    ['stopOn', null, 'ERR_INVALID_ARG_TYPE'],
    ['stopOn', ['SIGSPAM'], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', ['SIGTERM', 'SIGKILL'], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', ['SIGSTOP'], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', ['toString'], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', [15], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', [null], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', [Object.create(null)], 'ERR_INVALID_ARG_VALUE'],
    ['signal', {}, 'ERR_INVALID_ARG_TYPE'],
    ['signal', 'abort', 'ERR_INVALID_ARG_TYPE'],
  ])('the option %s: %p is %s', async (name, value, code) => {
    const options = { [name]: value } as never;
    expect(await rejectionOf(loop.run(options))).toBe(code);
    // It has no signal, and would run.
    expect(name === 'signal' ? code : codeOf(() => loop.runSync(options))).toBe(code);
    expect(loop.running).toBe(false);
    loop.deferred(() => loop.stop());
    loop.runSync();
  });

  test.each([null, 'options', 1, true])('%p are no options', async (options) => {
    expect(await rejectionOf(loop.run(options as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => loop.runSync(options as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => loop.loop(options as never))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test.each([
    ['timeout', NaN, 'ERR_INVALID_ARG_VALUE'],
    ['timeout', '1', 'ERR_INVALID_ARG_TYPE'],
    ['count', 1.5, 'ERR_INVALID_ARG_VALUE'],
    ['count', -1, 'ERR_INVALID_ARG_VALUE'],
    ['count', NaN, 'ERR_INVALID_ARG_VALUE'],
    ['count', '1', 'ERR_INVALID_ARG_TYPE'],
  ])('loop(): the option %s: %p is %s', (name, value, code) => {
    expect(codeOf(() => loop.loop({ [name]: value }))).toBe(code);
  });

  test.each([NaN, '1', null])('SPIN and enableSleeping(): %p is refused', (value) => {
    const code = typeof value === 'number' ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE';
    expect(codeOf(() => loop.enableSleeping(value as never))).toBe(code);
    loop.SPIN = value as never;
    expect(codeOf(() => loop.runSync())).toBe(code);
  });

  test.each([
    [undefined],
    [null],
    [{}],
    [1],
    ['handle'],
    [{ stop: null }],
    [{ stop: { key: 1, state: new SharedArrayBuffer(4) } }],
    [{ stop: { key: 1.5, state: new ArrayBuffer(4) } }],
  ])('RunLoop.connect(%p) is ERR_INVALID_HANDLE', (handle) => {
    expect(codeOf(() => RunLoop.connect(handle as never))).toBe('ERR_INVALID_HANDLE');
  });
});

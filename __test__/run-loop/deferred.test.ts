/** deferred(): the order of deferred functions, and what they may delay. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RunLoop } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf } from '../support/outcomes';
import { Pipe, writeSync } from '../support/pipe';
import { Recorder } from '../support/run-loop/channels';
import { after, countPasses, runIn } from '../support/run-loop/loops';
import { makeEvent } from '../support/run-loop/make-event';

const both = ['run', 'runSync'] as const;

let loop: RunLoop;

let log: unknown[];

beforeEach(() => {
  loop = new RunLoop();
  log = [];
});

afterEach(() => {
  jest.restoreAllMocks();
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

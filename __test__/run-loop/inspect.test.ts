/** What util.inspect() shows of a run loop. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { RunLoop, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { textOf } from '../support/inspect';
import { within } from '../support/timing';

let loop: RunLoop;

beforeEach(() => {
  loop = new RunLoop();
});

describe('the text of a loop', () => {
  test('says whether it runs, how many channels it has, and SPIN', async () => {
    expect(textOf(loop)).toBe('RunLoop { running: false, channels: 0, SPIN: Infinity }');
    const event = new WaitableEvent({ loop });
    finallyDo(() => event.close());
    const running = loop.run();
    loop.SPIN = 5;
    expect(textOf(loop)).toBe('RunLoop { running: true, channels: 1, SPIN: 5 }');
    loop.stop();
    await within(running, 'run()');
  });

  test('does not count the channels of its handle and its manager, and makes no manager', () => {
    expect([loop.handle, loop.taskManager.handle]).toHaveLength(2);
    finallyDo(() => loop.taskManager.close());
    expect(textOf(loop)).toBe('RunLoop { running: false, channels: 0, SPIN: Infinity }');
  });

  test('has the name and the fields of a subclass', () => {
    class Pump extends RunLoop {
      rate = 2;
    }
    expect(textOf(new Pump())).toBe('Pump { running: false, channels: 0, SPIN: Infinity, rate: 2 }');
  });
});

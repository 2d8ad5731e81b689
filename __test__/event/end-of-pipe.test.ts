/** An event whose write side foreign code has closed: nothing can set it any more, and its waiters are told. */

import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

import { beforeEach, describe, expect, test } from '@jest/globals';
import { RunLoop, WaitableEvent, select } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf } from '../support/outcomes';
import { takeLowerNumbers } from '../support/pipe';
import { runIn } from '../support/run-loop/loops';
import { within } from '../support/timing';

let event: WaitableEvent;

beforeEach(() => {
  event = new WaitableEvent();
  finallyDo(() => event.close());
});

function codeOfRejection(promise: Promise<unknown>): Promise<unknown> {
  return within(promise, 'the wait').then(
    (value) => value,
    (error: { code: string }) => error.code,
  );
}

describe('the first caller gets EBADF, and the event is closed', () => {
  test.each([
    ['isSet()', (it: WaitableEvent) => it.isSet()],
    ['wait(0)', (it: WaitableEvent) => it.wait(0)],
    ['wait()', (it: WaitableEvent) => it.wait(10_000)],
  ])('%s', (_name, call) => {
    closeSync(event.writeFileno());
    expect(codeOf(() => call(event))).toBe('EBADF');
    expect(event.closed).toBe(true);
    expect(codeOf(() => event.wait())).toBe('ERR_EVENT_CLOSED');
  });

  test('waitAsync()', async () => {
    const waits = [event.waitAsync(), event.waitAsync()].map(codeOfRejection);
    closeSync(event.writeFileno());
    expect(await Promise.all(waits)).toEqual(['EBADF', 'EBADF']);
    expect(event.closed).toBe(true);
    expect(await codeOfRejection(event.waitAsync())).toBe('ERR_EVENT_CLOSED');
  });

  test('for await', async () => {
    closeSync(event.writeFileno());
    let iterations = 0;
    const iterate = async (): Promise<void> => {
      for await (const _ of event) {
        iterations += 1;
        if (iterations === 10) {
          break;
        }
      }
    };
    expect(await codeOfRejection(iterate())).toBe('EBADF');
    expect(iterations).toBe(0);
  });
});

test('what was written before is still there', () => {
  event.set();
  closeSync(event.writeFileno());
  expect(select([event], [], [], 0)[0]).toEqual([event]);
  expect(event.wait(0)).toBe(true);
  event.clear();
  expect(codeOf(() => event.isSet())).toBe('EBADF');
});

test.each(['run', 'runSync'] as const)('a loop calls handleClose() once, with %s()', async (way) => {
  const loop = new RunLoop();
  finallyDo(() => loop.close());
  let calls = 0;
  class Member extends WaitableEvent {
    override handleClose(): void {
      calls += 1;
      super.handleClose();
      loop.deferred(() => loop.stop());
    }
  }
  const member = new Member({ loop });
  closeSync(member.writeFileno());
  await runIn(way, loop);
  expect(calls).toBe(1);
  expect(member.closed).toBe(true);
});

test.each(['isSet()', 'a loop'])('the number, which another file has by now, is not closed again after %s', (how) => {
  const number = event.writeFileno();
  const loop = new RunLoop();
  event.addChannel(loop);
  // The loop's descriptors are there before the number is free.
  loop.loop({ count: 1, timeout: 0 });
  takeLowerNumbers(number);
  closeSync(number);
  const others = Array.from({ length: 20 }, () => openSync(devNull, 'r'));
  expect(others).toContain(number);
  if (how === 'a loop') {
    loop.loop({ count: 1, timeout: 0 });
  } else {
    codeOf(() => event.isSet());
  }
  expect(event.closed).toBe(true);
  expect(others.map((fd) => codeOf(() => closeSync(fd)))).toEqual(others.map(() => undefined));
  loop.close();
});

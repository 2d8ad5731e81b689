/** Restated from CPython: the tests of threading.Event (`EventTests` in Lib/test/lock_tests.py), under their names. */

import { describe, expect, test } from '@jest/globals';
import { WaitableEvent } from 'waitable-event';

import { outcomes, startWaiters } from '../support/event/waiters';
import { WorkerHarness } from '../support/worker-harness';

const FIVE_WAITS = ['wait', 'wait', 'wait', 'wait', 'wait'] as const;

function startFive(event: WaitableEvent, timeouts: number[]): WorkerHarness[] {
  return FIVE_WAITS.map(() => new WorkerHarness('event/wait-twice.js', { handle: event.handle, timeouts }));
}

async function checkNotify(event: WaitableEvent): Promise<unknown[]> {
  // Each thread waits twice; the second time, the event is still set.
  const waiters = startFive(event, []);
  await Promise.all(waiters.map((waiter) => waiter.blocked()));
  event.set();
  return outcomes(waiters);
}

describe('EventTests of CPython', () => {
  test('test_is_set', () => {
    const event = new WaitableEvent();
    expect(event.isSet()).toBe(false);
    event.set();
    expect(event.isSet()).toBe(true);
    event.set();
    expect(event.isSet()).toBe(true);
    event.clear();
    expect(event.isSet()).toBe(false);
    event.clear();
    expect(event.isSet()).toBe(false);
  });

  test('test_notify', async () => {
    const event = new WaitableEvent();
    expect(await checkNotify(event)).toEqual(FIVE_WAITS.map(() => [true, true]));
    // Another time, to see that its inner state is still right.
    event.clear();
    expect(await checkNotify(event)).toEqual(FIVE_WAITS.map(() => [true, true]));
  });

  test('test_timeout', async () => {
    const event = new WaitableEvent();
    // The fixture finds out itself whether it came back too early.
    expect(await outcomes(startFive(event, [0, 300]))).toEqual(FIVE_WAITS.map(() => [false, false]));
    event.set();
    expect(await outcomes(startFive(event, [0, 300]))).toEqual(FIVE_WAITS.map(() => [true, true]));
  });

  test('test_set_and_clear', async () => {
    const event = new WaitableEvent();
    const waiters = await startWaiters(event, FIVE_WAITS, 10_000);
    event.set();
    event.clear();
    expect(await outcomes(waiters)).toEqual(FIVE_WAITS.map(() => true));
  });
});

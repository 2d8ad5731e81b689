import { describe, expect, test } from '@jest/globals';
import { WaitableEvent } from 'waitable-event';

import { type Way, outcomes, startWaiters } from '../support/event/waiters';
import { report } from '../support/outcomes';
import { COUNT, isBlocked, until } from '../support/threads';
import { WorkerHarness } from '../support/worker-harness';

/** Generous, in milliseconds; what it really took is printed. */
const SOON = 2000;

describe('worker.terminate()', () => {
  const ways: Way[] = ['waitPlain', 'wait', 'select', 'nested', 'guarded', 'waitAsync', 'iterate', 'selectAsync'];

  test.each(ways)('ends a worker that sleeps in %s immediately', async (way) => {
    const event = new WaitableEvent();
    const [waiter] = (await startWaiters(event, [way], Infinity)) as [WorkerHarness];
    const took = await waiter.terminate();
    expect(await waiter.exit).toBe(1);
    expect(took).toBeLessThan(SOON);
    report(`terminate() of ${way}: ${took.toFixed(1)} ms`);
    // The event is as it was.
    expect(event.isSet()).toBe(false);
    event.set();
    expect(event.isSet()).toBe(true);
    event.close();
  });

  test('leaves other waiters of the same event alone', async () => {
    const event = new WaitableEvent();
    const doomed = await startWaiters(event, ['wait', 'waitAsync', 'select', 'iterate'], Infinity);
    const peers: Way[] = ['wait', 'waitAsync', 'select', 'selectAsync', 'wait'];
    const waiters = await startWaiters(event, peers);
    const mine = event.waitAsync();
    await Promise.all(doomed.map((hand) => hand.terminate()));
    await until(() => waiters.every(({ words }) => isBlocked(words)), 'the others to sleep on');
    event.set();
    event.clear();
    expect(await outcomes(waiters)).toEqual(peers.map(() => true));
    expect(await mine).toBe(true);
    event.close();
  });

  test('does not lose a set() for another waiter, whichever of them the kernel wakes', async () => {
    for (let round = 0; round < 10; round += 1) {
      const event = new WaitableEvent();
      const [doomed, peer] = (await startWaiters(event, ['wait', 'wait'])) as [WorkerHarness, WorkerHarness];
      const ended = doomed.terminate();
      event.set();
      expect(await outcomes([peer])).toEqual([true]);
      await ended;
      event.close();
    }
  });

  test('ends twenty blocked workers together', async () => {
    const event = new WaitableEvent();
    const waiters = await startWaiters(event, Array<Way>(20).fill('waitPlain'));
    const times = await Promise.all(waiters.map((waiter) => waiter.terminate()));
    expect(Math.max(...times)).toBeLessThan(2 * SOON);
    report(`terminate() of 20 workers: ${Math.max(...times).toFixed(1)} ms`);
    event.close();
  });

  test('may come at any moment: 30 workers that hammer an event, ended at random', async () => {
    const event = new WaitableEvent();
    const survivor = new WorkerHarness('event/call-in-turn.js', {
      handle: event.handle,
      methods: ['set', 'wait', 'clear', 'waitAsync'],
    });
    const methods = ['set', 'clear', 'wait', 'waitAsync', 'isSet'];
    for (let batch = 0; batch < 10; batch += 1) {
      await Promise.all(
        [0, 1, 2].map(async (index) => {
          const hammer = new WorkerHarness('event/call-in-turn.js', { handle: event.handle, methods });
          // At a different point of its life each time: from before its first line to deep in its work.
          const calls = batch === 0 ? -1 : Math.floor(Math.random() * 10 ** (batch / 2));
          await until(() => Atomics.load(hammer.words, COUNT) > calls, `call ${calls} of hammer ${index}`);
          await hammer.terminate();
        }),
      );
    }
    survivor.stop();
    expect(await survivor.next()).toMatchObject({ errors: {} });
    event.clear();
    expect(await event.waitAsync(1)).toBe(false);
    const waiters = await startWaiters(event, ['wait', 'waitAsync', 'select']);
    event.set();
    expect(await outcomes(waiters)).toEqual([true, true, true]);
    event.close();
  });

  test('ends a worker that runs a loop, and one that has run out of things to do', async () => {
    const event = new WaitableEvent();
    for (const way of ['runSync', 'run', 'nothing'] as const) {
      const [hand] = (await startWaiters(event, [way], Infinity)) as [WorkerHarness];
      expect(await hand.terminate()).toBeLessThan(SOON);
    }
    expect(event.isSet()).toBe(false);
    event.close();
  });
});

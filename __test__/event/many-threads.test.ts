import { writeSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import { WaitableEvent } from 'waitable-event';

import { type Way, outcomes, startWaiter, startWaiters } from '../support/event/waiters';
import { report } from '../support/outcomes';
import { COUNT, GATE, PHASE, TIME_LIMIT, awaitWord, isBlocked, makeWords, until, untilSync } from '../support/threads';
import { since, within } from '../support/timing';
import { WorkerHarness } from '../support/worker-harness';

/**
 * Has several workers call their methods `rounds` times, all at the same time, and calls `between` after each round.
 */
async function runCrowd(
  event: WaitableEvent,
  methods: readonly ('set' | 'clear')[],
  rounds: number,
  between: (round: number) => void,
): Promise<void> {
  const shared = makeWords();
  const crowd = methods.map(
    (method) => new WorkerHarness('event/call-each-round.js', { handle: event.handle, shared, method, rounds }),
  );
  const failures = Promise.all(
    crowd.map(({ worker }) => new Promise<never>((_resolve, reject) => worker.on('error', reject))),
  );
  failures.catch(() => {});
  for (let round = 1; round <= rounds; round += 1) {
    Atomics.store(shared, PHASE, round);
    Atomics.notify(shared, PHASE);
    awaitWord(shared, COUNT, round * methods.length);
    between(round);
  }
  await Promise.race([failures, Promise.all(crowd.map((hand) => hand.exit))]);
}

const EIGHT = Array.from({ length: 8 }, (_, index) => index);

describe('set and clear of many threads', () => {
  test('set(); clear() releases every blocked thread: 5000 of 5000 in 1000 rounds', async () => {
    const ROUNDS = 1000;
    const THREADS = 5;
    const event = new WaitableEvent();
    const before = process.hrtime.bigint();
    const waiters = Array.from(
      { length: THREADS },
      () => new WorkerHarness('event/wait-each-round.js', { handle: event.handle, rounds: ROUNDS }),
    );
    await Promise.all(waiters.map((waiter) => waiter.blocked()));
    for (let round = 1; round <= ROUNDS; round += 1) {
      untilSync(() => waiters.every(({ words }) => isBlocked(words, round)), `5 threads to block in round ${round}`);
      event.set();
      event.clear();
      waiters.forEach(({ words }) => awaitWord(words, COUNT, round));
      waiters.forEach(({ words }) => {
        Atomics.store(words, GATE, round);
        Atomics.notify(words, GATE);
      });
    }
    const released = waiters.reduce((sum, { words }) => sum + Atomics.load(words, COUNT), 0);
    expect(released).toBe(ROUNDS * THREADS);
    expect(event.isSet()).toBe(false);
    report(`${released} of ${ROUNDS * THREADS} released in ${Math.round(since(before))} ms`);
  });

  test('one clear() clears what 8 threads have set at the same time: in 10 000 of 10 000 rounds', async () => {
    const event = new WaitableEvent();
    const seen: Record<string, number> = {};
    await runCrowd(event, Array<'set'>(8).fill('set'), 10_000, () => {
      const wasSet = event.isSet();
      event.clear();
      const state = `${wasSet} ${event.isSet()} ${event.wait(0)}`;
      seen[state] = (seen[state] ?? 0) + 1;
    });
    expect(seen).toEqual({ 'true false false': 10_000 });
  });

  test('clear() of 8 threads at the same time never throws and never loses a later set()', async () => {
    const event = new WaitableEvent({ set: true });
    const seen = new Set<string>();
    await runCrowd(event, Array<'clear'>(8).fill('clear'), 2000, () => {
      const left = event.isSet();
      event.set();
      seen.add(`${left} ${event.isSet()}`);
    });
    expect([...seen]).toEqual(['false true']);
  });

  test('after set() and clear() at the same time, the state is one of both, and the descriptor agrees', async () => {
    const event = new WaitableEvent();
    const seen = new Set<string>();
    await runCrowd(event, ['set', 'clear', 'set', 'clear'], 2000, () => {
      const before = event.isSet();
      // Were the word set over an empty pipe, this would be swallowed; were the pipe full over a clear word, clear()
      // would not help.
      event.set();
      const readable = event.recv(16).length > 0;
      seen.add(`${typeof before} ${readable} ${event.isSet()}`);
    });
    expect([...seen]).toEqual(['boolean true false']);
  });

  test('threads that hammer set() and clear() get no error, and a set() afterwards wakes', async () => {
    const event = new WaitableEvent();
    const hammers = [['set'], ['clear'], ['set', 'clear'], ['set', 'isSet', 'clear', 'wait', 'waitAsync']].map(
      (methods) => new WorkerHarness('event/call-in-turn.js', { handle: event.handle, methods, calls: 20_000 }),
    );
    const results = await Promise.all(hammers.map((hammer) => hammer.next<{ calls: number; errors: object }>()));
    expect(results).toEqual(results.map(() => ({ calls: 20_000, errors: {} })));
    event.clear();
    expect(event.isSet()).toBe(false);
    const waiters = await startWaiters(event, ['wait', 'waitAsync']);
    event.set();
    expect(await outcomes(waiters)).toEqual([true, true]);
  });

  test('a thread that clears sees what every setter wrote before its set(), and no set() is lost', async () => {
    const COUNT_EACH = 20_000;
    const event = new WaitableEvent();
    const numbers = new Int32Array(new SharedArrayBuffer(4 * EIGHT.length));
    EIGHT.forEach(
      (index) =>
        new WorkerHarness('event/write-then-set.js', { handle: event.handle, numbers, index, count: COUNT_EACH }),
    );
    let wakeUps = 0;
    while (numbers.some((number) => number !== COUNT_EACH)) {
      if (!event.wait(TIME_LIMIT)) {
        throw new Error(`A set() was lost: woken ${wakeUps} times, and have seen ${numbers.join(' ')}`);
      }
      wakeUps += 1;
      // Only what was written before a set() that this clears, or a later one, has to be visible from here on.
      event.clear();
    }
    expect([...numbers]).toEqual(EIGHT.map(() => COUNT_EACH));
  });
});

describe('all ways to wait', () => {
  test('one set() wakes blocked, awaiting and selecting threads alike', async () => {
    const event = new WaitableEvent();
    const mine = [event.waitAsync(), WaitableEvent.open(event.handle).waitAsync(TIME_LIMIT)];
    const ways: Way[] = ['wait', 'waitAsync', 'select', 'selectAsync', 'wait', 'waitAsync'];
    const waiters = await startWaiters(event, ways);
    event.set();
    expect(await outcomes(waiters)).toEqual(ways.map(() => true));
    expect(await within(Promise.all(mine), 'waitAsync() of this thread')).toEqual([true, true]);
    expect(event.isSet()).toBe(true);
  });

  test('one set() wakes them all also when some of them clear it immediately', async () => {
    const ways: Way[] = ['wait', 'iterate', 'waitAsync', 'select', 'iterate', 'selectAsync', 'wait'];
    for (let round = 0; round < 3; round += 1) {
      const event = new WaitableEvent();
      const mine = event.waitAsync();
      const waiters = await startWaiters(event, ways);
      event.set();
      expect(await outcomes(waiters)).toEqual(ways.map(() => true));
      expect(await within(mine, 'waitAsync() of this thread')).toBe(true);
      event.close();
    }
  });

  test('set(); clear() of one thread releases every way to wait in the others', async () => {
    const event = new WaitableEvent();
    const ways: Way[] = ['wait', 'waitAsync', 'iterate', 'select', 'selectAsync'];
    const waiters = await startWaiters(event, ways);
    event.set();
    event.clear();
    expect(await outcomes(waiters)).toEqual(ways.map(() => true));
  });

  test('set(); clear() of another thread releases all waits of this one', async () => {
    const event = new WaitableEvent();
    const mine = Array.from({ length: 5 }, () => event.waitAsync(TIME_LIMIT));
    mine.push(WaitableEvent.open(event.handle).waitAsync());
    const flash = new WorkerHarness('event/call-in-turn.js', {
      handle: event.handle,
      methods: ['set', 'clear'],
      calls: 2,
    });
    expect(await flash.next()).toEqual({ calls: 2, errors: {} });
    expect(await within(Promise.all(mine), 'waitAsync()')).toEqual(mine.map(() => true));
    expect(event.isSet()).toBe(false);
  });

  test('a foreign byte releases every awaiting thread, though each of them clears it immediately: in 3000 rounds', async () => {
    const ROUNDS = 3000;
    const event = new WaitableEvent();
    const takers = [0, 1, 2].map(
      () => new WorkerHarness('event/await-and-clear-each-round.js', { handle: event.handle, rounds: ROUNDS }),
    );
    for (let round = 1; round <= ROUNDS; round += 1) {
      untilSync(() => takers.every(({ words }) => Atomics.load(words, PHASE) === round), `round ${round} to begin`);
      writeSync(event.writeFileno(), 'x');
      takers.forEach(({ words }) => awaitWord(words, COUNT, round));
      event.clear();
      takers.forEach(({ words }) => {
        Atomics.store(words, GATE, round);
        Atomics.notify(words, GATE);
      });
    }
    expect(takers.map(({ words }) => words[COUNT])).toEqual([ROUNDS, ROUNDS, ROUNDS]);
  });

  test('a timeout in one thread does not touch the others', async () => {
    const event = new WaitableEvent();
    const waiters = await startWaiters(event, ['wait', 'waitAsync', 'select']);
    let released = false;
    void Promise.race(waiters.map((waiter) => waiter.exit)).then(() => (released = true));
    expect(await outcomes([startWaiter(event, 'wait', 30), startWaiter(event, 'waitAsync', 30)])).toEqual([
      false,
      false,
    ]);
    // One sample is not enough: a sleeping thread may wake for a moment, for the garbage collector or to read the
    // clock.
    await until(() => released || waiters.every(({ words }) => isBlocked(words)), 'the others to sleep on');
    expect(released).toBe(false);
    event.set();
    expect(await outcomes(waiters)).toEqual([true, true, true]);
  });
});

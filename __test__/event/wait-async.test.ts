import { writeSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RunLoop, WaitableEvent } from 'waitable-event';

import { rejectionOf } from '../support/outcomes';
import { TIME_LIMIT, monotonic } from '../support/threads';
import { since, within } from '../support/timing';
import { WorkerHarness } from '../support/worker-harness';

let event: WaitableEvent;

beforeEach(() => {
  event = new WaitableEvent();
});

afterEach(() => {
  event.close();
});

/** Keeps this thread busy, so that its event loop does not iterate. */
function block(milliseconds: number): void {
  const before = process.hrtime.bigint();
  while (since(before) < milliseconds);
}

function all<T>(promises: Promise<T>[]): Promise<T[]> {
  return within(Promise.all(promises), `${promises.length} promises`);
}

describe('waitAsync', () => {
  test('resolves with true when the event is set already', async () => {
    event.set();
    expect(await event.waitAsync()).toBe(true);
    expect(await event.waitAsync(0)).toBe(true);
    expect(await event.waitAsync(1000)).toBe(true);
    expect(event.isSet()).toBe(true);
  });

  test.each([0, -1, -0.5, -Infinity])('waitAsync(%p) checks once and does not wait', async (timeout) => {
    expect(await event.waitAsync(timeout)).toBe(false);
    event.set();
    expect(await event.waitAsync(timeout)).toBe(true);
  });

  test('resolves with true when this thread sets it', async () => {
    const wait = event.waitAsync();
    event.set();
    expect(await within(wait, 'waitAsync()')).toBe(true);
  });

  test('resolves with true when another thread sets it, time after time', async () => {
    for (let round = 0; round < 20; round += 1) {
      const wait = event.waitAsync(undefined);
      if (round === 0) {
        // Sets whenever it is clear.
        void new WorkerHarness('event/call-in-turn.js', { handle: event.handle, methods: ['set', 'wait'] });
      }
      expect(await within(wait, `round ${round}`)).toBe(true);
      event.clear();
    }
  });

  test('resolves with true for a byte that comes through the descriptor', async () => {
    const wait = event.waitAsync();
    writeSync(event.writeFileno(), 'x');
    expect(await within(wait, 'waitAsync()')).toBe(true);
    expect(event.isSet()).toBe(true);
  });

  test.each([0.05, 0.5, 1, 1.7, 20.25, 50])('waitAsync(%p) resolves with false, never early', async (timeout) => {
    for (let round = 0; round < 5; round += 1) {
      const before = process.hrtime.bigint();
      expect(await event.waitAsync(timeout)).toBe(false);
      expect(since(before)).toBeGreaterThanOrEqual(timeout);
    }
  });

  test.each([2 ** 31 + 5, 2 ** 53, Infinity])('waitAsync(%p) waits that long, not for no time', async (timeout) => {
    const wait = event.waitAsync(timeout);
    // A short one that began later ends before it.
    expect(await event.waitAsync(20)).toBe(false);
    event.set();
    expect(await within(wait, 'waitAsync()')).toBe(true);
  });

  test('timeouts end in their order, whatever the order they were begun in', async () => {
    const ended: { from: number; to: number }[] = [];
    await all(
      [40, 10, 30, 20, 15.5, 15.25].map(async (timeout) => {
        // On a slow machine, the next wait may begin later than their timeouts differ.
        const from = monotonic() + timeout;
        const wait = event.waitAsync(timeout);
        const to = monotonic() + timeout;
        await wait;
        ended.push({ from, to });
      }),
    );
    const early = ended.filter(({ from }, index) => ended.slice(index + 1).some(({ to }) => from > to));
    expect({ count: ended.length, early }).toEqual({ count: 6, early: [] });
  });

  test('many waits for one event all end with one set()', async () => {
    const waits = Array.from({ length: 1000 }, (_, index) => event.waitAsync(index % 2 === 0 ? Infinity : 10_000));
    event.set();
    expect(new Set(await all(waits))).toEqual(new Set([true]));
  });

  test('waits for 1000 events end each with its own', async () => {
    const events = Array.from({ length: 1000 }, () => new WaitableEvent());
    const even = events.filter((_, index) => index % 2 === 0);
    const odd = events.filter((_, index) => index % 2 === 1);
    const [evenWaits, oddWaits] = [even, odd].map((some) => some.map((each) => each.waitAsync())) as [
      Promise<boolean>[],
      Promise<boolean>[],
    ];
    let oddEnded = 0;
    for (const wait of oddWaits) {
      void wait.finally(() => (oddEnded += 1));
    }
    even.forEach((each) => each.set());
    expect(new Set(await all(evenWaits))).toEqual(new Set([true]));
    expect(oddEnded).toBe(0);
    odd.forEach((each) => each.set());
    expect(new Set(await all(oddWaits))).toEqual(new Set([true]));
    events.forEach((each) => each.close());
  });

  test('a wait that has timed out leaves the others alone', async () => {
    const wait = event.waitAsync();
    expect(await event.waitAsync(5)).toBe(false);
    expect(await event.waitAsync(5)).toBe(false);
    event.set();
    expect(await within(wait, 'waitAsync()')).toBe(true);
  });

  test('an event can be awaited again and again', async () => {
    for (let round = 0; round < 500; round += 1) {
      const wait = event.waitAsync();
      event.set();
      expect(await within(wait, `round ${round}`)).toBe(true);
      event.clear();
      expect(await event.waitAsync(0)).toBe(false);
    }
  });

  test('an event that was opened twice in this thread can be awaited by both', async () => {
    const twin = WaitableEvent.open(event.handle);
    for (let round = 0; round < 3; round += 1) {
      const waits = [event.waitAsync(), twin.waitAsync(), event.waitAsync(10_000), twin.waitAsync(10_000)];
      event.set();
      expect(await all(waits)).toEqual([true, true, true, true]);
      event.clear();
      const flashed = [twin.waitAsync(), event.waitAsync()];
      event.set();
      event.clear();
      expect(await all(flashed)).toEqual([true, true]);
    }
    const closed = [rejectionOf(event.waitAsync()), rejectionOf(twin.waitAsync())];
    twin.close();
    expect(await all(closed)).toEqual(['ERR_EVENT_CLOSED', 'ERR_EVENT_CLOSED']);
  });
});

describe('what happens before the event loop polls', () => {
  test('a set() that is cleared immediately releases pending waits', async () => {
    const waits = [event.waitAsync(), event.waitAsync(10_000)];
    event.set();
    event.clear();
    expect(await all(waits)).toEqual([true, true]);
    expect(event.isSet()).toBe(false);
  });

  test('a set() that was cleared before the wait began does not release it', async () => {
    const first = event.waitAsync();
    event.set();
    event.clear();
    const second = event.waitAsync(30);
    const third = event.waitAsync();
    expect(await within(first, 'the first')).toBe(true);
    expect(await second).toBe(false);
    event.set();
    expect(await within(third, 'the third')).toBe(true);
  });

  test.each(['set', 'set and clear', 'write'])(
    '600 events, each %s in time while the loop was blocked, are true, not late',
    async (how) => {
      const events = Array.from({ length: 600 }, () => new WaitableEvent());
      // An alarm that has rung before them is in the way of the loop's view.
      const early = event.waitAsync(5);
      const waits = events.map((each) => each.waitAsync(60));
      block(10);
      for (const each of events) {
        if (how === 'write') {
          writeSync(each.writeFileno(), 'x');
        } else {
          each.set();
        }
        if (how === 'set and clear') {
          each.clear();
        }
      }
      block(80);
      expect((await all(waits)).filter((isSet) => !isSet)).toHaveLength(0);
      expect(await early).toBe(false);
      events.forEach((each) => each.close());
    },
  );

  test('what is reported for an event that a handler closes does not reach its successor', async () => {
    const loop = new RunLoop();
    const victim = new WaitableEvent();
    let successor: WaitableEvent | undefined;
    let early: Promise<boolean> | undefined;
    class Closing extends WaitableEvent {
      override handleRead(): void {
        this.clear();
        victim.close();
        // Likely in the same place as the victim was.
        successor = new WaitableEvent();
        early = successor.waitAsync(30);
        loop.stop();
      }
    }
    const closing = new Closing({ loop });
    const run = loop.run();
    // The loop is asleep in the kernel when nothing is left to do but this.
    await event.waitAsync(10);
    const wait = victim.waitAsync();
    closing.set();
    victim.set();
    await within(run, 'the loop');
    expect(await within(wait, 'the victim')).toBe(true);
    expect(await early).toBe(false);
    closing.close();
    successor?.close();
  });
});

describe('close', () => {
  test('rejects every pending wait', async () => {
    const waits = [event.waitAsync(), event.waitAsync(10_000), event.waitAsync(10_000, { ref: false })].map(
      rejectionOf,
    );
    event.close();
    expect(await all(waits)).toEqual(['ERR_EVENT_CLOSED', 'ERR_EVENT_CLOSED', 'ERR_EVENT_CLOSED']);
  });

  test('rejects them also when another thread closes the event', async () => {
    const waits = [event.waitAsync(), event.waitAsync(TIME_LIMIT)].map(rejectionOf);
    const closer = new WorkerHarness('event/call-in-turn.js', { handle: event.handle, methods: ['close'], calls: 1 });
    await closer.next();
    expect(await all(waits)).toEqual(['ERR_EVENT_CLOSED', 'ERR_EVENT_CLOSED']);
  });
});

/** close(), while other threads wait for the event and call its methods. */

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { WaitableEvent } from 'waitable-event';

import { type Way, outcomes, startWaiters } from '../support/event/waiters';
import { countDescriptors } from '../support/files';
import { codeOf, rejectionOf, report } from '../support/outcomes';
import { COUNT, PHASE, TIME_LIMIT, until } from '../support/threads';
import { since } from '../support/timing';
import { WorkerHarness } from '../support/worker-harness';

describe('close() while others wait', () => {
  const ways: [Way, unknown][] = [
    ['wait', 'ERR_EVENT_CLOSED'],
    ['wait', 'ERR_EVENT_CLOSED'],
    ['waitAsync', 'ERR_EVENT_CLOSED'],
    ['iterate', 'ended'],
  ];

  test('gives each of them ERR_EVENT_CLOSED, and ends the iterations', async () => {
    const before = countDescriptors();
    const event = new WaitableEvent();
    const mine = rejectionOf(event.waitAsync());
    const other = rejectionOf(WaitableEvent.open(event.handle).waitAsync(TIME_LIMIT));
    const waiters = await startWaiters(
      event,
      ways.map(([way]) => way),
    );
    event.close();
    expect(await outcomes(waiters)).toEqual(ways.map(([, outcome]) => outcome));
    expect([await mine, await other]).toEqual(['ERR_EVENT_CLOSED', 'ERR_EVENT_CLOSED']);
    await Promise.all(waiters.map((waiter) => waiter.terminate()));
    // Node itself opens some for its first workers.
    expect(countDescriptors()).toBeLessThanOrEqual(before + 10);
  });

  test('works from a thread that did not make it', async () => {
    const event = new WaitableEvent();
    const mine = rejectionOf(event.waitAsync());
    const waiters = await startWaiters(event, ['wait', 'iterate']);
    const closer = new WorkerHarness('event/call-in-turn.js', { handle: event.handle, methods: ['close'], calls: 1 });
    expect(await closer.next()).toEqual({ calls: 1, errors: {} });
    expect(await outcomes(waiters)).toEqual(['ERR_EVENT_CLOSED', 'ended']);
    expect(await mine).toBe('ERR_EVENT_CLOSED');
    expect(event.closed).toBe(true);
    expect(codeOf(() => event.set())).toBe('ERR_EVENT_CLOSED');
  });

  test('a set() before it counts no more', async () => {
    const event = new WaitableEvent();
    const mine = rejectionOf(event.waitAsync());
    event.set();
    event.close();
    expect(await mine).toBe('ERR_EVENT_CLOSED');
  });
});

describe('close() while others call', () => {
  test('no call reaches a descriptor whose number has been used again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
    const path = join(directory, 'canary');
    writeFileSync(path, 'canary');
    const EVENTS = 200;
    const events = Array.from({ length: EVENTS }, () => new WaitableEvent());
    const hammers = ['set', 'clear', 'both'].map(
      (mode) =>
        new WorkerHarness('event/set-and-clear-until-closed.js', { handles: events.map(({ handle }) => handle), mode }),
    );
    let reused = 0;
    let tried = 0;
    const canaries: number[] = [];
    const begun = process.hrtime.bigint();
    for (const [index, event] of events.entries()) {
      // On a busy machine each turn of the threads takes long, and fewer of them are enough.
      if (tried >= EVENTS / 10 && since(begun) > 10_000) {
        event.close();
        continue;
      }
      tried += 1;
      // Each of them is at work on this one.
      await until(
        () => hammers.every(({ words }) => Atomics.load(words, PHASE) === index + 1 && Atomics.load(words, COUNT) > 20),
        `three hammers on event ${index}`,
      );
      const numbers = new Set([event.fileno(), event.writeFileno()]);
      event.close();
      // Opened immediately and kept, so that the numbers below those just freed are in use.
      for (let attempt = 0; attempt < 4 && numbers.size > 0; attempt += 1) {
        const canary = openSync(path, 'r+');
        canaries.push(canary);
        reused += Number(numbers.delete(canary));
      }
      await until(
        () => hammers.every(({ words }) => Atomics.load(words, PHASE) !== index + 1),
        `closed event ${index}`,
      );
    }
    const results = await Promise.all(hammers.map((hammer) => hammer.next()));
    expect(results).toEqual(hammers.map(() => ({ ERR_EVENT_CLOSED: EVENTS })));
    expect(readFileSync(path, 'latin1')).toBe('canary');
    canaries.forEach((fd) => {
      // Neither read nor written.
      expect(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')).toMatch(/^pos:\s+0\n/);
      closeSync(fd);
    });
    // Otherwise this has tested nothing.
    expect(reused).toBeGreaterThan(tried / 10);
    report(`${reused} of ${2 * tried} numbers were used again while others still called`);
    rmSync(directory, { recursive: true });
  });

  test('close() of several threads at the same time is one close', async () => {
    const before = countDescriptors();
    for (let round = 0; round < 20; round += 1) {
      const event = new WaitableEvent();
      const copies = Array.from({ length: 5 }, () => WaitableEvent.open(event.handle));
      copies.forEach((copy) => copy.close());
      event.close();
    }
    expect(countDescriptors()).toBe(before);
    // Read once: the first worker may have closed the event before the last one is started.
    const event = new WaitableEvent();
    const { handle } = event;
    const closers = Array.from(
      { length: 4 },
      () => new WorkerHarness('event/call-in-turn.js', { handle, methods: ['close', 'close'], calls: 2 }),
    );
    // A thread that opens it too late gets the error too.
    const errors = await Promise.all(
      closers.map(async (closer) => {
        try {
          return (await closer.next<{ errors: object }>()).errors;
        } catch (error) {
          return { [(error as { code: string }).code]: 1 };
        }
      }),
    );
    expect(errors.filter((each) => !['{}', '{"ERR_INVALID_HANDLE":1}'].includes(JSON.stringify(each)))).toEqual([]);
    expect(event.closed).toBe(true);
  });
});

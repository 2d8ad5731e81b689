import { describe, expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';

import { decode, encode } from '../lib/src/codec';
import { Leases } from '../lib/src/lease';
import { PreciseWait } from '../lib/src/precise-wait';
import { StoreClock } from '../lib/src/store-clock';

describe('the codec', () => {
  test('uses JSON where JSON is faithful', () => {
    for (const value of [null, true, 1.5, 'text', [1, [2]], { a: { b: 'c' } }]) {
      expect(encode(value, 1000)).toEqual({ json: value });
      expect(decode(encode(value, 1000))).toEqual(value);
    }
  });

  test('uses a structured clone elsewhere', () => {
    const same = {};
    for (const value of [
      undefined,
      -0,
      NaN,
      'a\0',
      '\udfff',
      [same, same],
      { [Symbol.iterator]: 1 },
      new Map(),
      { a: undefined },
    ]) {
      expect(Object.keys(encode(value, 1000))).toEqual(['v8']);
    }
    let deep: unknown = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    expect(Object.keys(encode(deep, 10_000))).toEqual(['v8']);
  });

  test('takes what other languages have stored, and tasks without a payload', () => {
    expect(decode({ json: { a: 1 } })).toEqual({ a: 1 });
    expect(decode({})).toBeUndefined();
    expect(decode(null)).toBeUndefined();
  });

  test('counts bytes, not characters', () => {
    expect(() => encode('é'.repeat(499), 1000)).not.toThrow();
    expect(() => encode('é'.repeat(500), 1000)).toThrow(expect.objectContaining({ code: 'ERR_PAYLOAD_TOO_LARGE' }));
  });
});

describe('leases', () => {
  test('are lost without a renewal, and not with one', async () => {
    const leases = new Leases(100);
    const lost: string[] = [];
    const ended = new Promise<void>((resolve) => {
      expect(leases.begin('lost', 0, () => resolve())).toBe(true);
    });
    expect(leases.begin('renewed', 0, () => lost.push('renewed'))).toBe(true);
    leases.renew(['renewed'], performance.now() + 60_000);
    await ended;
    expect(lost).toEqual([]);
    leases.end('renewed');
    expect(leases.lost).toBe(1);
  });

  test('that are too old are not begun', () => {
    const leases = new Leases(1000);
    expect(leases.begin('old', 900, () => undefined)).toBe(false);
    expect(leases.lost).toBe(1);
  });
});

describe('the clock of the store', () => {
  test('follows the quickest answer', async () => {
    const skews: number[] = [];
    const clock = new StoreClock(
      () => Promise.resolve(performance.timeOrigin + performance.now() - 500),
      (skew) => skews.push(skew),
    );
    await clock.sample();
    expect(clock.skew).toBeGreaterThan(400);
    expect(clock.skew).toBeLessThan(600);
    expect(skews.length).toBe(1);
    expect(clock.uncertainty).toBeGreaterThan(0);
  });
});

describe('the precise wait', () => {
  /** A backend whose blocking command ends when a test says so. */
  class FakeBackend extends EventEmitter {
    readonly commands: { seconds: number; end: (value: unknown) => void; fail: (error: Error) => void }[] = [];
    claims = 0;
    disconnects = 0;
    readonly closing = undefined;
    waitForJob(seconds: number): Promise<unknown> {
      return new Promise((resolve, reject) => {
        this.commands.push({ seconds, end: resolve, fail: reject });
      });
    }
    moveToActive(): Promise<unknown[]> {
      this.claims += 1;
      return Promise.resolve(['job']);
    }
    async moveToCompleted(): Promise<void> {
      // No task ends here.
    }
    async moveToFailed(): Promise<void> {
      // No task ends here.
    }
    async disconnectBlocking(): Promise<void> {
      this.disconnects += 1;
    }
    async reconnectBlocking(): Promise<void> {
      // Nothing is connected.
    }
  }

  function make(): [FakeBackend, PreciseWait] {
    const backend = new FakeBackend();
    return [backend, new PreciseWait(backend as never)];
  }

  test('ends at its time, and keeps the answer that comes later', async () => {
    const [backend] = make();
    const start = performance.now();
    expect(await backend.waitForJob(0.05)).toBeNull();
    expect(performance.now() - start).toBeGreaterThanOrEqual(49);
    expect(backend.commands.map(({ seconds }) => seconds)).toEqual([10]);
    const wakeup = { member: '0', score: 0 };
    backend.commands[0]?.end(wakeup);
    expect(await backend.waitForJob(60)).toBe(wakeup);
    // That answer is used up.
    const next = backend.waitForJob(60);
    expect(backend.commands.length).toBe(2);
    backend.commands[1]?.fail(new Error('gone'));
    await expect(next).rejects.toThrow('gone');
  });

  test('gives the command up when no handler is idle, and looks once afterwards', async () => {
    const [backend, wait] = make();
    const waiting = backend.waitForJob(60);
    await wait.giveUp();
    expect(backend.disconnects).toBe(0);
    backend.commands[0]?.end(null);
    await waiting;
    await backend.waitForJob(0.01);
    await wait.giveUp();
    expect(backend.disconnects).toBe(1);
    expect(await backend.waitForJob(60)).toBeNull();
    void backend.waitForJob(60);
    expect(backend.commands.length).toBe(3);
    backend.commands[2]?.end(null);
  });

  test('claims nothing while it is paused', async () => {
    const [backend, wait] = make();
    const waiting = backend.waitForJob(60);
    await wait.pause();
    expect(await waiting).toBeNull();
    expect(await backend.moveToActive()).toEqual([]);
    expect(backend.claims).toBe(0);
    wait.resume();
    expect(await backend.waitForJob(60)).toBeNull();
    expect(await backend.moveToActive()).toEqual(['job']);
  });
});

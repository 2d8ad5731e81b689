/** Handles of events that are forged or stale. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type EventHandle, InvalidHandleError, WaitableEvent } from 'waitable-event';

import { countDescriptors } from '../support/files';
import { codeOf } from '../support/outcomes';
import { WorkerHarness } from '../support/worker-harness';

let event: WaitableEvent;

beforeEach(() => {
  event = new WaitableEvent();
});

afterEach(() => {
  event.close();
});

function open(handle: unknown): string | undefined {
  return codeOf(() => WaitableEvent.open(handle as EventHandle));
}

describe('an invented handle', () => {
  test.each([undefined, null, 0, 5, Number.NaN, '', 'key', true, 5n, Symbol('key'), {}, [], () => {}, new Map()])(
    '%p is refused',
    (handle) => {
      expect(open(handle)).toBe('ERR_INVALID_HANDLE');
    },
  );

  test.each([0, 1, -1, 42, 2 ** 52 + 7, 2 ** 53, 1e300, 0.5, -0, Infinity, Number.NaN, '7', null, undefined, 7n, {}])(
    'the key %p over memory of its own is refused',
    (key) => {
      expect(open({ key, state: new SharedArrayBuffer(4) })).toBe('ERR_INVALID_HANDLE');
    },
  );

  test('a live key over other memory is refused', () => {
    const { key } = event.handle;
    const other = new WaitableEvent();
    const states = [
      new SharedArrayBuffer(4),
      new SharedArrayBuffer(4096),
      new SharedArrayBuffer(0),
      new SharedArrayBuffer(3),
      new ArrayBuffer(4),
      new Int32Array(1),
      other.handle.state,
      null,
      undefined,
      {},
      4,
    ];
    for (const state of states) {
      expect(open({ key, state })).toBe('ERR_INVALID_HANDLE');
    }
    other.close();
  });

  test('live memory under another key is refused', () => {
    const { key, state } = event.handle;
    for (const wrong of [key + 1, key - 1, -key, 0, Number.NaN, String(key), BigInt(key)]) {
      expect(open({ key: wrong, state })).toBe('ERR_INVALID_HANDLE');
    }
  });

  test('keys of events cannot be derived from each other', () => {
    const events = Array.from({ length: 100 }, () => new WaitableEvent());
    const keys = events.map(({ handle }) => handle.key);
    expect(new Set(keys).size).toBe(100);
    expect(keys.every((key) => Number.isSafeInteger(key) && key > 0)).toBe(true);
    // Of numbers below 2^53, practically all are large.
    expect(keys.filter((key) => key > 2 ** 40).length).toBeGreaterThan(90);
    events.forEach((each) => each.close());
  });

  test('a refusal leaks nothing, and leaves the event as it is', () => {
    const { key, state } = event.handle;
    const before = countDescriptors();
    for (let round = 0; round < 100; round += 1) {
      open({ key, state: new SharedArrayBuffer(4) });
      open({ key: key + 1, state });
    }
    expect(countDescriptors()).toBe(before);
    expect(event.isSet()).toBe(false);
    event.set();
    expect(event.isSet()).toBe(true);
  });

  test('throws an InvalidHandleError', () => {
    expect(() => WaitableEvent.open({} as EventHandle)).toThrow(InvalidHandleError);
  });

  test('what a getter of the handle throws comes through', () => {
    const handle = {
      get key(): number {
        throw new Error('not today');
      },
      state: event.handle.state,
    };
    expect(() => WaitableEvent.open(handle)).toThrow('not today');
  });
});

describe('a stale handle', () => {
  test('of an event that was closed is refused', () => {
    const { handle } = event;
    event.close();
    expect(open(handle)).toBe('ERR_INVALID_HANDLE');
  });

  test('of an event whose descriptors have been used again is refused', () => {
    const { handle } = event;
    event.close();
    const next = new WaitableEvent();
    expect(open(handle)).toBe('ERR_INVALID_HANDLE');
    expect(next.isSet()).toBe(false);
    next.close();
  });

  test('of an event whose only thread has ended is refused', async () => {
    const maker = new WorkerHarness('event/hold-event.js', {});
    const { handle } = await maker.next<{ handle: EventHandle }>();
    const mine = WaitableEvent.open(handle);
    expect(mine.isSet()).toBe(true);
    mine.close();

    const another = new WorkerHarness('event/hold-event.js', {});
    const stale = await another.next<{ handle: EventHandle }>();
    another.stop();
    await another.exit;
    expect(open(stale.handle)).toBe('ERR_INVALID_HANDLE');
    maker.stop();
  });

  test('an event outlives the thread that made it while another thread has it open', async () => {
    const maker = new WorkerHarness('event/hold-event.js', {});
    const { handle } = await maker.next<{ handle: EventHandle }>();
    const mine = WaitableEvent.open(handle);
    maker.stop();
    await maker.exit;
    expect(mine.isSet()).toBe(true);
    mine.clear();
    expect(mine.wait(0)).toBe(false);
    mine.set();
    expect(await mine.waitAsync(0)).toBe(true);
    expect(WaitableEvent.open(handle).isSet()).toBe(true);
    mine.close();
  });
});

import { writeSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Dispatcher, RunLoop, WaitableEvent, select } from 'waitable-event';

import { outcomes, startWaiter, startWaiters } from '../support/event/waiters';
import { since } from '../support/timing';

let event: WaitableEvent;

beforeEach(() => {
  event = new WaitableEvent();
});

afterEach(() => {
  event.close();
});

/** Sets the event as another process would: through its descriptor alone. */
function ring(text = 'x'): void {
  writeSync(event.writeFileno(), text);
}

/** What poll() on the bare descriptor says. */
function isReadable(): boolean {
  return select([event.fileno()], [], [], 0)[0].length === 1;
}

describe('set, clear and isSet', () => {
  test('an event starts clear, or set when the option says so', () => {
    expect(event.isSet()).toBe(false);
    expect(new WaitableEvent({}).isSet()).toBe(false);
    expect(new WaitableEvent({ set: false }).isSet()).toBe(false);
    const set = new WaitableEvent({ set: true });
    expect(set.isSet()).toBe(true);
    expect(set.wait()).toBe(true);
    expect(select([set], [], [], 0)[0]).toHaveLength(1);
  });

  test('set() twice is one set()', () => {
    event.set();
    event.set();
    expect(event.isSet()).toBe(true);
    event.clear();
    expect(event.isSet()).toBe(false);
    expect(isReadable()).toBe(false);
  });

  test('clear() of a clear event does nothing', () => {
    event.clear();
    event.clear();
    expect(event.isSet()).toBe(false);
    event.set();
    expect(event.isSet()).toBe(true);
  });

  test('it can be set and cleared indefinitely', () => {
    const seen = new Set<string>();
    for (let round = 0; round < 10_000; round += 1) {
      event.set();
      const whenSet = event.wait(0);
      event.clear();
      seen.add(`${whenSet} ${event.wait(0)}`);
    }
    expect([...seen]).toEqual(['true false']);
  });

  test('isSet() is wait(0) in every state', () => {
    const states: [() => void, boolean][] = [
      [() => {}, false],
      [() => event.set(), true],
      [() => event.set(), true],
      [() => event.clear(), false],
      [() => ring(), true],
      [() => event.set(), true],
      [() => event.clear(), false],
      [() => ring('many'), true],
      [() => event.clear(), false],
    ];
    for (const [change, expected] of states) {
      change();
      expect([event.isSet(), event.wait(0), event.isSet()]).toEqual([expected, expected, expected]);
    }
  });
});

describe('wait', () => {
  test('a set() that came first is kept, and waiting does not clear', () => {
    event.set();
    expect(event.wait()).toBe(true);
    expect(event.wait(Infinity)).toBe(true);
    expect(event.wait(1000)).toBe(true);
    expect(event.isSet()).toBe(true);
  });

  test.each([0, -0, -1, -0.5, -(2 ** 40), -Infinity])('wait(%p) checks once and does not wait', (timeout) => {
    expect(event.wait(timeout)).toBe(false);
    event.set();
    expect(event.wait(timeout)).toBe(true);
  });

  test.each([0.05, 0.3, 0.999, 1, 1.5, 3.3, 20.25, 50])('wait(%p) is never early', (timeout) => {
    for (let round = 0; round < 5; round += 1) {
      const before = process.hrtime.bigint();
      expect(event.wait(timeout)).toBe(false);
      expect(since(before)).toBeGreaterThanOrEqual(timeout);
    }
  });

  test('a fraction of a millisecond is not rounded up to one', () => {
    // The best of many: one that waited whole milliseconds would have none below 1.
    let best = Infinity;
    for (let round = 0; round < 500; round += 1) {
      const before = process.hrtime.bigint();
      event.wait(0.001);
      best = Math.min(best, since(before));
    }
    expect(best).toBeLessThan(1);
  });

  test.each(['nothing', 'undefined', Infinity, 2 ** 31 + 5, 2 ** 32, 2 ** 53, Number.MAX_VALUE])(
    'wait() with %p waits until the event is set',
    async (timeout) => {
      const way = timeout === 'nothing' ? 'waitPlain' : timeout === 'undefined' ? 'waitUndefined' : 'wait';
      const waiters = await startWaiters(event, [way], typeof timeout === 'number' ? timeout : 0);
      event.set();
      expect(await outcomes(waiters)).toEqual([true]);
    },
  );

  test('a set() that is cleared again before the waiter gets up counts', async () => {
    const waiters = await startWaiters(event, ['wait', 'wait', 'wait']);
    event.set();
    event.clear();
    expect(await outcomes(waiters)).toEqual([true, true, true]);
    expect(event.isSet()).toBe(false);
  });

  test('a set() that was cleared before the wait began does not', async () => {
    event.set();
    event.clear();
    expect(event.wait(1)).toBe(false);
    expect(await outcomes([startWaiter(event, 'wait', 100)])).toEqual([false]);
  });
});

describe('the descriptors', () => {
  test('the read side mirrors the state', () => {
    expect(isReadable()).toBe(false);
    event.set();
    expect(isReadable()).toBe(true);
    event.set();
    expect(isReadable()).toBe(true);
    event.clear();
    expect(isReadable()).toBe(false);
    ring();
    expect(isReadable()).toBe(true);
    event.clear();
    expect(isReadable()).toBe(false);
  });

  test('the read side and the write side are two descriptors', () => {
    expect(event.fileno()).toBeGreaterThan(2);
    expect(event.writeFileno()).toBeGreaterThan(2);
    expect(event.fileno()).not.toBe(event.writeFileno());
  });

  test('recv() takes bytes out, and clears with the last one', () => {
    ring('abc');
    expect(event.recv(2).toString()).toBe('ab');
    expect(event.isSet()).toBe(true);
    expect(event.recv(10).toString()).toBe('c');
    expect(event.isSet()).toBe(false);
    expect(event.recv(10)).toHaveLength(0);
    expect(event.read(10)).toHaveLength(0);
  });

  test('recv() clears what set() has set', () => {
    event.set();
    event.set();
    expect(event.recv(10)).toHaveLength(1);
    expect(event.isSet()).toBe(false);
    event.set();
    expect(event.isSet()).toBe(true);
    expect(isReadable()).toBe(true);
  });

  test('recv(0) takes nothing', () => {
    event.set();
    expect(event.recv(0)).toHaveLength(0);
    expect(event.isSet()).toBe(true);
  });

  test('send() sets, unless there is nothing in it', () => {
    expect(event.send('')).toBe(0);
    expect(event.send(new Uint8Array())).toBe(0);
    expect(event.isSet()).toBe(false);
    expect(event.send('hello')).toBe(5);
    expect(event.send('µs')).toBe(3);
    expect(event.send(new DataView(new ArrayBuffer(4)) as unknown as Uint8Array)).toBe(4);
    expect(event.isSet()).toBe(true);
    event.clear();
    expect(event.write(new Uint8Array(3))).toBe(3);
    expect(event.isSet()).toBe(true);
  });
});

describe('handles', () => {
  test('open() gives the same event', () => {
    const other = WaitableEvent.open(event.handle);
    expect(other).not.toBe(event);
    expect(other).toBeInstanceOf(WaitableEvent);
    expect([other.fileno(), other.writeFileno()]).toEqual([event.fileno(), event.writeFileno()]);
    other.set();
    expect(event.isSet()).toBe(true);
    event.clear();
    expect(other.isSet()).toBe(false);
    expect(other.handle.key).toBe(event.handle.key);
    other.close();
    expect(event.closed).toBe(true);
  });

  test('a handle is always the same one, and survives structured cloning', () => {
    expect(event.handle).toBe(event.handle);
    const other = WaitableEvent.open(structuredClone(event.handle));
    event.set();
    expect(other.isSet()).toBe(true);
  });
});

describe('the dispatcher', () => {
  test('an event is a channel that is read and never written', () => {
    expect(event).toBeInstanceOf(Dispatcher);
    expect(event.readable()).toBe(true);
    expect(event.writable()).toBe(false);
    event.set();
    event.handleRead();
    event.handleWrite();
    expect(event.isSet()).toBe(true);
  });

  test('handleClose() closes it', () => {
    event.handleClose();
    expect(event.closed).toBe(true);
  });

  test('the option `loop` adds it to that loop in the constructor', () => {
    const loop = new RunLoop();
    let reads = 0;
    class Counting extends WaitableEvent {
      override handleRead(): void {
        reads += 1;
        this.clear();
        loop.stop();
      }
    }
    const member = new Counting({ set: true, loop });
    loop.runSync();
    expect(reads).toBe(1);
    member.close();
  });
});

/** for await over an event, and values(). */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WaitableEvent } from 'waitable-event';

import { countListeners } from '../support/listeners';
import { until } from '../support/threads';
import { within } from '../support/timing';
import { WorkerHarness } from '../support/worker-harness';

let event: WaitableEvent;

beforeEach(() => {
  event = new WaitableEvent();
});

afterEach(() => {
  event.close();
});

describe('for await', () => {
  test('takes each set() once, and clears the event as it takes it', async () => {
    let rounds = 0;
    event.set();
    event.set();
    for await (const value of event) {
      expect(value).toBeUndefined();
      expect(event.isSet()).toBe(false);
      rounds += 1;
      if (rounds === 100) {
        break;
      }
      event.set();
    }
    expect(rounds).toBe(100);
    expect(event.isSet()).toBe(false);
  });

  test('waits while the event is not set', async () => {
    const seen: string[] = [];
    const taking = (async () => {
      for await (const _ of event) {
        seen.push('taken');
      }
      seen.push('ended');
    })();
    expect(await new WaitableEvent().waitAsync(20)).toBe(false);
    expect(seen).toEqual([]);
    event.set();
    await until(() => seen.length > 0, 'the iteration');
    expect(seen).toEqual(['taken']);
    event.close();
    await within(taking, 'the end of the iteration');
    expect(seen).toEqual(['taken', 'ended']);
  });

  test('leaves the event usable after break', async () => {
    event.set();
    for await (const _ of event) {
      break;
    }
    expect(event.closed).toBe(false);
    expect(await event.waitAsync(1)).toBe(false);
    event.set();
    for await (const _ of event) {
      break;
    }
    expect(event.isSet()).toBe(false);
  });

  test('leaves it usable after a throw', async () => {
    event.set();
    const iterating = (async () => {
      for await (const _ of event) {
        throw new Error('enough');
      }
    })();
    await expect(iterating).rejects.toThrow('enough');
    expect(event.closed).toBe(false);
    event.set();
    expect(event.isSet()).toBe(true);
  });

  test('ends when the event is closed in its body', async () => {
    let rounds = 0;
    event.set();
    for await (const _ of event) {
      rounds += 1;
      event.close();
    }
    expect(rounds).toBe(1);
  });

  test('ends when another thread closes the event', async () => {
    const ended = (async () => {
      for await (const _ of event);
      return 'ended';
    })();
    void new WorkerHarness('event/call-in-turn.js', { handle: event.handle, methods: ['close'], calls: 1 });
    expect(await within(ended, 'the end of the iteration')).toBe('ended');
  });

  test('sees every set() of another thread that waits for its turn', async () => {
    const answer = new WaitableEvent();
    const ROUNDS = 300;
    void new WorkerHarness('event/answer-rounds.js', { ping: event.handle, pong: answer.handle, rounds: ROUNDS });
    let rounds = 0;
    const all = (async () => {
      for await (const _ of event) {
        rounds += 1;
        if (rounds === ROUNDS) {
          return;
        }
        answer.set();
      }
    })();
    await within(all, 'every round');
    expect(rounds).toBe(ROUNDS);
    answer.close();
  });
});

describe('values()', () => {
  test('iterates as the event itself does', async () => {
    event.set();
    for await (const value of event.values()) {
      expect(value).toBeUndefined();
      expect(event.isSet()).toBe(false);
      event.close();
    }
    expect(event.closed).toBe(true);
  });

  test('throws the reason of a signal that aborts while it waits', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let rounds = 0;
    event.set();
    const iterating = (async () => {
      for await (const _ of event.values({ signal: controller.signal })) {
        rounds += 1;
        setImmediate(() => controller.abort(reason));
      }
    })();
    await expect(within(iterating, 'the end of the iteration')).rejects.toBe(reason);
    expect(rounds).toBe(1);
    // The event can still be used.
    event.set();
    expect(event.isSet()).toBe(true);
  });

  test('throws the reason of a signal that aborts in its body, also when the event is set again', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    event.set();
    const iterating = (async () => {
      for await (const _ of event.values({ signal: controller.signal })) {
        event.set();
        controller.abort();
        seen.push('body');
      }
    })();
    await expect(iterating).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(seen).toEqual(['body']);
    // What was set meanwhile is left to the next one that waits.
    expect(event.isSet()).toBe(true);
  });

  test('throws the reason of a signal that is aborted already', async () => {
    const iterator = event.values({ signal: AbortSignal.abort('before') });
    await expect(iterator.next()).rejects.toBe('before');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('leaves no listener on the signal', async () => {
    const [{ signal }, listeners] = countListeners();
    let rounds = 0;
    setImmediate(() => event.set());
    for await (const _ of event.values({ signal })) {
      rounds += 1;
      if (rounds === 5) {
        break;
      }
      setImmediate(() => event.set());
    }
    expect(listeners()).toBe(0);
  });

  test.each([
    ['ERR_INVALID_ARG_TYPE', 1],
    ['ERR_INVALID_ARG_TYPE', { signal: {} }],
    ['ERR_INVALID_ARG_TYPE', { ref: 1 }],
    ['ERR_INVALID_ARG_VALUE', { timeout: 1 }],
  ])('throws %s for the options %p, at the call', (code, options) => {
    expect(() => event.values(options as object)).toThrow(expect.objectContaining({ code }));
  });
});

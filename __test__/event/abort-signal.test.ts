import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WaitableEvent, selectAsync } from 'waitable-event';

import { within } from '../support/timing';

let event: WaitableEvent;
let controller: AbortController;

beforeEach(() => {
  event = new WaitableEvent();
  controller = new AbortController();
});

afterEach(() => {
  event.close();
});

/** What a promise is rejected with. */
async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await within(promise, 'a rejection');
  } catch (error) {
    return error;
  }
  return 'not rejected';
}

/** What all waits with a signal are rejected with. */
function reasonsOf(signal: object): Promise<unknown>[] {
  const options = { signal: signal as AbortSignal };
  return [event.waitAsync(undefined, options), selectAsync([event], [], [], undefined, options)].map(reasonOf);
}

/** Counts the listeners of a signal, from now on. */
function countListeners(signal: AbortSignal): () => number {
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners.add(args[1]);
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.delete(args[1]);
    remove(...args);
  };
  return () => listeners.size;
}

describe('an AbortSignal', () => {
  test('that is aborted already ends the wait with its reason, also when the event is set', async () => {
    const reason = new Error('changed my mind');
    controller.abort(reason);
    expect(await reasonOf(event.waitAsync(1000, { signal: controller.signal }))).toBe(reason);
    event.set();
    expect(await reasonOf(event.waitAsync(0, { signal: controller.signal }))).toBe(reason);
    expect(await reasonOf(selectAsync([event], [], [], 0, { signal: controller.signal }))).toBe(reason);
  });

  test.each([['a string'], [0], [null], [Symbol('reason')]])('may have %p as its reason', async (reason) => {
    const wait = reasonOf(event.waitAsync(undefined, { signal: controller.signal }));
    controller.abort(reason);
    expect(await wait).toBe(reason);
  });

  test('that is aborted later ends the wait with its reason', async () => {
    const waits = [
      reasonOf(event.waitAsync(undefined, { signal: controller.signal })),
      reasonOf(event.waitAsync(10_000, { signal: controller.signal })),
      reasonOf(selectAsync([event], [], [], 10_000, { signal: controller.signal })),
    ];
    // selectAsync() is an async function: let it come to its wait.
    await event.waitAsync(1);
    controller.abort();
    for (const reason of await Promise.all(waits)) {
      expect(reason).toMatchObject({ name: 'AbortError' });
      expect(reason).toBe(controller.signal.reason);
    }
  });

  test('of a timeout ends the wait as its own reason says', async () => {
    expect(await reasonOf(event.waitAsync(10_000, { signal: AbortSignal.timeout(5) }))).toMatchObject({
      name: 'TimeoutError',
    });
  });

  test('ends its own wait alone', async () => {
    const others = [event.waitAsync(), event.waitAsync(10_000, { signal: new AbortController().signal })];
    const wait = reasonOf(event.waitAsync(undefined, { signal: controller.signal }));
    controller.abort('enough');
    expect(await wait).toBe('enough');
    event.set();
    expect(await within(Promise.all(others), 'the others')).toEqual([true, true]);
  });

  test('that is aborted after the wait has ended changes nothing', async () => {
    const wait = event.waitAsync(undefined, { signal: controller.signal });
    event.set();
    expect(await within(wait, 'waitAsync()')).toBe(true);
    controller.abort('too late');
    expect(event.isSet()).toBe(true);
    expect(await event.waitAsync(0)).toBe(true);
  });

  test('has no listener left after any end of the wait', async () => {
    const { signal } = controller;
    const listeners = countListeners(signal);
    const set = event.waitAsync(undefined, { signal });
    const late = event.waitAsync(5, { signal });
    const select = selectAsync([event], [], [], 5, { signal });
    expect(listeners()).toBeGreaterThan(1);
    await Promise.all([late, select]);
    event.set();
    await within(set, 'waitAsync()');
    expect(listeners()).toBe(0);
    event.clear();
    const aborted = reasonOf(event.waitAsync(undefined, { signal }));
    const closed = new WaitableEvent();
    const rejected = reasonOf(closed.waitAsync(undefined, { signal }));
    expect(listeners()).toBe(2);
    closed.close();
    await rejected;
    expect(listeners()).toBe(1);
    controller.abort();
    await aborted;
    expect(listeners()).toBe(0);
  });

  test('may serve many waits one after the other without a warning', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', onWarning);
    for (let round = 0; round < 50; round += 1) {
      await event.waitAsync(0.1, { signal: controller.signal });
      await selectAsync([event], [], [], 0.1, { signal: controller.signal });
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  test('may be of an older kind, without throwIfAborted(), and is an error with less than is used', async () => {
    const { signal } = controller;
    const older = {
      get aborted() {
        return signal.aborted;
      },
      get reason() {
        return signal.reason as unknown;
      },
      addEventListener: signal.addEventListener.bind(signal),
      removeEventListener: signal.removeEventListener.bind(signal),
    };
    const pending = reasonsOf(older);
    controller.abort('enough');
    expect(await Promise.all([...pending, ...reasonsOf(older)])).toEqual(Array(4).fill('enough'));
    const less = reasonsOf({ aborted: false, addEventListener: older.addEventListener });
    expect(await Promise.all(less)).toEqual(Array(2).fill(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' })));
  });
});

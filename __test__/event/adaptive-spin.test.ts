/** Waits that begin while the reactor calls JavaScript: it spins for their events before it asks the kernel. */

import { writeSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';
import { WaitableEvent } from 'waitable-event';

import { runScript } from '../support/child';
import { rejectionOf } from '../support/outcomes';
import { within } from '../support/timing';

/** The reactor skips the spin now and then; in several of these rounds it spins. */
const ROUNDS = 40;

/** Continues the caller within a turn of the reactor. */
async function enterTurn(): Promise<void> {
  const event = new WaitableEvent();
  setImmediate(() => event.set());
  await event.waitAsync();
  event.close();
}

/** Calls `body`, in a turn of the reactor, with a clear event, many times. */
async function inTurns(body: (event: WaitableEvent, round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const event = new WaitableEvent();
    await enterTurn();
    await within(body(event, round), `round ${round}`);
    event.close();
  }
}

describe('a wait that begins in a turn of the reactor', () => {
  test('ends when the event is set in the same turn', async () => {
    await inTurns(async (event) => {
      const wait = event.waitAsync();
      event.set();
      expect(await wait).toBe(true);
    });
  });

  test('ends when the event is set and cleared in the same turn', async () => {
    await inTurns(async (event) => {
      const wait = event.waitAsync();
      event.set();
      event.clear();
      expect(await wait).toBe(true);
      expect(event.isSet()).toBe(false);
    });
  });

  test('ends when the event is set long after', async () => {
    await inTurns(async (event) => {
      setTimeout(() => event.set(), 2);
      expect(await event.waitAsync()).toBe(true);
    });
  });

  test('ends when the event is set and cleared long after', async () => {
    await inTurns(async (event) => {
      setTimeout(() => {
        event.set();
        event.clear();
      }, 2);
      expect(await event.waitAsync()).toBe(true);
    });
  });

  test('ends when the event is set through its descriptor, during or after the spin', async () => {
    await inTurns(async (event, round) => {
      const fd = event.writeFileno();
      const write = (): number => writeSync(fd, 'x');
      const wait = event.waitAsync();
      if (round % 2 === 0) {
        write();
      } else {
        setTimeout(write, 2);
      }
      expect(await wait).toBe(true);
    });
  });

  test('ends at its time, not before', async () => {
    await inTurns(async (event) => {
      const before = performance.now();
      expect(await event.waitAsync(0.2)).toBe(false);
      expect(performance.now() - before).toBeGreaterThanOrEqual(0.2);
    });
  });

  test('ends when it is aborted, and the next one is like any other', async () => {
    await inTurns(async (event) => {
      const controller = new AbortController();
      const wait = event.waitAsync(undefined, { signal: controller.signal });
      controller.abort(new Error('enough'));
      await expect(wait).rejects.toThrow('enough');
      const next = event.waitAsync();
      event.set();
      expect(await next).toBe(true);
    });
  });

  test('ends when the event is closed', async () => {
    await inTurns(async (event) => {
      const wait = rejectionOf(event.waitAsync());
      event.close();
      expect(await wait).toBe('ERR_EVENT_CLOSED');
    });
  });

  test('ends although the rest of the batch is for events that were closed', async () => {
    // Each is reported twice, by its pipe and because it was cleared; one JS/native call carries 256 reports.
    const events = Array.from({ length: 200 }, () => new WaitableEvent());
    const waits = events.map(async (event) => {
      await event.waitAsync();
      event.clear();
      return event.waitAsync();
    });
    await new Promise((resolve) => setTimeout(resolve, 1));
    for (const event of events) {
      event.set();
      event.clear();
      event.set();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    events.forEach((event) => event.set());
    expect(await within(Promise.all(waits), 'the second waits')).toEqual(events.map(() => true));
    events.forEach((event) => event.close());
  });

  test('ends for as many events as there are', async () => {
    await inTurns(async (first) => {
      const events = [first, ...Array.from({ length: 20 }, () => new WaitableEvent())];
      const waits = events.map((event) => event.waitAsync());
      events.slice(0, 10).forEach((event) => event.set());
      setTimeout(() => events.slice(10).forEach((event) => event.set()), 1);
      expect(await Promise.all(waits)).toEqual(events.map(() => true));
      events.forEach((event) => event.close());
    });
  });
});

describe('the process', () => {
  const prelude = `
    const { WaitableEvent } = require('waitable-event');
    const event = new WaitableEvent();
    const other = new WaitableEvent();
    setImmediate(() => event.set());
  `;

  test('is kept alive by a wait that begins in a turn, until it ends', async () => {
    const source = `${prelude}
      event.waitAsync().then(() => other.waitAsync(50)).then(console.log);
    `;
    expect((await runScript({ source })).stdout).toBe('false\n');
  });

  test('is not kept alive by one with `ref: false`', async () => {
    const source = `${prelude}
      event.waitAsync().then(() => other.waitAsync(60_000, { ref: false })).then(console.log);
    `;
    expect((await runScript({ source })).stdout).toBe('');
  });

  test('goes on with everything else while two threads hand an event to each other without end', async () => {
    const source = `${prelude}
      const { Worker } = require('node:worker_threads');
      new Worker(
        "const { WaitableEvent } = require('waitable-event');" +
        "const [event, other] = require('node:worker_threads').workerData.map(WaitableEvent.open);" +
        "for (;;) { other.wait(); other.clear(); event.set(); }",
        { eval: true, workerData: [event.handle, other.handle] },
      );
      let rounds = 0;
      const play = async () => {
        for (;;) {
          await event.waitAsync();
          event.clear();
          other.set();
          rounds += 1;
          if (rounds === 1000) {
            setTimeout(() => {
              console.log(rounds > 1000);
              process.exit();
            }, 20);
          }
        }
      };
      play();
    `;
    expect((await runScript({ source })).stdout).toBe('true\n');
  });
});

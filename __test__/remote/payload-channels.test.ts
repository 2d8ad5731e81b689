/** Payloads that only a channel of Node's carries: a SharedArrayBuffer, for example. */

import { describe, expect, test } from '@jest/globals';
import { RunLoop } from 'waitable-event';

import { Owner, Producer } from '../support/remote/task-managers';
import { until } from '../support/threads';

const PRODUCERS = 6;

function makePayload(): object {
  return { words: new SharedArrayBuffer(8) };
}

/** The loop stands still but for the passes that the test makes. */
function makeOwner(onFull: 'block' | 'throw'): Owner {
  return new Owner({ loop: new RunLoop(), onFull });
}

describe('more producers at once than the manager has channels in reserve', () => {
  test("wait until it has opened one, with onFull: 'block'", async () => {
    const { loop, manager, log } = makeOwner('block');
    const producers = Array.from({ length: PRODUCERS }, () => new Producer(manager.handle));
    let done = 0;
    const sent = producers.map(async (producer) => {
      await producer.do('schedule', 'log', makePayload());
      done += 1;
    });
    // Some can send although the loop stands still.
    await until(
      () => done >= 4,
      () => `four of the producers to have sent, not ${done}`,
    );
    await until(
      () => {
        loop.runOnce();
        return log.length === PRODUCERS;
      },
      () => `${PRODUCERS} payloads, not ${log.length}`,
    );
    await Promise.all(sent);
    expect(done).toBe(PRODUCERS);
  });

  test("keep their payloads until it has opened one, with onFull: 'throw'", async () => {
    const { loop, manager, log } = makeOwner('throw');
    const producers = Array.from({ length: PRODUCERS }, () => new Producer(manager.handle));
    for (const producer of producers) {
      expect(await producer.do<string[]>('refusals', [['schedule', 'log', makePayload()]])).toEqual(['none']);
    }
    await until(
      () => {
        loop.runOnce();
        return log.length === PRODUCERS;
      },
      () => `${PRODUCERS} payloads, not ${log.length}`,
    );
    expect(manager.stats().run).toBe(PRODUCERS);
  });
});

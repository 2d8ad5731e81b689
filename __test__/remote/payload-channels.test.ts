/** Payloads that only a channel of Node's carries: a SharedArrayBuffer, for example. */

import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads';

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
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

  test("get ERR_QUEUE_FULL, with onFull: 'throw', and can send after a pass", async () => {
    const { loop, manager, log } = makeOwner('throw');
    const producers = Array.from({ length: PRODUCERS }, () => new Producer(manager.handle));
    const send = ['schedule', 'log', makePayload()];
    const codes: string[] = [];
    for (const producer of producers) {
      codes.push(...(await producer.do<string[]>('refusals', [send])));
    }
    expect(codes).toEqual(['none', 'none', 'none', 'none', 'ERR_QUEUE_FULL', 'ERR_QUEUE_FULL']);
    loop.runOnce();
    expect(await producers[PRODUCERS - 1]?.do('refusals', [send])).toEqual(['none']);
    loop.runOnce();
    expect(log).toHaveLength(5);
  });
});

test('a payload whose task is never sent is withdrawn from the manager', () => {
  const { loop, manager, log } = makeOwner('throw');
  const remote = TaskManager.connect(manager.handle);
  const listener = new BroadcastChannel(`${manager.handle.channel}.payloads.0`);
  finallyDo(() => {
    listener.close();
    remote.close();
  });
  const twice = new ArrayBuffer(8);
  expect(() => remote.schedule('log', makePayload(), { transfer: [twice, twice] })).toThrow(
    expect.objectContaining({ name: 'DataCloneError' }),
  );
  remote.schedule('log', makePayload());
  const receive = (): { message: object } | undefined => receiveMessageOnPort(listener as never);
  const messages = [];
  for (let next = receive(); next !== undefined; next = receive()) {
    messages.push(Object.keys(next.message));
  }
  expect(messages).toEqual([['from', 'claim', 'payload'], ['withdrawn'], ['from', 'claim', 'payload']]);
  loop.runOnce();
  expect(log).toHaveLength(1);
});

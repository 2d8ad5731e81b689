import { beforeAll, describe, expect, test } from '@jest/globals';

import { Child, endedWith } from '../support/child';
import { countDescriptors, fixture } from '../support/files';
import { report } from '../support/outcomes';
import { since } from '../support/timing';
import { WaitableEvent } from 'waitable-event';

/** For a machine that is busy with something else. */
const LIMIT = 240_000;

/**
 * Runs a case of fixtures/process/count-leaked-descriptors.js in a process of its own, in which nothing else opens
 * descriptors.
 */
async function run<T>(name: string): Promise<T> {
  const before = process.hrtime.bigint();
  const child = new Child(
    process.execPath,
    ['--expose-gc', fixture('process/count-leaked-descriptors.js'), name],
    {},
    LIMIT,
  );
  const { stdout } = endedWith(await child.ended, 0);
  report(`${name}: ${Math.round(since(before))} ms`);
  return JSON.parse(stdout) as T;
}

describe('descriptors', () => {
  test('an event has two of them, exactly', () => {
    const before = countDescriptors();
    const events = Array.from({ length: 10 }, () => new WaitableEvent());
    expect(countDescriptors()).toBe(before + 20);
    // Opening it again, and its handle, cost none.
    const twins = events.map((event) => WaitableEvent.open(event.handle));
    expect(countDescriptors()).toBe(before + 20);
    twins.forEach((twin) => twin.close());
    expect(countDescriptors()).toBe(before);
  });

  test('waiting costs a thread a fixed number, however often and for however many events', async () => {
    const events = Array.from({ length: 20 }, () => new WaitableEvent());
    const [first] = events as [WaitableEvent];
    first.wait(0.1);
    await first.waitAsync(0.1);
    const before = countDescriptors();
    for (let round = 0; round < 5; round += 1) {
      const waits = events.map((event) => event.waitAsync(1));
      events.forEach((event) => event.wait(0.1));
      await Promise.all(waits);
    }
    // jest may close some of its own meanwhile.
    expect(countDescriptors()).toBeLessThanOrEqual(before);
    events.forEach((event) => event.close());
  });

  test(
    '100 000 events that were made and closed leave none',
    async () => {
      expect(await run('cycles')).toEqual({ cycles: 100_000, leaked: 0 });
    },
    LIMIT,
  );

  test(
    'events that were awaited, iterated, selected and aborted leave none',
    async () => {
      expect(await run('uses')).toEqual({ cycles: 2000, leaked: 0 });
    },
    LIMIT,
  );

  test(
    '500 lives of workers leave none, however they end',
    async () => {
      expect(await run('workers')).toEqual({ lives: 500, leaked: 0 });
    },
    LIMIT,
  );
});

test(
  'datagram sockets leave none, whether they are closed, dropped, or left to a worker that ends',
  async () => {
    expect(await run('datagrams')).toEqual({ closed: 0, dropped: 0, ended: 0 });
  },
  LIMIT,
);

describe('an event that is dropped without close()', () => {
  let dropped: Record<string, number>;

  beforeAll(async () => {
    dropped = await run('dropped');
  }, LIMIT);

  test('gives its descriptors back when it is garbage', () => {
    expect(dropped['plain']).toBe(0);
  });

  test('gives them back also when it was awaited, set, opened twice or had its handle taken', () => {
    expect(dropped['used']).toBe(0);
  });

  test('keeps them while a wait for it is pending, a loop has it, or another reference is left', () => {
    expect(dropped).toMatchObject({ pending: 2, inLoop: 2, twin: 2 });
  });

  test('has a handle that opens nothing once it is garbage', () => {
    expect(dropped['stale']).toBe(1);
  });
});

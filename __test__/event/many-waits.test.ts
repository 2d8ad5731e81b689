import { expect, test } from '@jest/globals';
import { WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { report } from '../support/outcomes';

function makeEvent(): WaitableEvent {
  const event = new WaitableEvent();
  finallyDo(() => event.close());
  return event;
}

/** Returns the milliseconds that this process computes while so many waits for one event time out. */
async function costOf(count: number): Promise<number> {
  const event = makeEvent();
  const before = process.cpuUsage();
  const outcomes = await Promise.all(Array.from({ length: count }, () => event.waitAsync(1)));
  expect(outcomes.every((outcome) => !outcome)).toBe(true);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}

test('ten times as many waits that time out cost about ten times as much', async () => {
  await costOf(10_000);
  const few = await costOf(10_000);
  const many = await costOf(100_000);
  report(`10 000 waits: ${few.toFixed(0)} ms, 100 000 waits: ${many.toFixed(0)} ms`);
  expect(many).toBeLessThan(50 * Math.max(few, 10));
});

test('waits that end early leave the others in their order', async () => {
  const event = makeEvent();
  const order: number[] = [];
  const controllers = Array.from({ length: 9 }, () => new AbortController());
  const waits = controllers.map(async ({ signal }, index) => {
    await event.waitAsync(Infinity, { signal }).then(
      () => order.push(index),
      () => order.push(-index),
    );
  });
  for (const index of [4, 8, 1]) {
    controllers[index]?.abort();
  }
  const late = event.waitAsync().then(() => order.push(9));
  event.set();
  await Promise.all([...waits, late]);
  expect(order).toEqual([-4, -8, -1, 0, 2, 3, 5, 6, 7, 9]);
});

test('when all waits have ended early, the event can be awaited again', async () => {
  const event = makeEvent();
  for (let round = 0; round < 3; round += 1) {
    const controllers = [new AbortController(), new AbortController()];
    const waits = controllers.map(({ signal }) => event.waitAsync(Infinity, { signal }).catch(() => 'aborted'));
    controllers.toReversed().forEach((controller) => controller.abort());
    expect(await Promise.all(waits)).toEqual(['aborted', 'aborted']);
  }
  const wait = event.waitAsync();
  event.set();
  expect(await wait).toBe(true);
});

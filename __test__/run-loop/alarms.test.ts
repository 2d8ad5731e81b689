/** The thread learns how long an alarm takes to reach it, and sets the next ones earlier. What is due must not be. */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FunctionTask, RunLoop, WaitableEvent, selectAsync } from 'waitable-event';

import { within } from '../support/timing';

/** Sleeps until the lead of the alarms has settled. */
const SLEEPS = 200;

let loop: RunLoop;
let event: WaitableEvent;
let ended: Promise<void>;

beforeEach(() => {
  loop = new RunLoop();
  event = new WaitableEvent();
  ended = loop.run();
});

afterEach(async () => {
  loop.stop();
  await ended;
  loop.close();
  event.close();
});

/** The ways to sleep for so many milliseconds. */
const ways: Record<string, (delay: number) => Promise<unknown>> = {
  'waitAsync()': (delay) => event.waitAsync(delay),
  'selectAsync()': (delay) => selectAsync([event], [], [], delay),
  'installTask()': (delay) =>
    new Promise<void>((resolve) => loop.taskManager.installTask(new FunctionTask(resolve), { delta: delay })),
};

/** Returns by how many milliseconds `sleep` ended too early at most: zero or less is right. */
async function worst(sleep: (delay: number) => Promise<unknown>, delay: number): Promise<number> {
  const before = performance.now();
  await sleep(delay);
  return delay - (performance.now() - before);
}

test.each(Object.entries(ways))('%s is never early, however often it slept before', async (name, sleep) => {
  const early: number[] = [];
  for (let count = 0; count < SLEEPS; count += 1) {
    early.push(await within(worst(sleep, 0.3 + (count % 8) / 4), `${name} ${count}`));
  }
  expect(Math.max(...early)).toBeLessThanOrEqual(0);
});

test('nor are they in turns, each with an alarm before that of the one before it', async () => {
  const early: number[] = [];
  for (let count = 0; count < SLEEPS; count += 1) {
    const sleeps = Object.values(ways).map((sleep, index) => worst(sleep, 1.5 - index * 0.05));
    early.push(...(await within(Promise.all(sleeps), `round ${count}`)));
  }
  expect(early).toHaveLength(3 * SLEEPS);
  expect(Math.max(...early)).toBeLessThanOrEqual(0);
});

import { describe, expect, test } from '@jest/globals';

import { endedWith, startScript } from '../support/child';

/** How long a child may run, in milliseconds. */
const LIMIT = 110_000;

/** Runs a case of fixtures/process/nest-epolls.js in a process of its own: what must not happen is that it aborts. */
async function outcomesOf(name: string, count: number, before: string, driver: string): Promise<object> {
  const args = [name, String(count), before];
  const script = startScript('process/nest-epolls.js', args, { WAITABLE_EVENT_DRIVER: driver }, LIMIT);
  const { stdout } = endedWith(await script.ended, 0);
  const { 'wait false': waited, ...outcomes } = JSON.parse(stdout) as Record<string, number>;
  expect(waited).toBe(1);
  return outcomes;
}

describe.each([
  ['uv', 'fresh'],
  ['uv', 'blocked'],
  ['thread', 'fresh'],
  ['thread', 'blocked'],
])('with the %s driver, in a thread that is %s', (driver, before) => {
  test.each([51, 101, 2000])('%d calls of selectAsync() wait for one descriptor', async (count) => {
    expect(await outcomesOf('selects', count, before, driver)).toEqual({ read: count });
  });

  test.each([51, 101, 501])('one event wakes %d loops', async (count) => {
    expect(await outcomesOf('loops', count, before, driver)).toEqual({ stopped: count });
  });

  test.each([51, 101])('one event wakes %d loops that ran before they got it', async (count) => {
    expect(await outcomesOf('runningLoops', count, before, driver)).toEqual({ stopped: count });
  });

  test('one event wakes 120 reactors, again and again, and its close() reaches them', async () => {
    expect(await outcomesOf('reactors', 120, before, driver)).toEqual({ true: 360, ERR_EVENT_CLOSED: 120 });
    // 120 workers start, which takes half a minute on a busy machine.
  }, 120_000);

  test('2000 dispatchers over one pipe are dispatched', async () => {
    const outcomes = await outcomesOf('pipeDispatchers', 2000, before, driver);
    expect(outcomes).toEqual({ read: expect.any(Number), stopped: 1 });
  });

  test('run() with 2000 dispatchers over one description is rejected with EINVAL', async () => {
    expect(await outcomesOf('dispatchers', 2000, before, driver)).toEqual({ EINVAL: 1 });
  });

  test('a running loop takes what the kernel allows of 2000 dispatchers over one description', async () => {
    const outcomes = await outcomesOf('dispatchersOfRunningLoop', 2000, before, driver);
    expect(outcomes).toEqual({ EINVAL: expect.any(Number), read: expect.any(Number) });
  });

  test.each([1, 2, 3, 4])('a channel of %d levels of epolls is dispatched, or refused with ELOOP', async (levels) => {
    const works = { read: 1, stopped: 1, 'selected 1': 1 };
    const selects = { ELOOP: 1, 'selected 1': 1 };
    const refused = { ELOOP: 2 };
    expect([works, selects, refused]).toContainEqual(await outcomesOf('nested', levels, before, driver));
    expect([{ read: 1 }, { ELOOP: 1 }]).toContainEqual(await outcomesOf('nestedInRunningLoop', levels, before, driver));
  });

  test('a channel that is one epoll is dispatched', async () => {
    expect(await outcomesOf('nested', 1, before, driver)).toEqual({ read: 1, stopped: 1, 'selected 1': 1 });
  });
});

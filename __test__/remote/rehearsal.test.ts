/** The first connection of a thread, which compiles the way of a task: it leaves no trace. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { expect, test } from '@jest/globals';
import { TaskManager } from 'waitable-event';

import { Owner } from '../support/remote/task-managers';

/** Returns the names of the tasks that are published while `run` runs. */
async function namesDuring(run: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const onMessage = (message: unknown): void => void names.push((message as { name: string }).name);
  const channels = ['waitable-event:task:schedule', 'waitable-event:task:send', 'tracing:waitable-event:task:start'];
  channels.forEach((channel) => subscribe(channel, onMessage));
  try {
    await run();
  } finally {
    channels.forEach((channel) => unsubscribe(channel, onMessage));
  }
  return names;
}

/** Connects to a manager, calls a task of it, and looks at its counts. */
async function connect(): Promise<void> {
  const { manager } = new Owner();
  const remote = TaskManager.connect(manager.handle);
  expect(remote.pending).toBe(0);
  expect(await remote.call('echo', 1)).toBe(1);
  expect(await remote.stats()).toMatchObject({ scheduled: 1, run: 1, failed: 0, pending: 0 });
  expect(Object.keys(manager.stats().byName)).toEqual(['echo']);
  remote.close();
}

test('is not seen by subscribers', async () => {
  // It is put off as long as there are some.
  expect(await namesDuring(connect)).toEqual(['echo', 'echo', 'echo']);
});

test('is not seen in the counts', connect);

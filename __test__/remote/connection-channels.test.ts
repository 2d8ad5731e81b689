/** The diagnostics channels `waitable-event:connect` and `waitable-event:disconnect`. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { expect, test } from '@jest/globals';
import { type ConnectionMessage, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { Owner, Producer } from '../support/remote/task-managers';
import { until } from '../support/threads';

/** Returns a list of what is published on both channels about a manager. */
function follow(manager: TaskManager): [what: string, threadId: number][] {
  const log: [string, number][] = [];
  for (const name of ['connect', 'disconnect']) {
    const onMessage = (message: unknown): void => {
      const { manager: of, threadId } = message as ConnectionMessage;
      if (of === manager) {
        log.push([name, threadId]);
      }
    };
    subscribe(`waitable-event:${name}`, onMessage);
    finallyDo(() => void unsubscribe(`waitable-event:${name}`, onMessage));
  }
  return log;
}

/** Makes the loop run a pass, in which it finds what has ended. */
function passAnd(manager: TaskManager, condition: () => boolean): boolean {
  manager.schedule('echo');
  return condition();
}

test('tell when a connection begins, and when it was closed', async () => {
  const { manager } = new Owner();
  const log = follow(manager);
  const remote = TaskManager.connect(manager.handle);
  await remote.call('echo');
  expect(log).toEqual([['connect', 0]]);
  remote.close();
  await until(() => passAnd(manager, () => log.length === 2), 'the end of the connection');
  expect(log[1]).toEqual(['disconnect', 0]);
});

test('tell when its thread has ended, and when the manager is closed', async () => {
  const { manager } = new Owner();
  const log = follow(manager);
  const [first, second] = [new Producer(manager.handle), new Producer(manager.handle)];
  await Promise.all([first.do('call', 'echo'), second.do('call', 'echo')]);
  const threads = [first.worker.threadId, second.worker.threadId];
  expect(new Map(log)).toEqual(new Map([['connect', log[1]?.[1]]]));
  expect(new Set(log.map(([, threadId]) => threadId))).toEqual(new Set(threads));
  await first.worker.terminate();
  await until(() => passAnd(manager, () => log.length === 3), 'the end of the first');
  manager.close();
  expect(log.slice(2)).toEqual([
    ['disconnect', threads[0]],
    ['disconnect', threads[1]],
  ]);
});

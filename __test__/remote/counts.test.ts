/** stats() of a connection. */

import { describe, expect, test } from '@jest/globals';
import { TaskManager } from 'waitable-event';

import { Owner, Producer } from '../support/remote/task-managers';
import { rejectionOf } from '../support/outcomes';

const HOUR = 3_600_000;

describe('stats() of a connection', () => {
  test('resolves with the counts of the manager, after what was sent before', async () => {
    const { manager } = new Owner();
    const producer = new Producer(manager.handle);
    manager.define('fail', () => {
      throw new Error('expected');
    });
    await producer.do('schedule', 'log', 1);
    await producer.do('schedule', 'log', 2, { delta: HOUR });
    await producer.fails('call', 'fail', undefined);
    const remote = TaskManager.connect(manager.handle);
    remote.schedule('log', 3);
    const counts = await remote.stats();
    expect(counts).toMatchObject({ scheduled: 4, run: 3, failed: 1, cancelled: 0, skipped: 0, pending: 1, dropped: 0 });
    expect(counts.byName['log']).toEqual({ scheduled: 3, run: 2, failed: 0, cancelled: 0 });
    expect(counts.byName['fail']).toEqual({ scheduled: 1, run: 1, failed: 1, cancelled: 0 });
    expect(counts.wakeUps).toBeGreaterThan(0);
  });

  test('has the same counts as stats() of the manager, without what is measured', async () => {
    const { manager } = new Owner();
    const remote = TaskManager.connect(manager.handle);
    await remote.call('echo', 1);
    const { byName, wakeUps, wakeUpsSaved, ...counts } = await remote.stats();
    const { byName: ofManager, wakeUpLatency, wakeUps: _, wakeUpsSaved: _saved, ...rest } = manager.stats();
    expect(counts).toEqual(rest);
    expect(Object.keys(byName)).toEqual(Object.keys(ofManager));
    expect(wakeUps + wakeUpsSaved).toBeGreaterThan(0);
    expect(wakeUpLatency.count).toBeGreaterThan(0);
  });

  test('reaches another thread', async () => {
    const { manager } = new Owner();
    const producer = new Producer(manager.handle);
    expect(await producer.do('stats')).toMatchObject({ scheduled: 0, run: 0, byName: {} });
    await producer.do('call', 'echo', 1);
    expect(await producer.do('stats')).toMatchObject({ run: 1, byName: { echo: { run: 1 } } });
  });

  test('rejects when the connection, or the manager, is closed', async () => {
    const { manager } = new Owner();
    const remote = TaskManager.connect(manager.handle);
    const pending = remote.stats();
    remote.close();
    expect(await rejectionOf(pending)).toBe('ERR_TASK_MANAGER_CLOSED');
    expect(await rejectionOf(remote.stats())).toBe('ERR_TASK_MANAGER_CLOSED');
  });
});

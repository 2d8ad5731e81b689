/** What util.inspect() shows of a connection to a task manager. */

import { describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { textOf } from '../support/inspect';
import { rejectionOf } from '../support/outcomes';

describe('the text of a connection', () => {
  test('says how many records are pending, and whether it is closed', async () => {
    const manager = new TaskManager({ loop: new RunLoop() });
    finallyDo(() => manager.close());
    const remote = TaskManager.connect(manager.handle);
    expect(textOf(remote)).toBe('RemoteTaskManager { pending: 0, closed: false }');
    manager.define('nothing', () => {});
    const call = rejectionOf(remote.call('nothing'));
    expect(textOf(remote)).toMatch(/^RemoteTaskManager \{ pending: [1-9]\d*, closed: false \}$/);
    remote.close();
    expect(textOf(remote)).toBe('RemoteTaskManager { pending: 0, closed: true }');
    expect(await call).toBe('ERR_TASK_MANAGER_CLOSED');
  });
});

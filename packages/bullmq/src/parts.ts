/** The parts of a cluster task manager, from their beginning to their end. */

import { type RemoteTaskManager, TaskManager, type TaskManagerHandle } from 'waitable-event';

import { Calls } from './calls';
import { type Member } from './member';
import { openMember } from './open-member';
import { type Settings } from './options';
import { RecurringTasks } from './recurring';
import { within } from './waiting';
import { TaskWorker } from './worker';

export interface Parts {
  readonly member: Member;
  readonly calls: Calls;
  readonly recurring: RecurringTasks;
  /** Undefined in a member that runs no tasks, as the connection to the handlers is. */
  readonly worker: TaskWorker | undefined;
  readonly remote: RemoteTaskManager | undefined;
}

/** Opens the parts. When one of them fails, closes those that are open. */
export async function openParts(manager: TaskManager | TaskManagerHandle, settings: Settings): Promise<Parts> {
  const handle = manager instanceof TaskManager ? manager.handle : manager;
  const remote = settings.work ? TaskManager.connect(handle) : undefined;
  let member: Member | undefined;
  let worker: TaskWorker | undefined;
  try {
    member = await openMember(settings);
    worker = remote === undefined ? undefined : new TaskWorker(member, remote);
    await within(settings.storeTimeout, 'join()', worker?.start() ?? Promise.resolve());
    return { member, calls: new Calls(member), recurring: new RecurringTasks(member), worker, remote };
  } catch (error) {
    remote?.close();
    await worker?.close(0);
    await member?.close();
    throw error;
  }
}

/** Takes nothing new, waits for what runs here, and closes the parts. */
export async function closeParts({ member, calls, recurring, worker, remote }: Parts, timeout: number): Promise<void> {
  recurring.close();
  await worker?.close(timeout);
  remote?.close();
  await calls.close();
  await member.close();
}

/** This thread's own loop, which channels, tasks and managers use by default. */

import { setDefaultLoop } from '../dispatcher';
import { setDefaultTaskOwner, taskOwner } from '../tasks';
import { RunLoop } from './run-loop';

/**
 * The run loop of this thread: channels, tasks and managers use it by default. Each thread has one. Follows BACpypes'
 * module `core`.
 * @example
 * import { core } from 'waitable-event';
 * core.deferred(() => console.log('running'));
 * await core.run();
 */
export const core: RunLoop = new RunLoop();

setDefaultLoop(() => core);
setDefaultTaskOwner(() => core.taskManager[taskOwner]);

/** This thread's own loop, which channels, tasks and managers use unless they are told another one. */

import { setDefaultLoop } from '../dispatcher';
import { setDefaultTaskOwner, taskOwner } from '../tasks';
import { RunLoop } from './run-loop';

/** This thread's own loop. */
export const core: RunLoop = new RunLoop();

setDefaultLoop(() => core);
setDefaultTaskOwner(() => core.taskManager[taskOwner]);

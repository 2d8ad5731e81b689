/** What a manager runs tasks with: loaded with the first manager, since many threads only connect to one of another. */

export { toSettings } from './options';
export { TaskRunner } from './task-runner';

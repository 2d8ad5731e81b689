/**
 * The task manager: runs the tasks of its thread, and those that other threads schedule.
 * May use: server, client, tasks, protocol, virtual-time, dispatcher, platform, util.
 */

export { type TaskHost, type TaskSource, loopHost } from './host';
export type { ConnectionMessage } from '../server';
export { HandlerGate } from './handler-gate';
export type { InstalledTask } from './installed-tasks';
export type { TaskManagerOptions } from './options';
export type { TaskManagerStats } from './manager-stats';
export type { TaskMessage, TaskStats } from './name-stats';
export {
  type DefineOptions,
  type TaskContext,
  type TaskHandler,
  TaskManager,
  type TypedTaskHandler,
  configure,
} from './task-manager';

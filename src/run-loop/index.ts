/**
 * The run loop: its channels, its tasks and its sleep.
 * May use: task-manager, tasks, virtual-time, event, dispatcher, platform, util.
 */

export { core } from './core';
export type { LoopOptions, RunOptions, RunSyncOptions } from './options';
export type { RemoteRunLoop, RunLoopHandle } from './remote-run-loop';
export { type LoopHost, RunLoop } from './run-loop';
export { loopHost } from '../task-manager';

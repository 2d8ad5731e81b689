/**
 * Workers that serve tasks: `serve()` in the worker, `TaskWorker` and `TaskPool` in the thread that starts it.
 * May use: run-loop, task-manager, client, protocol, transport, event, platform, util.
 */

export { type ServedHandlers, parent, serve } from './serve';
export { TaskPool } from './task-pool';
export type { PoolRunOptions, TaskPoolOptions, TaskPoolStats } from './pool-options';
export { TaskWorker, type TaskWorkerOptions } from './task-worker';

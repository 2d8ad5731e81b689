/** waitable-event/pool: workers that serve tasks, alone and in pools. */

export { TaskPool, TaskWorker, parent, serve } from './src/pool';
export type { PoolRunOptions, ServedHandlers, TaskPoolOptions, TaskPoolStats, TaskWorkerOptions } from './src/pool';

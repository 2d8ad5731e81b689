/** waitable-event-bullmq: the named tasks of `waitable-event` on many machines. */

export { ClusterTaskManager } from './src/cluster';
export type { Backoff, ClusterOptions, Keep } from './src/cluster-options';
export {
  ClockSkewError,
  ClusterClosedError,
  LeaseLostError,
  PayloadTooLargeError,
  ResultLostError,
  StoreEvictsError,
  StoreRefusedError,
  StoreUnavailableError,
  StoreVolatileError,
} from './src/errors';
export { RemoteClusterTaskManager } from './src/gateway';
export type {
  ClusterCallOptions,
  ClusterCancelOutcome,
  ClusterSchedule,
  ClusterScheduleOptions,
  ClusterStats,
  ClusterTask,
  Handlers,
  PayloadOf,
  ResultOf,
} from './src/types';

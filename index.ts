/**
 * waitable-event: an event that any thread can set and any thread can wait for, with a run loop and a task manager
 * that it wakes.
 */

export { RemoteTaskManager } from './src/client';
export type { CallOptions, CallSyncOptions, ConnectOptions, ScheduledTask } from './src/client';
export { DatagramDispatcher, Dispatcher, FileDispatcher } from './src/dispatcher';
export type {
  Channel,
  Datagram,
  DatagramAddress,
  DatagramOptions,
  FileDispatcherOptions,
  Loop,
} from './src/dispatcher';
export { WaitableEvent, select, selectAsync } from './src/event';
export type { EventHandle, SelectAsyncOptions, Selectable, WaitAsyncOptions, WaitableEventOptions } from './src/event';
export type {
  CancelOutcome,
  ScheduleOptions,
  TaskArguments,
  TaskCarrier,
  TaskCounts,
  TaskManagerCounts,
  TaskManagerHandle,
  TaskName,
  TaskPayload,
  TaskResult,
  TaskSendMessage,
  TaskTraceMessage,
  UntypedHandlers,
} from './src/protocol';
export { RunLoop, core } from './src/run-loop';
export type { LoopOptions, RemoteRunLoop, RunLoopHandle, RunOptions, RunSyncOptions } from './src/run-loop';
export { toReadable, toWritable } from './src/streams';
export type { ToReadableOptions, ToWritableOptions } from './src/streams';
export { TaskManager } from './src/task-manager';
export type {
  ConnectionMessage,
  DefineOptions,
  InstalledTask,
  TaskContext,
  TaskHandler,
  TaskManagerOptions,
  TaskManagerStats,
  TaskMessage,
  TaskStats,
  TypedTaskHandler,
} from './src/task-manager';
export {
  FunctionTask,
  NextTimeTask,
  OneShotDeleteTask,
  OneShotFunction,
  OneShotTask,
  RecurringFunctionTask,
  RecurringTask,
  Task,
  recurringFunction,
} from './src/tasks';
export type { InstallOptions, RecurringFunction, RecurringOptions } from './src/tasks';
export {
  BindingUnavailableError,
  CallTimeoutError,
  EventClosedError,
  InterruptedError,
  InvalidArgTypeError,
  InvalidArgValueError,
  InvalidHandleError,
  InvalidTaskError,
  LoopClosedError,
  LoopRunningError,
  NotTaskWorkerError,
  PoolClosedError,
  QueueFullError,
  SystemError,
  TaskCancelledError,
  TaskManagerClosedError,
  TimeMachineRestoredError,
  TimeStalledError,
  UnknownTaskError,
  WorkerFailedError,
  WorkerNotReadyError,
  WouldDeadlockError,
} from './src/util';

/**
 * waitable-event: an event that any thread can set and any thread can wait for, with a run loop and a task manager that it wakes.
 */

export { RunLoop, core } from './src/core';
export { Dispatcher, FileDispatcher } from './src/dispatcher';
export {
  BindingUnavailableError,
  CallTimeoutError,
  EventClosedError,
  InterruptedError,
  InvalidArgTypeError,
  InvalidArgValueError,
  InvalidHandleError,
  InvalidTaskError,
  LoopRunningError,
  QueueFullError,
  SystemError,
  TaskCancelledError,
  TaskManagerClosedError,
  TimeMachineRestoredError,
  TimeStalledError,
  UnknownTaskError,
  WouldDeadlockError,
} from './src/errors';
export { WaitableEvent } from './src/event';
export type { EventHandle, WaitAsyncOptions, WaitableEventOptions } from './src/event';
export { RemoteTaskManager } from './src/remote';
export type { CallOptions, CallSyncOptions, ScheduledTask } from './src/remote';
export type { RemoteRunLoop, RunLoopHandle } from './src/remote-run-loop';
export type { LoopOptions, RunOptions, RunSyncOptions } from './src/run-loop-options';
export type { ScheduleOptions } from './src/schedule-options';
export type { TaskMessage, TaskStats } from './src/stats';
export { select, selectAsync } from './src/select';
export type { SelectAsyncOptions, Selectable } from './src/select';
export {
  FunctionTask,
  OneShotDeleteTask,
  OneShotFunction,
  OneShotTask,
  RecurringFunctionTask,
  RecurringTask,
  Task,
  recurringFunction,
} from './src/task';
export type { InstallOptions, RecurringFunction, RecurringOptions } from './src/task';
export { TaskManager } from './src/task-manager';
export type { TaskManagerStats } from './src/task-counts';
export type { TaskManagerOptions } from './src/task-manager-options';
export type { TaskContext, TaskHandler } from './src/named-task';
export type { CancelOutcome, TaskManagerHandle } from './src/task-protocol';

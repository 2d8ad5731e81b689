/**
 * waitable-event: an event that any thread can set and any thread can wait for, with a run loop and a task manager that it wakes.
 */

export { RunLoop, core } from './src/run-loop/core';
export { Dispatcher, FileDispatcher } from './src/dispatcher/dispatcher';
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
} from './src/util/errors';
export { WaitableEvent } from './src/event/waitable-event';
export type { EventHandle, WaitAsyncOptions, WaitableEventOptions } from './src/event/waitable-event';
export { RemoteTaskManager } from './src/client/remote-task-manager';
export type { CallOptions, CallSyncOptions, ScheduledTask } from './src/client/remote-task-manager';
export type { RemoteRunLoop, RunLoopHandle } from './src/run-loop/remote-run-loop';
export type { LoopOptions, RunOptions, RunSyncOptions } from './src/run-loop/options';
export type { ScheduleOptions } from './src/protocol/schedule-options';
export type { TaskMessage, TaskStats } from './src/task-manager/stats';
export { select, selectAsync } from './src/event/select';
export type { SelectAsyncOptions, Selectable } from './src/event/select';
export {
  FunctionTask,
  OneShotDeleteTask,
  OneShotFunction,
  OneShotTask,
  RecurringFunctionTask,
  RecurringTask,
  Task,
  recurringFunction,
} from './src/tasks/task';
export type { InstallOptions, RecurringFunction, RecurringOptions } from './src/tasks/task';
export { TaskManager } from './src/task-manager/task-manager';
export type { TaskManagerStats } from './src/task-manager/task-counts';
export type { TaskManagerOptions } from './src/task-manager/options';
export type { TaskContext, TaskHandler } from './src/task-manager/named-task';
export type { CancelOutcome, TaskManagerHandle } from './src/protocol/records';

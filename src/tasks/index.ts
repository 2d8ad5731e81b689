/**
 * A thread's own tasks, and their order in time.
 * May use: task-queue, platform, util.
 */

export { type AsyncContext, captureContext, runInContext } from './async-context';
export { NextTimeTask } from './next-time-task';
export { FunctionTask, OneShotDeleteTask, OneShotFunction, OneShotTask } from './one-shot-task';
export {
  type RecurringFunction,
  RecurringFunctionTask,
  type RecurringOptions,
  RecurringTask,
  recurringFunction,
} from './recurring-task';
export { Schedule } from './schedule';
export {
  type InstallOptions,
  Task,
  checkOptions,
  installation,
  isRecurring,
  nextTime,
  onPending,
  onSettled,
  queuedTime,
  runForPoint,
  skipsRun,
} from './task';
export { type TaskOwner, setDefaultTaskOwner, taskOwner } from './task-owner';

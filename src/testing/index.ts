/**
 * Virtual time for tests.
 * May use: run-loop, virtual-time, platform, util.
 */

export type { TimeLike } from './parse-time';
export {
  TimeMachine,
  type TimeMachineOptions,
  type TimeMachineRestoreOptions,
  type TimeMachineRunAsyncOptions,
  type TimeMachineRunOptions,
} from './time-machine';

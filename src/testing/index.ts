/**
 * Virtual time for tests.
 * May use: run-loop, virtual-time, platform, util.
 */

export type { TimeLike } from './parse-time';
export {
  TimeMachine,
  type TimeMachineOptions,
  type TimeMachineRunAsyncOptions,
  type TimeMachineRunOptions,
} from './time-machine';

/** waitable-event/testing: virtual time for tests, BACpypes' time machine. */

export { TimeMachine } from './src/testing';
export type {
  TimeLike,
  TimeMachineOptions,
  TimeMachineRestoreOptions,
  TimeMachineRunAsyncOptions,
  TimeMachineRunOptions,
} from './src/testing';

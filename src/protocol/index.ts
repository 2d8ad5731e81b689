/**
 * What a task manager and its producers agree on: handles, words, records and options.
 * May use: transport, event, util.
 */

export { OwnerControlBlock } from './control-block';
export * from './handle';
export { IMMEDIATELY, type ScheduleOptions, dueTime, move, rareOptions, validateTransfer } from './schedule-options';

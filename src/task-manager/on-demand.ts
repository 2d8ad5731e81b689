/** What few managers need: loaded when it is needed first. */

export { HandlerGate } from './handler-gate';
export { describeTask } from './installed-tasks';

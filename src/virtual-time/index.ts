/**
 * When time may pass: the clock of a loop, and how a run through virtual time waits for other threads.
 * May use: protocol, event, platform, util.
 */

export type { Barrier } from './barrier';
export { LoopClock } from './loop-clock';
export type { Participant } from './participant';
export { RemoteThreadActivity, ThreadActivity } from './thread-activity';

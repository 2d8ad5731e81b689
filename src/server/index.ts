/**
 * A task manager's end of other threads: reads what they send, and answers.
 * May use: protocol, transport, virtual-time, event, platform, util.
 */

export type { Producer, RecordHandler } from './producer';
export { Receiver } from './receiver';

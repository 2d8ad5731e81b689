/**
 * The manager's end of other threads: receives their records, runs what is due immediately, and sends replies.
 * May use: protocol, transport, virtual-time, event, platform, util.
 */

export type { ConnectionMessage } from './connection-channels';
export type { CreateRecordHandler, RecordHandler, RecordHandlers } from './producer';
export { Receiver, type ReceiverHost, type ReceiverSettings } from './receiver';
export type { ReplySender } from './reply-sender';

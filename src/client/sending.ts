/** What a connection consists of: loaded with the first one, since many threads make none. */

export { ChannelPayloadSender, postToChannel } from '../transport';
export { Connection } from './connection';
export { PendingCalls } from './pending-calls';
export { rehearse } from './rehearsal';
export { keepRings, obtainRings } from './ring-pool';
export { SendQueue } from './send-queue';

/**
 * Bytes and values from thread to thread: rings in shared memory, the payloads in them, and a channel beside them.
 * May use: platform, util.
 */

export {
  type EncodedPayload,
  PAYLOAD_BYTES,
  PAYLOAD_CLAIM,
  PAYLOAD_NONE,
  PayloadWriter,
  type SendByChannel,
  encodePayload,
} from './payload';
export { RecordReader } from './record-reader';
export {
  type RecordHeader,
  type RingMemory,
  type RingRecord,
  type RingSizes,
  isRingMemory,
  makePrivateRingMemory,
  makeRingMemory,
  padded,
  releaseRingMemory,
  renewRingMemory,
  resetRingMemory,
} from './ring-layout';
export { RingReader } from './ring-reader';
export { RingWriter } from './ring-writer';
export { type SerializedError, appendCallerStack, deserializeError, serializeError } from './serialize-error';
export { ChannelPayloadSender, SideChannel, postToChannel } from './side-channel';

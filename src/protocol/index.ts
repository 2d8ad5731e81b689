/**
 * What both ends of a connection to a task manager agree on: handle, handshake, control block, records and options.
 * May use: transport, event, util.
 */

export {
  ACTIVITY_BYTES,
  BlockedPeer,
  BlockedProducer,
  addBlockingManager,
  findBlockedPeers,
  removeBlockingManager,
} from './blocked-threads';
export {
  CONTROL_BYTES,
  IS_AWAITING_QUIESCENCE,
  IS_VIRTUAL,
  OFFERS_MAX,
  OwnerControlBlock,
  ProducerControlBlock,
  VIRTUAL_NOW,
} from './control-block';
export type { TaskCounts, TaskManagerCounts } from './counts';
export type { TaskArguments, TaskName, TaskPayload, TaskResult, UntypedHandlers } from './handler-types';
export { MAX_CAPACITY, MIN_CAPACITY, type TaskManagerHandle, isOnFull, validateHandle } from './handle';
export { type Introduction, type ProducerMessage, offeredChannelName, readIntroduction } from './handshake';
export {
  CANCEL_OUTCOMES,
  CONTROL_ABANDON,
  CONTROL_CANCEL,
  CONTROL_CANCEL_KEY,
  CONTROL_COUNT,
  CONTROL_RESUME,
  CONTROL_SUSPEND,
  type CancelOutcome,
  RECORD_AT,
  RECORD_AT_VIRTUAL,
  RECORD_CALL,
  RECORD_CONTROL,
  RECORD_MASK,
  RECORD_NAME,
  RECORD_NOW,
  RECORD_OPTIONS,
  RECORD_PIECE,
  REPLY_ERROR,
  REPLY_RESULT,
  type RemoteOptions,
  countPieces,
  decodeName,
  REHEARSAL,
  encodeName,
  firstRingSizes,
  handlerIndexOf,
  isTask,
  keyHashOf,
  optionsRecord,
  priorityOf,
  needsLookahead,
  replyIdOf,
  ringLimits,
  splitRecord,
} from './records';
export {
  type Seat,
  connectionChannelName,
  freeSeat,
  introduceInSeat,
  isAbandoned,
  makeSeats,
  readSeat,
  takeSeat,
} from './seats';
export {
  type TaskCarrier,
  type TaskSendMessage,
  type TaskTraceMessage,
  announceSend,
  isTracing,
  sendChannel,
  toCarrier,
  traceRun,
  updateTracing,
} from './tracing';
export {
  IMMEDIATELY,
  SCHEDULE_OPTIONS,
  type ScheduleOptions,
  detach,
  dueTime,
  rareOptions,
  validateTransfer,
} from './schedule-options';

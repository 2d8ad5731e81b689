/**
 * Channels: what a run loop dispatches, and the interface between the two.
 * May use: platform, util.
 */

export { type Datagram, type DatagramAddress, DatagramDispatcher, type DatagramOptions } from './datagram-dispatcher';
export { isDisconnected } from './disconnect';
export { Dispatcher, hasOwn } from './dispatcher';
export { followHandler, onHandlerError } from './failure';
export { type DescriptorSource, FileDispatcher, type FileDispatcherOptions } from './file-dispatcher';
export {
  type Channel,
  type Loop,
  activity,
  brandLoop,
  defaultLoop,
  isLoop,
  loopOf,
  memberFileno,
  privateFileno,
  setDefaultLoop,
  setLoop,
} from './loop';

/**
 * Channels: what a run loop dispatches, and the interface between the two.
 * May use: platform, util.
 */

export { isDisconnected } from './disconnect';
export { Dispatcher } from './dispatcher';
export { FileDispatcher } from './file-dispatcher';
export { type Channel, type Loop, brandLoop, defaultLoop, isLoop, loopOf, setDefaultLoop, setLoop } from './loop';

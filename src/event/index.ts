/**
 * Events: set by any thread, waited for by any thread, and select() over events and descriptors.
 * May use: dispatcher, platform, util.
 */

export { type SelectAsyncOptions, type Selectable, select, selectAsync } from './select';
export {
  type EventHandle,
  type WaitAsyncOptions,
  WaitableEvent,
  type WaitableEventOptions,
  closeWith,
  closeWithThread,
  release,
  slot,
} from './waitable-event';

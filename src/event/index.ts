/**
 * Events: threads set them and wait for them. Also select() over events and descriptors.
 * May use: dispatcher, platform, util.
 */

export { type SelectAsyncOptions, select, selectAsync } from './select';
export type { Selectable } from './selection';
export {
  type EventHandle,
  type WaitAsyncOptions,
  WaitableEvent,
  type WaitableEventOptions,
  closeWith,
  closeWithThread,
  claimEventIn,
  isClosedIn,
  release,
  slot,
} from './waitable-event';

import { WaitableEvent } from 'waitable-event';

import { finallyDo } from '../clean-up';

/** Makes an event that is closed when the test is over. */
export function makeEvent(options: { set?: boolean } = {}): WaitableEvent {
  const event = new WaitableEvent(options);
  finallyDo(() => event.close());
  return event;
}

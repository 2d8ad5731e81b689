/** What happens with an error of a handler, whether it was thrown or is the reason of a rejected promise. */

import { report } from '../platform';
import { isThenable } from '../util';
import { isDisconnected } from './disconnect';
import { type Channel, loopOf } from './loop';

/** Passes what a handler threw to its channel. A channel whose error handling throws leaves the loop. */
export function onHandlerError(channel: Channel, error: unknown): void {
  try {
    const result: unknown = isDisconnected(error) ? channel.handleClose() : channel.handleError(error);
    if (isThenable(result)) {
      Promise.resolve(result).then(undefined, (second: unknown) => onSecondError(channel, second));
    }
  } catch (second) {
    onSecondError(channel, second);
  }
}

function onSecondError(channel: Channel, error: unknown): void {
  report(`uncaught exception while closing the channel ${channel.constructor.name}`, error);
  channel.delChannel();
}

/**
 * Follows the promise of an async handler. Its rejection is what a throw is. When it is settled, the loop asks the
 * channel for its interest again, as it does after each handler.
 */
export function followHandler(channel: Channel, result: unknown): void {
  if (isThenable(result)) {
    Promise.resolve(result)
      .catch((error: unknown) => onHandlerError(channel, error))
      .then(() => loopOf(channel)?.update(channel))
      .catch((error: unknown) => onHandlerError(channel, error));
  }
}

/** A run loop, seen from another thread: the event that stops it. */

import { EventClosedError, InvalidHandleError } from '../util/errors';
import { type EventHandle, WaitableEvent } from '../event';

/** How another thread finds a loop: structured-cloneable, through `workerData` or `postMessage()`. */
export interface RunLoopHandle {
  /** The event that stops the loop. */
  readonly stop: EventHandle;
}

/** A run loop, seen from another thread. */
export interface RemoteRunLoop {
  /** Stops the loop after the pass that is under way. Before `run()` it is remembered. */
  stop(): void;
}

/** The event of a loop that other threads set to stop it. */
export class StopEvent extends WaitableEvent {
  readonly #onStop: () => void;

  constructor(onStop: () => void) {
    super();
    this.#onStop = onStop;
  }

  override handleRead(): void {
    this.clear();
    this.#onStop();
  }
}

/** As `RunLoop.connect()`. */
export function connectRunLoop(handle: RunLoopHandle): RemoteRunLoop {
  if (typeof handle !== 'object' || handle === null) {
    throw new InvalidHandleError('run loop');
  }
  const event = openStopEvent(handle);
  return {
    stop: () => {
      try {
        event.set();
      } catch (error) {
        // A loop whose thread has ended has stopped.
        if (!(error instanceof EventClosedError)) {
          throw error;
        }
      }
    },
  };
}

function openStopEvent(handle: RunLoopHandle): WaitableEvent {
  try {
    return WaitableEvent.open(handle.stop);
  } catch (error) {
    // The event is nothing that the caller has heard of.
    throw error instanceof InvalidHandleError ? new InvalidHandleError('run loop') : error;
  }
}

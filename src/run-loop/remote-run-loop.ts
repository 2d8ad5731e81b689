/** A run loop as another thread sees it: the event that stops it. */

import { type EventHandle, WaitableEvent } from '../event';
import { EventClosedError, InvalidArgTypeError, InvalidHandleError } from '../util';

/** Identifies a loop to other threads. Structured-cloneable: pass it through `workerData` or `postMessage()`. */
export interface RunLoopHandle {
  /** The event that stops the loop. */
  readonly stop: EventHandle;
}

/** A run loop as another thread sees it. `RunLoop.connect()` makes one. */
export interface RemoteRunLoop {
  /**
   * Stops the loop after the current pass. Before `run()` it is remembered. Does nothing when the loop's thread has
   * ended.
   */
  stop(): void;
}

/** Stops a loop when another thread sets it. */
export class StopEvent extends WaitableEvent {
  readonly #onStop: () => void;

  constructor(onStop: () => void) {
    super();
    this.#onStop = onStop;
  }

  /** Stops the loop. The loop calls it in the pass after the event was set. */
  override handleRead(): void {
    this.clear();
    this.#onStop();
  }
}

/** Connects to the loop of another thread: the body of `RunLoop.connect()`. */
export function connectRunLoop(handle: RunLoopHandle): RemoteRunLoop {
  if (typeof handle !== 'object' || handle === null || !('stop' in handle)) {
    throw new InvalidArgTypeError('handle', 'the `handle` of a RunLoop', handle);
  }
  const event = openStopEvent(handle);
  return {
    stop: () => {
      try {
        event.set();
      } catch (error) {
        // The event closes with the loop's thread, and a loop whose thread has ended has stopped.
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
    // The error names the loop: the caller does not know the event.
    throw error instanceof InvalidHandleError ? new InvalidHandleError('run loop') : error;
  }
}

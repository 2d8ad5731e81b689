/** The diagnostics channels of a manager's connections. */

import { channel } from 'node:diagnostics_channel';

/** The message on the diagnostics channels `waitable-event:connect` and `waitable-event:disconnect`. */
export interface ConnectionMessage {
  /** The thread that has connected: its `threadId` of node:worker_threads. */
  readonly threadId: number;
  /** The manager to which it has connected. */
  readonly manager: object;
}

const connectChannel = channel('waitable-event:connect');
const disconnectChannel = channel('waitable-event:disconnect');

/** Publishes that a thread has connected. */
export function publishConnect(manager: object, threadId: number): void {
  if (connectChannel.hasSubscribers) {
    connectChannel.publish({ threadId, manager } satisfies ConnectionMessage);
  }
}

/**
 * Publishes that a connection is over: it was closed, its thread has ended, or the manager was closed. The manager
 * finds that in a pass of its loop.
 */
export function publishDisconnect(manager: object, threadId: number): void {
  if (disconnectChannel.hasSubscribers) {
    disconnectChannel.publish({ threadId, manager } satisfies ConnectionMessage);
  }
}

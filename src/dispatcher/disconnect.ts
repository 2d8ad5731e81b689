/** The errors that mean that the peer is gone. */

/** The list of asyncore. */
const DISCONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'ENOTCONN',
  'ESHUTDOWN',
  'ECONNABORTED',
  'EPIPE',
  'EBADF',
]);

/** Returns whether an error means that the peer is gone. */
export function isDisconnected(error: unknown): boolean {
  return DISCONNECTED.has((error as { code?: unknown } | null)?.code);
}

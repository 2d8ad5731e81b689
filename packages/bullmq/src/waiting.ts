/** Waits with an end, and the errors for which waiting helps. */

import { StoreUnavailableError } from './errors';

/** How long the orderly end of a connection that only listens may take: nothing is lost with it. */
export const LISTENER_CLOSE_TIME = 500;

/** How long the end of a connection that is dropped is waited for. */
const DROP_TIME = 500;

const AWAY_CODES = /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND|08|57P0|53300)/;
const AWAY_MESSAGES = /connection (?:\w+ )*(?:closed|terminated|ended|error)|(?:socket|read) timeout|not queryable/i;
const AWAY_REASONS = /timeout exceeded|ECONNREFUSED/;
/** Answers of a server of Redis that will work again. */
const AWAY_ANSWERS = /^(?:LOADING|READONLY|MASTERDOWN)/;

/** Returns whether an operation failed because the store is away: then it is tried again. */
export function isAwayError(error: unknown): boolean {
  const { code, message = '' } = error as { code?: unknown; message?: string };
  if (typeof code === 'string' && AWAY_CODES.test(code)) return true;
  return [AWAY_MESSAGES, AWAY_REASONS, AWAY_ANSWERS].some((each) => each.test(message));
}

/** Resolves after some time, or when the signal aborts. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

/** Resolves or rejects as the promise does, or rejects with `ERR_STORE_UNAVAILABLE` after some time. */
export async function within<T>(ms: number, what: string, promise: Promise<T>, cause?: () => unknown): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StoreUnavailableError(`${what} took more than ${ms} ms`, cause?.())), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Closes something of BullMQ. It waits for answers that a store which is away does not give: then the connections are
 * dropped.
 */
export async function closeWithin(ms: number, close: () => Promise<unknown>, drop: () => unknown): Promise<void> {
  try {
    await within(ms, 'close()', close());
  } catch {
    await Promise.race([drop(), delay(DROP_TIME)]);
  }
}

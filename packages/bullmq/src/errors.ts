/**
 * The errors of this package: one class for each kind, each with a stable `code`. Errors that `waitable-event` has too,
 * such as `ERR_UNKNOWN_TASK`, are its own classes.
 */

class ClusterError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** The manager was closed: calls that are pending are rejected, and new ones throw. */
export class ClusterClosedError extends ClusterError {
  readonly code = 'ERR_CLUSTER_CLOSED' as const;

  constructor() {
    super('The cluster task manager is closed');
  }
}

/** The clock of this machine differs from the store's by more than `join()` accepts. */
export class ClockSkewError extends ClusterError {
  readonly code = 'ERR_CLOCK_SKEW' as const;
  /** This machine's clock minus the store's, in milliseconds. */
  readonly skew: number;

  constructor(skew: number) {
    const direction = skew > 0 ? 'ahead of' : 'behind';
    super(`This machine's clock is ${Math.abs(skew).toFixed(0)} ms ${direction} the store's: synchronise both`);
    this.skew = skew;
  }
}

/** The lease of a running task could not be renewed in time: another member may run the task already. */
export class LeaseLostError extends ClusterError {
  readonly code = 'ERR_LEASE_LOST' as const;

  constructor(id: string) {
    super(`The lease of task ${id} was lost: another member may run it, and the result of this run is dropped`);
  }
}

/** A payload or a result is larger than `maxPayload`. Nothing was stored. */
export class PayloadTooLargeError extends ClusterError {
  readonly code = 'ERR_PAYLOAD_TOO_LARGE' as const;
  readonly size: number;
  readonly limit: number;

  constructor(size: number, limit: number) {
    super(`The payload has ${size} bytes, at most ${limit} are stored: store it elsewhere, and send its name`);
    this.size = size;
    this.limit = limit;
  }
}

/** The task of a call has ended, and the store keeps its result no longer. */
export class ResultLostError extends ClusterError {
  readonly code = 'ERR_RESULT_LOST' as const;

  constructor(id: string) {
    super(`The result of task ${id} is no longer kept: raise \`keep.completed\``);
  }
}

/** The store may drop tasks to free memory. `join()` refuses such a store. */
export class StoreEvictsError extends ClusterError {
  readonly code = 'ERR_STORE_EVICTS' as const;

  constructor(policy: string) {
    super(`The store's maxmemory-policy is ${policy}: it would drop tasks. Set it to noeviction`);
  }
}

/** The store refused the connection: a wrong password, a missing database or schema, a version that is too old. */
export class StoreRefusedError extends ClusterError {
  readonly code = 'ERR_STORE_REFUSED' as const;

  constructor(reason: string, cause?: unknown) {
    super(`The store refused the connection: ${reason}`, cause);
  }
}

/** The store did not answer in time. A task may be stored all the same: repeat it under the same id. */
export class StoreUnavailableError extends ClusterError {
  readonly code = 'ERR_STORE_UNAVAILABLE' as const;

  constructor(what: string, cause?: unknown) {
    super(`The store is not available: ${what}`, cause);
  }
}

/** The store keeps tasks in memory only. `join()` refuses such a store unless `allowVolatile` is set. */
export class StoreVolatileError extends ClusterError {
  readonly code = 'ERR_STORE_VOLATILE' as const;

  constructor(reason: string) {
    super(`${reason}: the store would forget tasks. Change that, or set \`allowVolatile\``);
  }
}

/** Returns the message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || (error as { code?: string }).code || error.name : String(error);
}

/** What BullMQ takes for "the job was given back": it settles nothing then. */
export function giveBack(reason: unknown): Error {
  const error = new Error(messageOf(reason), { cause: reason });
  error.name = 'WaitingError';
  return error;
}

import { InvalidArgTypeError, InvalidArgValueError } from 'waitable-event';

import { type Backoff, type ClusterOptions, type Keep } from './cluster-options';

/** The options with their defaults. */
export interface Settings {
  queue: string;
  connection: ClusterOptions['connection'];
  work: boolean;
  concurrency: number;
  lease: number;
  safetyPoll: number;
  attempts: number;
  backoff: Required<{ [K in keyof Backoff]: number }>;
  completed: Keep;
  failed: Keep;
  maxWaiting: number;
  onFull: 'reject' | 'wait';
  storeTimeout: number;
  maxPayload: number;
  allowVolatile: boolean;
  onError: (error: unknown, name?: string) => void;
  telemetry: ClusterOptions['telemetry'];
}

const HOUR = 3_600_000;
const LARGEST_TIMEOUT = 2 ** 31 - 1;

/** Checks a number: throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`. */
export function numberOf(
  name: string,
  value: unknown,
  { min, max = Infinity, whole = false, standard }: { min: number; max?: number; whole?: boolean; standard: number },
): number {
  if (value === undefined) return standard;
  if (typeof value !== 'number') throw new InvalidArgTypeError(name, 'a number', value);
  if (!(value >= min && value <= max) || (whole && value !== Infinity && !Number.isInteger(value))) {
    const range = max === Infinity ? `at least ${min}` : `${min} to ${max}`;
    throw new InvalidArgValueError(name, `${whole ? 'an integer' : 'a number'} of ${range}`, value);
  }
  return value;
}

/** Checks a string that must not be empty. */
export function stringOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new InvalidArgTypeError(name, 'a string', value);
  if (value === '') throw new InvalidArgValueError(name, 'a string that is not empty', value);
  return value;
}

function booleanOf(name: string, value: unknown, standard: boolean): boolean {
  if (value === undefined) return standard;
  if (typeof value !== 'boolean') throw new InvalidArgTypeError(name, 'a boolean', value);
  return value;
}

function keepOf(name: string, value: Keep | undefined, standard: Keep): Keep {
  if (value === undefined) return standard;
  if (typeof value !== 'object' || value === null) throw new InvalidArgTypeError(name, 'an object', value);
  return value;
}

function backoffOf(value: Backoff | undefined): Settings['backoff'] {
  const given: Partial<Backoff> = value ?? {};
  const max = LARGEST_TIMEOUT;
  return {
    delay: numberOf('options.backoff.delay', given.delay, { min: 0, max, standard: 1000 }),
    factor: numberOf('options.backoff.factor', given.factor, { min: 1, max: 100, standard: 2 }),
    jitter: numberOf('options.backoff.jitter', given.jitter, { min: 0, max: 1, standard: 0.5 }),
    limit: numberOf('options.backoff.limit', given.limit, { min: 0, max, standard: HOUR }),
  };
}

/** Prints what no promise carries. */
function report(error: unknown, name?: string): void {
  console.error(name === undefined ? 'waitable-event-bullmq:' : `waitable-event-bullmq, task ${name}:`, error);
}

/** Checks the options of `join()` before anything connects, and fills in the defaults. */
export function settingsOf(options: ClusterOptions): Settings {
  if (typeof options !== 'object' || options === null) throw new InvalidArgTypeError('options', 'an object', options);
  const queue = stringOf('options.queue', options.queue);
  // A colon separates the parts of BullMQ's keys.
  if (queue.includes(':')) throw new InvalidArgValueError('options.queue', 'a name without a colon', queue);
  const { connection, onError = report, onFull = 'reject', telemetry } = options;
  if (typeof connection !== 'string' && (typeof connection !== 'object' || connection === null)) {
    throw new InvalidArgTypeError('options.connection', 'a URL or an object', connection);
  }
  if (typeof onError !== 'function') throw new InvalidArgTypeError('options.onError', 'a function', onError);
  if (onFull !== 'reject' && onFull !== 'wait') {
    throw new InvalidArgValueError('options.onFull', "'reject' or 'wait'", onFull);
  }
  const whole = true;
  const max = LARGEST_TIMEOUT;
  return {
    queue,
    connection,
    work: booleanOf('options.work', options.work, true),
    concurrency: numberOf('options.concurrency', options.concurrency, { min: 1, max: 1e6, whole, standard: 64 }),
    lease: numberOf('options.lease', options.lease, { min: 1000, max, whole, standard: 30_000 }),
    safetyPoll: numberOf('options.safetyPoll', options.safetyPoll, { min: 10, max: HOUR, standard: 5000 }),
    attempts: numberOf('options.attempts', options.attempts, { min: 1, max: 1e6, whole, standard: 1 }),
    backoff: backoffOf(options.backoff),
    completed: keepOf('options.keep.completed', options.keep?.completed, { age: 3600, count: 1000 }),
    failed: keepOf('options.keep.failed', options.keep?.failed, { age: 7 * 24 * 3600, count: 10_000 }),
    maxWaiting: numberOf('options.maxWaiting', options.maxWaiting, { min: 1, whole, standard: Infinity }),
    onFull,
    storeTimeout: numberOf('options.storeTimeout', options.storeTimeout, { min: 1, max, standard: 30_000 }),
    maxPayload: numberOf('options.maxPayload', options.maxPayload, { min: 1, max: 2 ** 28, whole, standard: 2 ** 20 }),
    allowVolatile: booleanOf('options.allowVolatile', options.allowVolatile, false),
    onError,
    telemetry,
  };
}

/** The options of a task manager. */

import { type Loop, defaultLoop, isLoop } from '../dispatcher';
import { MAX_CAPACITY, MIN_CAPACITY, isOnFull } from '../protocol';
import {
  InvalidArgTypeError,
  InvalidArgValueError,
  validateFunction,
  validateInteger,
  validateNames,
  validateOptions,
} from '../util';
import { reportError } from './error-reporter';
import { type TaskHost, hostOf } from './host';

/** Options of `new TaskManager()`. */
export interface TaskManagerOptions {
  /**
   * The loop that runs the tasks.
   * @default this thread's own loop, `core`
   */
  loop?: Loop | undefined;
  /**
   * How many tasks of one producer may wait in its queue: 2 to 1048576, rounded up to a power of two.
   * @default 4096
   */
  capacity?: number | undefined;
  /**
   * What `schedule()` of another thread does when its queue is full: it blocks until there is room, or throws
   * `ERR_QUEUE_FULL`. A producer may choose for itself: see `TaskManager.connect()`.
   * @default a worker blocks, the main thread throws
   */
  onFull?: 'block' | 'throw' | undefined;
  /**
   * Called with the error and the name of a task that threw, or whose promise was rejected.
   * @default the error is printed to the console
   */
  onError?: ((error: unknown, name: string) => void) | undefined;
}

/** The options, with their defaults. */
export interface TaskManagerSettings {
  readonly host: TaskHost;
  readonly capacity: number;
  readonly onFull: 'block' | 'throw' | undefined;
  readonly onError: (error: unknown, name: string) => void;
}

const DEFAULT_CAPACITY = 4096;

/** Returns the options with their defaults. Throws for invalid ones. */
export function toSettings(options: TaskManagerOptions | undefined): TaskManagerSettings {
  validateOptions(options);
  validateNames('options', options, ['loop', 'capacity', 'onFull', 'onError']);
  const { loop = defaultLoop(), capacity = DEFAULT_CAPACITY, onFull, onError = reportError } = options ?? {};
  if (!isLoop(loop)) {
    throw new InvalidArgTypeError('options.loop', 'a RunLoop', loop);
  }
  validateInteger('options.capacity', capacity, MIN_CAPACITY, MAX_CAPACITY);
  if (!isOnFull(onFull)) {
    throw new InvalidArgValueError('options.onFull', "'block' or 'throw'", onFull);
  }
  validateFunction('options.onError', onError);
  return { host: hostOf(loop), capacity: 2 ** Math.ceil(Math.log2(capacity)), onFull, onError };
}

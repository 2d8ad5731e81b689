/** The options of the methods that run a loop. */

/** Options of `runSync()`. */
export interface RunSyncOptions {
  /**
   * Whether the loop's own task manager is closed when the loop stops. Then threads that wait for it are told, and what
   * they send later throws.
   * @default false
   */
  close?: boolean | undefined;
  /**
   * Maximum time one pass may sleep although nothing happens, in milliseconds.
   * @default the loop's `SPIN`
   */
  spin?: number | undefined;
  /**
   * Names of the signals that stop the loop; it touches no others. `SIGKILL` and `SIGSTOP` are refused with
   * `ERR_INVALID_ARG_VALUE`. Default: none.
   *
   * One signal stops all loops that name it, in all threads. Listeners of `process.on()` are told, too: when Node's
   * event loop of the main thread iterates. Afterwards the signal does what it did before.
   *
   * On Windows these are console events: SIGINT is Ctrl-C, SIGBREAK is Ctrl-Break, SIGHUP is the end of the console.
   * No other signal ever comes there.
   */
  stopOn?: NodeJS.Signals[] | undefined;
}

/** Options of `run()`. */
export interface RunOptions extends RunSyncOptions {
  /** Stops the loop when it aborts. The promise of `run()` then resolves. */
  signal?: AbortSignal | undefined;
}

/** Options of `loop()`. */
export interface LoopOptions {
  /**
   * Maximum time one pass may sleep, in milliseconds.
   * @default 30000, as in asyncore
   */
  timeout?: number | undefined;
  /** How many passes to make, from 0 to 2147483648. Default: passes are made until the loop has no channels. */
  count?: number | undefined;
}

/** How a run loop is run. */

/** Options of `runSync()`. */
export interface RunSyncOptions {
  /**
   * The longest time in milliseconds that the loop sleeps although nothing happens.
   * @default the loop's `SPIN`
   */
  spin?: number;
  /**
   * Signals that stop the loop; none is touched unasked. While `runSync()` blocks, and in a worker, they are taken over: handlers of
   * the process for them are not called until the loop has stopped.
   */
  stopOn?: NodeJS.Signals[];
}

/** Options of `run()`. */
export interface RunOptions extends RunSyncOptions {
  /** Stops the loop when it is aborted. */
  signal?: AbortSignal;
}

/** Options of `loop()`. */
export interface LoopOptions {
  /**
   * The longest time in milliseconds that one pass sleeps.
   * @default 30000, as in asyncore
   */
  timeout?: number;
  /** How many passes to make. By default it goes on until there are no channels left. */
  count?: number;
}

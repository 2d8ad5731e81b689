/** The run loop. */

import { type InspectOptions, inspect } from 'node:util';

import { type Channel, brandLoop, loopOf, setLoop } from '../dispatcher';
import { closeWithThread } from '../event';
import {
  type TaskHost,
  TaskManager,
  type TaskManagerOptions,
  type TaskSource,
  configure,
  loopHost,
} from '../task-manager';
import { LoopClock } from '../virtual-time';
import {
  beginBlocking,
  clearImmediate,
  debug,
  debugSleep,
  debugWakeUp,
  endBlocking,
  isDebugging,
  jobRunner,
  native,
  reactor,
  setImmediate,
  reserveStack,
} from '../platform';
import {
  InvalidArgTypeError,
  LoopClosedError,
  LoopRunningError,
  inspectAs,
  validateBoolean,
  validateFunction,
  validateInteger,
  validateMilliseconds,
  validateOptions,
  validateSignal,
} from '../util';
import { ChannelSet } from './channel-set';
import { DeferredCalls } from './deferred-calls';
import type { LoopOptions, RunOptions, RunSyncOptions } from './options';
import { type RemoteRunLoop, type RunLoopHandle, StopEvent, connectRunLoop } from './remote-run-loop';
import { listenToSignals, openSignals, validateSignals } from './signals';

/** The default timeout of `loop()`, in milliseconds: asyncore's. */
const LOOP_TIMEOUT = 30_000;

/** What task managers and a time machine need of a loop. */
export interface LoopHost extends TaskHost {
  /** Whether there are deferred functions to run. */
  readonly hasDeferred: boolean;
  /** Runs the deferred functions, and nothing else. */
  runDeferred(): void;
}

/**
 * Dispatches the descriptors of its channels, its tasks, and deferred functions: BACpypes' module `core`, as an object.
 *
 * `run()` runs inside Node's own event loop and blocks nothing. `runSync()` blocks its thread, as `core.run()` does in
 * Python. Both make the same passes: due tasks first, then ready channels, then deferred functions. A pass handles only
 * what was there when it began, so nothing is delayed by more than one pass.
 *
 * A loop belongs to the thread that made it. Other threads stop it through its `handle`. A channel or task that throws
 * does not end it.
 *
 * @example
 * class Input extends FileDispatcher {
 *   handleRead() { process.stdout.write(this.recv(4096)) }
 * }
 * new Input(process.stdin.fd, core);
 * await core.run({ stopOn: ['SIGTERM'] });
 */
export class RunLoop {
  /**
   * Maximum time one pass may sleep although nothing happens, in milliseconds. Default: `Infinity`, as an idle loop has
   * no reason to wake.
   */
  SPIN: number = Infinity;

  readonly #channels = new ChannelSet();
  /** What has tasks. A change makes a new array: a pass goes on with the one that it began with. */
  #sources: readonly TaskSource[] = [];
  readonly #clock = new LoopClock();
  readonly #deferred = new DeferredCalls();
  #taskManager: TaskManager | undefined;
  #stopEvent: StopEvent | undefined;
  #mode: 'idle' | 'async' | 'sync' = 'idle';
  #stopping = false;
  #isClosed = false;
  #inPass = false;
  #immediate: NodeJS.Immediate | undefined;
  #finish: ((error?: Error) => void) | undefined;
  #ended: Promise<void> | undefined;
  #spin = Infinity;
  /** Ends a `runSync()`. */
  #endSync: (() => void) | undefined;
  /** Native code keeps 1 in it while `runSync()` is on the stack. */
  #syncMark: Int32Array | undefined;
  readonly #onFailure = (error: Error): void => this.#finish?.(error);
  readonly #deadline = {
    at: Infinity,
    heapIndex: -1,
    isLed: true,
    onDeadline: (): void => this.#passAsync(true, true),
    onFailure: this.#onFailure,
  };

  readonly #host: LoopHost;
  readonly #stop = (): void => this.stop();

  static {
    brandLoop(this.prototype);
  }

  constructor() {
    this.#host = this.#makeHost();
    // In BACpypes these are functions of a module, and programs call them without an object.
    this.run = this.run.bind(this);
    this.runSync = this.runSync.bind(this);
    this.runOnce = this.runOnce.bind(this);
    this.stop = this.stop.bind(this);
    this.deferred = this.deferred.bind(this);
    this.enableSleeping = this.enableSleeping.bind(this);
  }

  /**
   * Connects to a loop that another thread owns. Throws `ERR_INVALID_HANDLE` when no live loop has this handle.
   *
   * @example
   * // main.js
   * new Worker('./stopper.js', { workerData: core.handle });
   * await core.run();
   * console.log('stopped'); // stopped
   * // stopper.js
   * RunLoop.connect(workerData).stop();
   */
  static connect(handle: RunLoopHandle): RemoteRunLoop {
    return connectRunLoop(handle);
  }

  /** Returns what another thread needs to `RunLoop.connect()`. Structured-cloneable. */
  get handle(): RunLoopHandle {
    reserveStack();
    this.#refuseWhenClosed();
    if (this.#stopEvent === undefined) {
      const event = new StopEvent(() => this.stop());
      event[closeWithThread]();
      this.#channels.add(event, true);
      this.#stopEvent = event;
    }
    return { stop: this.#stopEvent.handle };
  }

  /** Returns whether `run()` or `runSync()` is in progress. */
  get running(): boolean {
    this.#endLostRun();
    return this.#mode !== 'idle';
  }

  /** Returns the loop's own task manager, which is made at the first access. */
  get taskManager(): TaskManager {
    if (this.#taskManager === undefined) {
      reserveStack();
      this.#refuseWhenClosed();
    }
    return (this.#taskManager ??= new TaskManager({ loop: this }));
  }

  /**
   * Sets options of the loop's own task manager. `capacity` and `onFull` can be set until its handle was read.
   *
   * Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for invalid options.
   *
   * @example
   * core.configure({ capacity: 65_536, onError: (error, name) => log.error({ error, name }) });
   */
  configure(options: Omit<TaskManagerOptions, 'loop'>): void {
    reserveStack();
    this.taskManager[configure](options);
  }

  /**
   * Runs inside Node's event loop until `stop()`, and keeps the process alive meanwhile. Promises, timers and Node's
   * own I/O go on.
   *
   * A preceding `stop()` is remembered: the promise then resolves immediately. `run()` may be called again after
   * `stop()`, while the last pass is still in progress; the new run begins when that pass ends.
   *
   * Rejects with `ERR_LOOP_RUNNING` when the loop runs and was not stopped. Rejects with `ERR_INVALID_ARG_TYPE` or
   * `ERR_INVALID_ARG_VALUE` for invalid options, and with the kernel's error when the kernel refuses to wake the loop.
   *
   * @example
   * await core.run({ stopOn: ['SIGINT', 'SIGTERM'] });
   */
  async run(options?: RunOptions): Promise<void> {
    reserveStack();
    validateOptions(options);
    const spin = validateMilliseconds('options.spin', options?.spin ?? this.SPIN);
    validateBoolean('options.close', options?.close);
    const signals = validateSignals(options?.stopOn);
    validateSignal(options?.signal);
    if (this.#mode === 'async' && this.#stopping) {
      await this.#ended;
    }
    if (this.running) {
      throw new LoopRunningError();
    }
    this.#refuseWhenClosed();
    if (this.#consumeStop() || options?.signal?.aborted === true) {
      this.#closeManager(options);
      return;
    }
    const token = reactor.watchLoop(this.#channels.start(), () => this.#passAsync(false), this.#onFailure);
    let restoreSignals: () => void;
    try {
      restoreSignals = listenToSignals(this.#host, signals, options?.stopOn ?? [], this.#stop);
    } catch (error) {
      reactor.unwatchLoop(token);
      throw error;
    }
    reactor.hold();
    this.#mode = 'async';
    this.#spin = spin;
    options?.signal?.addEventListener('abort', this.#stop, { once: true });
    this.#ended = new Promise<void>((resolve, reject) => {
      this.#finish = (error) => {
        this.#finish = undefined;
        this.#mode = 'idle';
        this.#consumeStop();
        clearImmediate(this.#immediate);
        this.#immediate = undefined;
        reactor.removeDeadline(this.#deadline);
        reactor.unwatchLoop(token);
        reactor.release();
        restoreSignals();
        options?.signal?.removeEventListener('abort', this.#stop);
        this.#closeManager(options);
        if (error === undefined) {
          resolve();
        } else {
          reject(error);
        }
      };
    });
    this.#requestPass();
    await this.#ended;
  }

  /**
   * Blocks this thread until `stop()`. The thread sleeps in the kernel until a channel is ready or a task is due.
   * Node's own event loop stands still meanwhile, with its timers and its I/O. It is meant for workers and scripts. A
   * worker that blocks here can be terminated.
   *
   * Promises are settled between passes, and functions of `process.nextTick()` are called there. They are not if the
   * caller is itself the job of a promise: after an `await`, or at the top level of an ES module. Call it from
   * `setImmediate()` there.
   *
   * A preceding `stop()` is remembered: the call then returns immediately. Throws `ERR_LOOP_RUNNING` when the loop
   * already runs.
   */
  runSync(options?: RunSyncOptions): void {
    reserveStack();
    validateOptions(options);
    const spin = validateMilliseconds('options.spin', options?.spin ?? this.SPIN);
    validateBoolean('options.close', options?.close);
    const signals = validateSignals(options?.stopOn);
    if (this.running) {
      throw new LoopRunningError();
    }
    this.#refuseWhenClosed();
    if (this.#consumeStop()) {
      this.#closeManager(options);
      return;
    }
    this.#channels.start();
    const closeSignals = openSignals(this.#host, signals, this.#stop);
    beginBlocking();
    // The signals are given back soon when the run is lost, whether or not the loop is used again.
    const immediate = signals.length > 0 ? setImmediate(() => this.#endLostRun()) : undefined;
    this.#endSync = () => {
      clearImmediate(immediate);
      endBlocking();
      closeSignals();
      this.#mode = 'idle';
      this.#consumeStop();
    };
    this.#mode = 'sync';
    try {
      const runJobs = jobRunner();
      const runPasses = (): void => {
        while (!this.#stopping) {
          this.#runTasks();
          // Between two passes: no handler is interrupted by the job of a promise.
          runJobs?.();
          const timeout = this.#stopping ? 0 : Math.min(spin, this.#timeUntilWork());
          if (isDebugging && timeout > 0) {
            debugSleep(this, timeout);
          }
          this.#channels.dispatchNext(timeout);
          if (isDebugging) {
            debugWakeUp(this);
          }
          this.#deferred.run();
        }
      };
      native.callMarked(runPasses, (this.#syncMark ??= new Int32Array(new SharedArrayBuffer(4))));
    } finally {
      this.#endSync();
      this.#closeManager(options);
    }
  }

  /** Ends a `runSync()` that a timeout of `node:vm` has ended: JavaScript runs no `finally` then. */
  #endLostRun(): void {
    if (this.#mode === 'sync' && this.#syncMark?.[0] === 0) {
      this.#endSync?.();
    }
  }

  /** Runs the due tasks and the deferred functions now. It neither polls the channels nor sleeps. */
  runOnce(): void {
    this.#runTasks();
    this.#deferred.run();
  }

  /**
   * Makes blocking passes over the channels alone, as `asyncore.loop()`. By default it ends when the loop has no
   * channels left.
   *
   * It runs no deferred functions. It runs only those tasks that other threads schedule as soon as possible, because
   * these arrive through a channel.
   *
   * @example
   * core.loop({ timeout: 1000, count: 1 }); // one pass, which sleeps for at most a second
   */
  loop(options?: LoopOptions): void {
    reserveStack();
    validateOptions(options);
    const timeout = validateMilliseconds('options.timeout', options?.timeout ?? LOOP_TIMEOUT);
    let count = options?.count === undefined ? Infinity : validateInteger('options.count', options.count, 0, 2 ** 31);
    this.#refuseWhenClosed();
    this.#channels.start();
    beginBlocking();
    try {
      while (this.#channels.size > 0 && count > 0) {
        this.#sources.forEach((source) => source.listen());
        this.#channels.dispatchNext(timeout);
        count -= 1;
      }
    } finally {
      endBlocking();
    }
    // If `run()` is in progress, it has to arrange its next wake-up again.
    this.#requestPass();
  }

  /** Stops the loop after the current pass. Before `run()` it is remembered. */
  stop(): void {
    this.#endLostRun();
    this.#stopping = true;
    this.#requestPass();
  }

  /**
   * Calls `fn(...args)` in the next pass, after the channels. A function that is deferred during that pass waits for
   * the pass after it.
   *
   * It runs in the async context of this call: an AsyncLocalStorage has the same store. An error of `fn`, or of the
   * promise that it returns, is printed to the console, and the remaining functions still run.
   *
   * Throws `ERR_INVALID_ARG_TYPE`, a TypeError, at this call when `fn` is no function. Throws `ERR_LOOP_CLOSED` when
   * the loop is closed.
   *
   * @example
   * core.deferred(console.log, 'in the next pass');
   */
  deferred<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
    validateFunction('fn', fn);
    this.#refuseWhenClosed();
    // The pass comes later. If the stack ends in one of the two, nothing was added.
    this.#requestPass();
    this.#deferred.add(() => fn(...args));
  }

  /**
   * Checks its argument, and does nothing else. It exists for BACpypes programs: BACpypes' own version adds a
   * millisecond to every hand-over. An idle loop of this package always sleeps in the kernel, and wakes immediately.
   *
   * @param milliseconds Default: 1. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` when it is no time.
   */
  enableSleeping(milliseconds: number = 1): void {
    validateMilliseconds('milliseconds', milliseconds);
  }

  /**
   * Adds a channel; `channel.addChannel(loop)` calls it. The loop keeps the channel alive until it is removed. It calls
   * `readable()` and `writable()` for the first time before its next sleep or pass. A channel that is in the loop
   * already, and has another descriptor since, is registered again.
   *
   * Throws `EBADF` for a descriptor that is not open, `EISDIR` for a directory, and `EEXIST` for a descriptor that is
   * already in the loop. Throws `ERR_INVALID_ARG_TYPE` for a value that is no channel, and `ERR_INVALID_ARG_VALUE` for
   * a number that cannot be a descriptor. Throws `ERR_LOOP_CLOSED` when the loop is closed. A regular file is always
   * ready, as for poll().
   *
   * While the loop runs by `run()`, throws `ELOOP` for an epoll that nests too deeply, `EINVAL` for a descriptor that
   * is watched in too many places, and `ENOTSUP` for a file whose state is gone once it was polled. `run()` rejects
   * with the same when the loop has such a channel; `runSync()` and `loop()` take all of them.
   */
  add(channel: Channel): void {
    reserveStack();
    if (typeof channel !== 'object' || channel === null || typeof channel.fileno !== 'function') {
      throw new InvalidArgTypeError('channel', 'a Dispatcher', channel);
    }
    this.#refuseWhenClosed();
    this.#channels.add(channel);
    const before = loopOf(channel);
    setLoop(channel, this);
    if (before !== this) {
      before?.remove(channel);
    }
    // The next pass asks the channel what it wants.
    this.#requestPass();
  }

  /** Removes a channel; `channel.delChannel()` calls it. Does nothing when the loop does not have it. */
  remove(channel: Channel): void {
    reserveStack();
    this.#channels.remove(channel);
    if (loopOf(channel) === this) {
      setLoop(channel, undefined);
    }
  }

  /**
   * Calls the channel's `readable()` and `writable()` again. Needed when their results change outside of its handlers.
   */
  update(channel: Channel): void {
    reserveStack();
    this.#channels.update(channel);
    this.#wakeForFiles();
  }

  /**
   * Closes the loop and its three descriptors. A run that is in progress ends after the current pass. The loop's task
   * managers are closed, so callers in other threads get `ERR_TASK_MANAGER_CLOSED`. Its channels leave it, and stay
   * open. Deferred functions that have not run are dropped. Closing twice is allowed.
   *
   * Afterwards `run()`, `runSync()`, `loop()`, `add()`, `deferred()` and `handle` fail with `ERR_LOOP_CLOSED`. A loop
   * that was dropped without `close()` is closed when it is garbage.
   */
  close(): void {
    if (this.#isClosed) {
      return;
    }
    reserveStack();
    if (isDebugging) {
      debug('the loop is closed');
    }
    this.#isClosed = true;
    for (const source of this.#sources) {
      source.close?.();
    }
    this.#sources = [];
    this.#deferred.clear();
    this.#stopEvent?.close();
    for (const channel of this.#channels.close()) {
      if (loopOf(channel) === this) {
        setLoop(channel, undefined);
      }
    }
    if (this.running) {
      this.#stopping = true;
      if (this.#mode === 'async' && !this.#inPass) {
        this.#finish?.();
      }
    }
  }

  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Returns what task managers and a time machine need. @internal */
  get [loopHost](): LoopHost {
    return this.#host;
  }

  /** Shows the state in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => ({
      running: this.running,
      channels: this.#channels.size,
    }));
  }

  /** Throws when the loop is closed. */
  #refuseWhenClosed(): void {
    if (this.#isClosed) {
      throw new LoopClosedError();
    }
  }

  /** Makes `run()` run a pass soon. Within a pass it does nothing: the end of the pass arranges the next one. */
  #requestPass(): void {
    if (this.#mode === 'async' && !this.#inPass && this.#immediate === undefined) {
      reserveStack();
      this.#immediate = setImmediate(() => this.#passAsync(true));
    }
  }

  /** Returns the object by which task managers and a time machine use this loop. */
  #makeHost(): LoopHost {
    const deferred = (): boolean => this.#deferred.size > 0;
    return {
      clock: this.#clock,
      attach: (source) => {
        this.#refuseWhenClosed();
        this.#sources = [...this.#sources, source];
        this.#requestPass();
      },
      detach: (source) => {
        this.#sources = this.#sources.filter((each) => each !== source);
      },
      requestPass: () => this.#requestPass(),
      watchClock: () => this.#channels.watchClock(),
      addInternal: (channel) => this.#channels.add(channel, true),
      removeInternal: (channel) => void this.#channels.remove(channel, true),
      get hasDeferred() {
        return deferred();
      },
      runDeferred: () => this.#deferred.run(),
    };
  }

  /** Closes the loop's own manager at the end of a run, when its options say so. The others learn of the end. */
  #closeManager(options: RunSyncOptions | undefined): void {
    if (options?.close === true) {
      this.#taskManager?.close();
    }
    this.#sources.forEach((source) => source.onStop());
  }

  /** Returns whether `stop()` was called, and forgets it. */
  #consumeStop(): boolean {
    const stopping = this.#stopping;
    this.#stopping = false;
    return stopping;
  }

  /**
   * Makes a pass. `isStale` says that other code may have run since the reactor found channels ready, `isLed` that the
   * alarm may be ahead of its deadline.
   */
  #passAsync(isStale: boolean, isLed = false): void {
    if (this.#mode !== 'async' || this.#inPass) {
      return;
    }
    if (this.#immediate !== undefined) {
      clearImmediate(this.#immediate);
      this.#immediate = undefined;
    }
    this.#inPass = true;
    if (isDebugging) {
      debugWakeUp(this);
    }
    let isOver = false;
    try {
      if (isLed) {
        reactor.reach(this.#deadline.at);
      }
      const hasRun = this.#runTasks();
      this.#channels.dispatchReady(isStale || hasRun);
      this.#deferred.run();
      isOver = true;
    } finally {
      // Also after an uncaught error, for example of a channel's own `delChannel()`: the loop goes on, and can be
      // stopped.
      this.#inPass = false;
      if (this.#stopping) {
        this.#finish?.();
      } else {
        this.#prepareSleep();
        if (!isOver) {
          // What it had still to report may cause no further kernel event.
          this.#requestPass();
        }
      }
    }
  }

  /** Arranges the next pass: soon when there is work, otherwise when the next task is due. */
  #prepareSleep(): void {
    this.#channels.askNew();
    const due = this.#channels.hasAlwaysReady ? Number.NEGATIVE_INFINITY : this.#nextWork();
    reactor.removeDeadline(this.#deadline);
    if (due === Infinity && this.#spin === Infinity) {
      if (isDebugging) {
        debugSleep(this, Infinity);
      }
      return;
    }
    const now = reactor.now();
    const at = Math.min(due, now + this.#spin);
    if (at <= now) {
      this.#requestPass();
      return;
    }
    if (isDebugging) {
      debugSleep(this, at - now);
    }
    this.#deadline.at = at;
    reactor.addDeadline(this.#deadline);
  }

  /** Arranges a pass for regular files, which cause no kernel event. */
  #wakeForFiles(): void {
    if (this.#channels.hasAlwaysReady) {
      this.#requestPass();
    }
  }

  /** Returns when there is work, on the monotonic clock: `-Infinity` if there is now, `Infinity` if there is none. */
  #nextWork(): number {
    let due = Infinity;
    const sources = this.#sources;
    for (let index = 0; index < sources.length; index += 1) {
      const source = sources[index] as TaskSource;
      // Each source learns that the loop is about to sleep, also when another one keeps it awake.
      due = source.beforeSleep() ? Math.min(due, source.nextDue()) : Number.NEGATIVE_INFINITY;
    }
    return this.#deferred.size > 0 ? Number.NEGATIVE_INFINITY : due;
  }

  /** Returns in how many milliseconds there is work; zero or less means now. */
  #timeUntilWork(): number {
    const due = this.#nextWork();
    // The clock is read only when it is needed: a reading is a fiftieth of the cost of a pass.
    return Number.isFinite(due) ? due - reactor.now() : due;
  }

  /** Runs what is due. Returns whether anything was. */
  #runTasks(): boolean {
    let hasRun = false;
    // A task may make a manager with due tasks: these run in the next pass. One that a task closes runs nothing more.
    const sources = this.#sources;
    for (let index = 0; index < sources.length; index += 1) {
      const source = sources[index] as TaskSource;
      if (sources === this.#sources || this.#sources.includes(source)) {
        hasRun = source.runDue() || hasRun;
      }
    }
    return hasRun;
  }
}

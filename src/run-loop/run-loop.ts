/** The run loop. */

import { type InspectOptions, inspect } from 'node:util';

import { type Channel, brandLoop, loopOf, setLoop } from '../dispatcher';
import { closeWithThread } from '../event';
import * as reactor from '../platform/reactor';
import { clearImmediate, setImmediate } from '../platform/real-timers';
import { type TaskHost, type TaskSource, TaskManager, loopHost } from '../task-manager';
import { InvalidArgTypeError, LoopRunningError } from '../util/errors';
import { inspectAs } from '../util/inspect';
import {
  validateFunction,
  validateInteger,
  validateMilliseconds,
  validateOptions,
  validateSignal,
} from '../util/validate';
import { LoopClock } from '../virtual-time';
import { ChannelSet } from './channel-set';
import type { LoopOptions, RunOptions, RunSyncOptions } from './options';
import { type RemoteRunLoop, type RunLoopHandle, StopEvent, connectRunLoop } from './remote-run-loop';
import { listenToSignals, openSignals, validateSignals } from './signals';

/** asyncore's, in milliseconds. */
const LOOP_TIMEOUT = 30_000;

/** What task managers and a time machine need of a loop. */
export interface LoopHost extends TaskHost {
  /** Whether there are deferred functions to run. */
  readonly hasDeferred: boolean;
  /** Runs the deferred functions, and nothing else. */
  runDeferred(): void;
}

/**
 * Waits for the descriptors of its channels and for its tasks, and calls them: BACpypes' `core`, as an object.
 *
 * `run()` lives inside Node's own event loop, where nothing blocks; `runSync()` blocks its thread, as `core.run()` does in
 * Python. Both make the same passes: due tasks, then ready channels, then deferred functions. A pass does what was there when it
 * began, so that nothing can keep the rest waiting for more than one pass.
 *
 * A loop belongs to the thread that made it; other threads stop it through its `handle`. Channels and tasks that throw do not
 * end it.
 *
 * @example
 * new Port(fs.openSync('/dev/ttyS0', 'r+'), core); // class Port extends FileDispatcher { handleRead() { … } }
 * await core.run({ stopOn: ['SIGTERM'] });
 */
export class RunLoop {
  /** The longest time in milliseconds that one pass sleeps although nothing happens; by default there is no reason to wake. */
  SPIN: number = Infinity;

  readonly #channels = new ChannelSet();
  readonly #sources = new Set<TaskSource>();
  readonly #clock = new LoopClock();
  #deferred: (() => void)[] = [];
  #taskManager: TaskManager | undefined;
  #stopEvent: StopEvent | undefined;
  #mode: 'idle' | 'async' | 'sync' = 'idle';
  #stopping = false;
  #inPass = false;
  #immediate: NodeJS.Immediate | undefined;
  #finish: (() => void) | undefined;
  #ended: Promise<void> | undefined;
  #spin = Infinity;
  readonly #deadline: { at: number; heapIndex: number; onDeadline: () => void } = {
    at: Infinity,
    heapIndex: -1,
    onDeadline: () => this.#passAsync(true),
  };

  readonly #host: LoopHost;
  readonly #stop = (): void => this.stop();

  static {
    brandLoop(this.prototype);
  }

  constructor() {
    this.#host = this.#makeHost();
    // BACpypes programs call these as functions of a module.
    this.run = this.run.bind(this);
    this.runSync = this.runSync.bind(this);
    this.runOnce = this.runOnce.bind(this);
    this.stop = this.stop.bind(this);
    this.deferred = this.deferred.bind(this);
    this.enableSleeping = this.enableSleeping.bind(this);
  }

  /** The loop that another thread owns, for this one. Throws `ERR_INVALID_HANDLE` when there is none any more. */
  static connect(handle: RunLoopHandle): RemoteRunLoop {
    return connectRunLoop(handle);
  }

  /** What another thread needs to `RunLoop.connect()`: structured-cloneable. */
  get handle(): RunLoopHandle {
    if (this.#stopEvent === undefined) {
      const event = new StopEvent(() => this.stop());
      event[closeWithThread]();
      this.#channels.add(event, true);
      this.#stopEvent = event;
    }
    return { stop: this.#stopEvent.handle };
  }

  /** Whether `run()` or `runSync()` is under way. */
  get running(): boolean {
    return this.#mode !== 'idle';
  }

  /** The loop's own task manager, made when it is first asked for. */
  get taskManager(): TaskManager {
    return (this.#taskManager ??= new TaskManager({ loop: this }));
  }

  /**
   * Runs inside Node's event loop until `stop()`, and keeps the process alive meanwhile. Promises, timers and Node's own I/O go on.
   *
   * A `stop()` that came before is remembered: the promise resolves at once. Called again after `stop()`, while the last pass is
   * still under way, it runs when that is over. Rejects with `ERR_LOOP_RUNNING` when the loop runs and nobody has stopped it.
   */
  async run(options?: RunOptions): Promise<void> {
    validateOptions(options);
    const spin = validateMilliseconds('options.spin', options?.spin ?? this.SPIN);
    const signals = validateSignals(options?.stopOn);
    validateSignal(options?.signal);
    if (this.#mode === 'async' && this.#stopping) {
      await this.#ended;
    }
    if (this.running) {
      throw new LoopRunningError();
    }
    if (this.#consumeStop() || options?.signal?.aborted === true) {
      return;
    }
    const token = reactor.watchLoop(this.#channels.start(), () => this.#passAsync(false));
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
    this.#ended = new Promise<void>((resolve) => {
      this.#finish = () => {
        this.#mode = 'idle';
        this.#consumeStop();
        clearImmediate(this.#immediate);
        this.#immediate = undefined;
        reactor.removeDeadline(this.#deadline);
        reactor.unwatchLoop(token);
        reactor.release();
        restoreSignals();
        options?.signal?.removeEventListener('abort', this.#stop);
        resolve();
      };
    });
    this.#requestPass();
    await this.#ended;
  }

  /**
   * Blocks this thread until `stop()`: the thread sleeps in the kernel on its channels and its next task, and Node's own event
   * loop stands still, its promises too. For workers and scripts; a worker in it can be terminated.
   *
   * A `stop()` that came before is remembered. Throws `ERR_LOOP_RUNNING` when the loop runs already.
   */
  runSync(options?: RunSyncOptions): void {
    validateOptions(options);
    const spin = validateMilliseconds('options.spin', options?.spin ?? this.SPIN);
    const signals = validateSignals(options?.stopOn);
    if (this.running) {
      throw new LoopRunningError();
    }
    if (this.#consumeStop()) {
      return;
    }
    this.#channels.start();
    const closeSignals = openSignals(this.#host, signals, this.#stop);
    this.#mode = 'sync';
    try {
      while (!this.#stopping) {
        this.#runTasks();
        this.#channels.dispatchNext(this.#stopping ? 0 : Math.min(spin, this.#timeUntilWork()));
        this.#runDeferred();
      }
    } finally {
      closeSignals();
      this.#mode = 'idle';
      this.#consumeStop();
    }
  }

  /** Runs what is due and what is deferred, now, without looking at channels and without sleeping. */
  runOnce(): void {
    this.#runTasks();
    this.#runDeferred();
  }

  /**
   * Makes blocking passes over the channels alone, as `asyncore.loop()`: no deferred functions, and no tasks but those that other
   * threads schedule as soon as possible, which come by a channel. By default until there are no channels left.
   */
  loop(options?: LoopOptions): void {
    validateOptions(options);
    const timeout = validateMilliseconds('options.timeout', options?.timeout ?? LOOP_TIMEOUT);
    let count = options?.count === undefined ? Infinity : validateInteger('options.count', options.count, 0, 2 ** 31);
    this.#channels.start();
    while (this.#channels.size > 0 && count > 0) {
      this.#sources.forEach((source) => source.listen());
      this.#channels.dispatchNext(timeout);
      count -= 1;
    }
    // If `run()` is under way, it has to arrange anew how it is woken.
    this.#requestPass();
  }

  /** Stops the loop after the pass that is under way. Before `run()` it is remembered. */
  stop(): void {
    this.#stopping = true;
    this.#requestPass();
  }

  /**
   * Calls `fn(...args)` in the next pass, after the channels. Functions that are deferred meanwhile wait for the pass after. One
   * that throws is reported on the console, and the others go on.
   *
   * Throws a TypeError here, at the call, when `fn` is no function.
   */
  deferred<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
    validateFunction('fn', fn);
    this.#deferred.push(() => void fn(...args));
    this.#requestPass();
  }

  /**
   * For BACpypes programs: an idle loop sleeps in the kernel here anyway, and wakes at once. BACpypes' own version adds a
   * millisecond to every hand-over; this one only checks its argument.
   */
  enableSleeping(milliseconds: number = 1): void {
    validateMilliseconds('milliseconds', milliseconds);
  }

  /**
   * Puts a channel into the loop; `channel.addChannel(loop)` does it. The loop holds it until it is taken out.
   *
   * Throws EBADF for a descriptor that is not open, EISDIR for a directory, EEXIST for a descriptor that is in the loop
   * already, `ERR_INVALID_ARG_TYPE` for what is no channel, `ERR_INVALID_ARG_VALUE` for what cannot be a descriptor. A regular file is
   * always ready, as for poll().
   */
  add(channel: Channel): void {
    if (typeof channel !== 'object' || channel === null || typeof channel.fileno !== 'function') {
      throw new InvalidArgTypeError('channel', 'a Dispatcher', channel);
    }
    this.#channels.add(channel);
    const before = loopOf(channel);
    setLoop(channel, this);
    if (before !== this) {
      before?.remove(channel);
    }
    this.#wakeForFiles();
  }

  /** Takes a channel out; `channel.delChannel()` does it. */
  remove(channel: Channel): void {
    this.#channels.remove(channel);
    if (loopOf(channel) === this) {
      setLoop(channel, undefined);
    }
  }

  /** Asks a channel anew what it wants: for one whose `readable()` or `writable()` changed outside of its handlers. */
  update(channel: Channel): void {
    this.#channels.update(channel);
    this.#wakeForFiles();
  }

  /** What task managers and a time machine need. @internal */
  get [loopHost](): LoopHost {
    return this.#host;
  }

  /** Shows the state in `util.inspect()`. @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return inspectAs(this, depth, options, () => ({
      running: this.running,
      channels: this.#channels.size,
      deferred: this.#deferred.length,
      SPIN: this.SPIN,
    }));
  }

  /** Makes `run()` run a pass soon; within a pass, the next one is arranged at its end. */
  #requestPass(): void {
    if (this.#mode === 'async' && !this.#inPass) {
      this.#immediate ??= setImmediate(() => this.#passAsync(true));
    }
  }

  #makeHost(): LoopHost {
    const deferred = (): boolean => this.#deferred.length > 0;
    return {
      clock: this.#clock,
      attach: (source) => {
        this.#sources.add(source);
        this.#requestPass();
      },
      detach: (source) => void this.#sources.delete(source),
      requestPass: () => this.#requestPass(),
      watchClock: () => this.#channels.watchClock(),
      addInternal: (channel) => this.#channels.add(channel, true),
      removeInternal: (channel) => void this.#channels.remove(channel, true),
      get hasDeferred() {
        return deferred();
      },
      runDeferred: () => this.#runDeferred(),
    };
  }

  #consumeStop(): boolean {
    const stopping = this.#stopping;
    this.#stopping = false;
    return stopping;
  }

  /** Makes a pass. `isStale` when other code may have run since the reactor saw what is ready. */
  #passAsync(isStale: boolean): void {
    if (this.#mode !== 'async' || this.#inPass) {
      return;
    }
    if (this.#immediate !== undefined) {
      clearImmediate(this.#immediate);
      this.#immediate = undefined;
    }
    this.#inPass = true;
    try {
      const hasRun = this.#runTasks();
      this.#channels.dispatchReady(isStale || hasRun);
      this.#runDeferred();
    } finally {
      // Also when something was thrown that nobody caught, by a `delChannel()` of a channel's own, say: the loop goes on, and can be stopped.
      this.#inPass = false;
      if (this.#stopping) {
        this.#finish?.();
      } else {
        this.#prepareSleep();
      }
    }
  }

  /** Arranges for the next pass: soon when there is work, otherwise when the next task is due. */
  #prepareSleep(): void {
    const timeout = this.#channels.hasAlwaysReady ? 0 : Math.min(this.#spin, this.#timeUntilWork());
    reactor.removeDeadline(this.#deadline);
    if (timeout <= 0) {
      this.#requestPass();
    } else if (timeout !== Infinity) {
      this.#deadline.at = reactor.now() + timeout;
      reactor.addDeadline(this.#deadline);
    }
  }

  /** A regular file makes no kernel event. */
  #wakeForFiles(): void {
    if (this.#channels.hasAlwaysReady) {
      this.#requestPass();
    }
  }

  #timeUntilWork(): number {
    let due = Infinity;
    for (const source of this.#sources) {
      // Each is told that the loop is about to sleep, also when another one keeps it awake.
      due = source.beforeSleep() ? Math.min(due, source.nextDue()) : Number.NEGATIVE_INFINITY;
    }
    if (this.#deferred.length > 0) {
      return 0;
    }
    // The clock is not read for nothing: that would be a fiftieth of the cost of a pass.
    return Number.isFinite(due) ? due - reactor.now() : due;
  }

  /** Runs what is due, and returns whether something was. */
  #runTasks(): boolean {
    let hasRun = false;
    // A task may make a manager, with tasks in it: those are the next pass's.
    let left = this.#sources.size;
    for (const source of this.#sources) {
      if (left === 0) {
        break;
      }
      left -= 1;
      hasRun = source.runDue() || hasRun;
    }
    return hasRun;
  }

  #runDeferred(): void {
    const batch = this.#deferred;
    if (batch.length === 0) {
      return;
    }
    this.#deferred = [];
    for (const call of batch) {
      try {
        call();
      } catch (error) {
        console.error('error in a deferred function', error);
      }
    }
  }
}

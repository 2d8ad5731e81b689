/** The run loop. */

import type { Dispatcher } from './dispatcher';
import { InvalidArgTypeError, LoopRunningError } from './errors';
import { ALARM, ERROR, HANG_UP, PRIORITY, READABLE, WRITABLE, check, makeBatch, fast, native } from './native';
import * as reactor from './reactor';
import { TaskManager } from './task';
import { validateFunction, validateMilliseconds, validateOptions, validateSignal } from './validate';

/** How many ready channels one pass takes from the kernel; the rest comes in the next pass. */
const BATCH_ENTRIES = 256;

/** The errors that mean that the peer is gone, as asyncore has them. */
const DISCONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'ENOTCONN',
  'ESHUTDOWN',
  'ECONNABORTED',
  'EPIPE',
  'EBADF',
]);

/** Options of `run()`. */
export interface RunOptions {
  /**
   * The longest time in milliseconds that the loop sleeps although nothing happens.
   * @default the loop's `SPIN`
   */
  spin?: number;
  /** Signals that stop the loop. None is touched unasked. */
  stopOn?: NodeJS.Signals[];
  /** Stops the loop when it is aborted. */
  signal?: AbortSignal;
}

/** Options of `runSync()`. */
export interface RunSyncOptions {
  /**
   * The longest time in milliseconds that the loop sleeps although nothing happens.
   * @default the loop's `SPIN`
   */
  spin?: number;
}

/** What a loop asks and tells its task managers. */
export interface TaskSource {
  /** When the next task is due, on the monotonic clock; Infinity for never. */
  nextDue(): number;
  /** Runs what is due now. */
  runDue(): void;
  /** The loop is about to sleep: false when there is something to do first. */
  beforeSleep(): boolean;
}

interface Member {
  readonly channel: Dispatcher;
  readonly fd: number;
  readonly token: number;
  interest: number;
}

/**
 * Waits for the descriptors of its channels and for its tasks, and calls them: BACpypes' `core`, as an object.
 *
 * `run()` lives inside Node's own event loop, where nothing blocks; `runSync()` blocks its thread, as `core.run()` does in
 * Python. Both make the same passes: due tasks, then ready channels, then deferred functions; a pass does what was there when it
 * began, so that nothing can keep the rest waiting for more than one pass.
 *
 * A loop belongs to the thread that made it.
 */
export class RunLoop {
  /** The longest time in milliseconds that one pass sleeps although nothing happens; by default there is no reason to wake. */
  SPIN: number = Infinity;

  #poller = -1;
  #fileno = -1;
  #batch: Int32Array | undefined;
  #nextToken = 1;
  readonly #members = new Map<number, Member>();
  readonly #byChannel = new Map<Dispatcher, Member>();
  /** Who has a descriptor in the poller. A member whose descriptor was closed under it, and is another's now, has not. */
  readonly #byFileno = new Map<number, Member>();
  #deferred: (() => void)[] = [];
  readonly #sources = new Set<TaskSource>();
  #taskManager: TaskManager | undefined;
  #mode: 'idle' | 'async' | 'sync' = 'idle';
  #stopping = false;
  #inPass = false;
  #immediate: NodeJS.Immediate | undefined;
  #finish: (() => void) | undefined;
  #spin = Infinity;
  readonly #deadline: reactor.Deadline & { at: number } = {
    at: Infinity,
    heapIndex: -1,
    onDeadline: () => this.#passAsync(),
  };

  constructor() {
    // BACpypes programs call these as functions of a module.
    this.run = this.run.bind(this);
    this.runSync = this.runSync.bind(this);
    this.runOnce = this.runOnce.bind(this);
    this.stop = this.stop.bind(this);
    this.deferred = this.deferred.bind(this);
    this.enableSleeping = this.enableSleeping.bind(this);
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
   * Rejects with `ERR_LOOP_RUNNING` when the loop runs already. A `stop()` that came before is remembered: the promise
   * resolves at once.
   */
  async run(options?: RunOptions): Promise<void> {
    validateOptions(options);
    const spin = validateSpin(options?.spin, this.SPIN);
    const signals = validateSignals(options?.stopOn);
    validateSignal(options?.signal);
    if (this.running) {
      throw new LoopRunningError();
    }
    if (this.#takeStop() || options?.signal?.aborted === true) {
      return;
    }
    const fd = this.#start();
    const token = reactor.watch(fd, () => this.#passAsync());
    reactor.hold();
    this.#mode = 'async';
    this.#spin = spin;
    const stop = (): void => this.stop();
    signals.forEach((name) => process.on(name, stop));
    options?.signal?.addEventListener('abort', stop, { once: true });
    try {
      await new Promise<void>((resolve) => {
        this.#finish = resolve;
        this.nudge();
      });
    } finally {
      this.#mode = 'idle';
      this.#takeStop();
      clearImmediate(this.#immediate);
      this.#immediate = undefined;
      reactor.removeDeadline(this.#deadline);
      reactor.unwatch(fd, token);
      reactor.release();
      signals.forEach((name) => process.off(name, stop));
      options?.signal?.removeEventListener('abort', stop);
    }
  }

  /**
   * Blocks this thread until `stop()`: the thread sleeps in the kernel on its channels and its next task, and Node's own event
   * loop stands still. For workers and scripts; a worker in it can be terminated.
   */
  runSync(options?: RunSyncOptions): void {
    validateOptions(options);
    const spin = validateSpin(options?.spin, this.SPIN);
    if (this.running) {
      throw new LoopRunningError();
    }
    if (this.#takeStop()) {
      return;
    }
    this.#mode = 'sync';
    this.#start();
    try {
      while (!this.#stopping) {
        this.#runTasks();
        const timeout = this.#stopping ? 0 : Math.min(spin, this.#timeUntilWork());
        this.#dispatch(fast.waitReady(this.#poller, timeout));
        this.#runDeferred();
      }
    } finally {
      this.#mode = 'idle';
      this.#takeStop();
    }
  }

  /** Runs what is due and what is deferred, now, without looking at channels and without sleeping. */
  runOnce(): void {
    this.#runTasks();
    this.#runDeferred();
  }

  /** Stops the loop after the pass that is under way. Before `run()` it is remembered. */
  stop(): void {
    this.#stopping = true;
    this.nudge();
  }

  /**
   * Calls `fn(...args)` in the next pass, after the channels. Functions that are deferred meanwhile wait for the pass after.
   * Throws a TypeError here, at the call, when `fn` is no function.
   */
  deferred<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
    validateFunction('fn', fn);
    this.#deferred.push(() => void fn(...args));
    this.nudge();
  }

  /**
   * For BACpypes programs: an idle loop sleeps in the kernel here anyway, and wakes at once. BACpypes' own version adds a
   * millisecond to every hand-over; this one only checks its argument.
   */
  enableSleeping(milliseconds: number = 1): void {
    validateMilliseconds('milliseconds', milliseconds);
  }

  /** Puts a channel into the loop; `channel.addChannel(loop)` does it. The loop holds it until it is taken out. */
  add(channel: Dispatcher): void {
    if (this.#byChannel.has(channel)) {
      return;
    }
    this.#start();
    const fd = channel.fileno();
    const member: Member = { channel, fd, token: this.#takeToken(), interest: interestOf(channel) };
    check(native.addMember(this.#poller, fd, member.token, member.interest), 'epoll_ctl');
    this.#members.set(member.token, member);
    this.#byChannel.set(channel, member);
    this.#byFileno.set(fd, member);
  }

  /** Takes a channel out; `channel.delChannel()` does it. */
  remove(channel: Dispatcher): void {
    const member = this.#byChannel.get(channel);
    if (member !== undefined) {
      this.#byChannel.delete(channel);
      this.#members.delete(member.token);
      if (this.#byFileno.get(member.fd) === member) {
        this.#byFileno.delete(member.fd);
        native.removeMember(this.#poller, member.fd);
      }
    }
  }

  /** Asks a channel anew what it wants: for one whose `readable()` or `writable()` changed outside of its handlers. */
  update(channel: Dispatcher): void {
    const member = this.#byChannel.get(channel);
    if (member !== undefined) {
      this.#refresh(member);
    }
  }

  /** @internal */
  attach(source: TaskSource): void {
    this.#sources.add(source);
    this.nudge();
  }

  /** @internal */
  detach(source: TaskSource): void {
    this.#sources.delete(source);
  }

  /** Something is due sooner than this loop knows. @internal */
  reschedule(): void {
    if (this.#mode === 'async' && !this.#inPass) {
      this.#prepareSleep();
    }
  }

  #start(): number {
    if (this.#poller < 0) {
      this.#batch = makeBatch(BATCH_ENTRIES);
      this.#poller = check(native.createPoller(this.#batch), 'epoll_create1');
      this.#fileno = native.pollerFileno(this.#poller);
    }
    return this.#fileno;
  }

  #takeToken(): number {
    let token: number;
    do {
      token = this.#nextToken;
      this.#nextToken = token === 0x7fff_ffff ? 1 : token + 1;
    } while (this.#members.has(token));
    return token;
  }

  #takeStop(): boolean {
    const stopping = this.#stopping;
    this.#stopping = false;
    return stopping;
  }

  /** Has `run()` make a pass soon; within a pass, the next one is arranged at its end. @internal */
  nudge(): void {
    if (this.#mode === 'async' && !this.#inPass) {
      this.#immediate ??= setImmediate(() => this.#passAsync());
    }
  }

  #passAsync(): void {
    if (this.#mode !== 'async' || this.#inPass) {
      return;
    }
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    this.#inPass = true;
    try {
      this.#runTasks();
      this.#dispatch(fast.takeReady(this.#poller));
      this.#runDeferred();
    } finally {
      this.#inPass = false;
    }
    if (this.#stopping) {
      this.#finish?.();
    } else {
      this.#prepareSleep();
    }
  }

  /** Arranges for the next pass: soon when there is work, otherwise when the next task is due. */
  #prepareSleep(): void {
    const timeout = Math.min(this.#spin, this.#timeUntilWork());
    reactor.removeDeadline(this.#deadline);
    if (timeout <= 0) {
      this.nudge();
    } else if (timeout !== Infinity) {
      this.#deadline.at = reactor.now() + timeout;
      reactor.addDeadline(this.#deadline);
    }
  }

  #timeUntilWork(): number {
    let due = Infinity;
    for (const source of this.#sources) {
      due = source.beforeSleep() ? Math.min(due, source.nextDue()) : -Infinity;
      if (due === -Infinity) {
        return 0;
      }
    }
    return this.#deferred.length > 0 ? 0 : due - reactor.now();
  }

  #runTasks(): void {
    for (const source of this.#sources) {
      source.runDue();
    }
  }

  #runDeferred(): void {
    const batch = this.#deferred;
    this.#deferred = [];
    for (const call of batch) {
      try {
        call();
      } catch (error) {
        console.error('error in a deferred function', error);
      }
    }
  }

  /** Calls the channels that native code put into the batch. */
  #dispatch(filled: number): void {
    const count = check(filled, 'epoll_wait') & ~ALARM;
    if (count === 0) {
      return;
    }
    // A copy: a handler may make a pass of its own.
    const batch = (this.#batch as Int32Array).slice(0, 2 * count);
    for (let index = 0; index < count; index += 1) {
      // Looked up now: a channel that an earlier one closed is not called, nor is a new one with the same descriptor.
      const member = this.#members.get(batch[2 * index] as number);
      if (member !== undefined) {
        this.#call(member, batch[2 * index + 1] as number);
      }
    }
  }

  #call(member: Member, flags: number): void {
    const { channel } = member;
    try {
      if ((flags & READABLE) !== 0) {
        channel.handleRead();
      }
      if ((flags & WRITABLE) !== 0 && this.#isIn(member)) {
        channel.handleWrite();
      }
      if ((flags & PRIORITY) !== 0 && this.#isIn(member)) {
        channel.handleExpt();
      }
      // While there is something to read, the end waits.
      if ((flags & (HANG_UP | ERROR)) !== 0 && (flags & READABLE) === 0 && this.#isIn(member)) {
        channel.handleClose();
      }
    } catch (error) {
      this.#onHandlerError(channel, error);
    }
    if (this.#isIn(member)) {
      this.#refresh(member);
    }
  }

  #onHandlerError(channel: Dispatcher, error: unknown): void {
    try {
      if (DISCONNECTED.has((error as { code?: unknown } | null)?.code)) {
        channel.handleClose();
      } else {
        channel.handleError(error);
      }
    } catch (second) {
      console.error(`uncaptured exception while closing channel ${channel.constructor.name}`, second);
      channel.delChannel();
    }
  }

  #refresh(member: Member): void {
    const interest = interestOf(member.channel);
    if (interest !== member.interest && this.#byFileno.get(member.fd) === member) {
      check(native.modifyMember(this.#poller, member.fd, member.token, interest), 'epoll_ctl');
      member.interest = interest;
    }
  }

  #isIn(member: Member): boolean {
    return this.#members.get(member.token) === member;
  }
}

/** As asyncore: whoever reads also hears of exceptional conditions. */
function interestOf(channel: Dispatcher): number {
  return (channel.readable() ? READABLE | PRIORITY : 0) | (channel.writable() ? WRITABLE : 0);
}

function validateSpin(spin: number | undefined, standard: number): number {
  return validateMilliseconds('options.spin', spin ?? standard);
}

function validateSignals(signals: NodeJS.Signals[] | undefined): NodeJS.Signals[] {
  if (signals !== undefined && !Array.isArray(signals)) {
    throw new InvalidArgTypeError('options.stopOn', 'a list of signal names', signals);
  }
  return signals ?? [];
}

/** This thread's own loop. */
export const core: RunLoop = new RunLoop();

/**
 * The reactor of this thread: it wakes Node's event loop when something that the thread awaits is ready. It is one
 * native poller, whose descriptor libuv watches (or the thread driver, see `driver/` of the binding). It starts when
 * something is awaited for the first time.
 *
 * Each wake-up is one native call of {@link onReady}, with a batch of everything that is ready.
 */

import { BinaryHeap, type BinaryHeapMember } from '../util';
import { AlarmLead } from './alarm-lead';
import {
  ALARM,
  DRIVER_FAILED,
  ENTRY_LENGTH,
  EVENT,
  FRESH,
  HOLDERS,
  IN_ITERATION,
  LAST_TOKEN,
  check,
  makeBatch,
  fast,
  native,
  toError,
} from './binding';
import { monotonicNow } from './clock';
import { setImmediate } from './real-timers';

/** The maximum number of entries that one call reports. More of them follow in the next call. */
const BATCH_ENTRIES = 256;

/**
 * The elements behind the entries: whether the reactor is within an iteration of the event loop, and how many holders
 * want it to keep the process alive.
 */
const IN_ITERATION_INDEX = ENTRY_LENGTH * BATCH_ENTRIES + IN_ITERATION;
const HOLDERS_INDEX = ENTRY_LENGTH * BATCH_ENTRIES + HOLDERS;

/** A time to wait for, on the clock of {@link now}. */
export interface Deadline extends BinaryHeapMember {
  readonly at: number;
  /** Is called at that time, or by the lead of an alarm before it if `isLed`. */
  readonly onDeadline: () => void;
  /** Whether `onDeadline` calls {@link reach} before the work that is due, as late as it can. */
  readonly isLed?: boolean;
  /** Is called in place of `onDeadline` when the kernel refuses the alarm or the poll. The deadline is removed then. */
  readonly onFailure: (error: Error) => void;
}

/** What waits for a descriptor. */
export interface MemberListener {
  /** `isFresh` says that no code of the user has run since the kernel was asked. */
  onReady(flags: number, isFresh: boolean): void;
  onFailure(error: Error): void;
}

/** Is called with 1 when the event is set, or with a negative status. */
type EventListener = (outcome: number) => void;

let reactor = -1;
let batch: Int32Array;
let nextToken = 1;
/** The deadline that the native alarm is set for. It may be before the first deadline, never after it. */
let alarmAt = Infinity;
/** Whether no code of the user has run since the kernel was asked for what the batch reports. */
let isFresh = false;
const lead = new AlarmLead();

/** The listeners by the slots of their events. */
const eventListeners = new Map<number, EventListener>();
const memberListeners = new Map<number, MemberListener>();
const deadlines = new BinaryHeap<Deadline>((a, b) => a.at < b.at);
/** The deadlines without an alarm, whose `onFailure` is about to be called. */
const failing = new Map<Deadline, Error>();

/** Returns the time on the monotonic clock in milliseconds, with fractions. */
export function now(): number {
  return monotonicNow();
}

function start(): number {
  if (reactor < 0) {
    batch = makeBatch(BATCH_ENTRIES);
    reactor = check(native.startReactor(batch, onReady), 'startReactor');
    // V8 compiles both now, and not while the first wake-up waits for them.
    onReady(0);
    callMember(undefined, 0);
  }
  return reactor;
}

/**
 * Calls `listener` once when the event in `slot` is set, for a wait that began when its state word was `entered`. If
 * the event has been set since, returns 1 and does not call it.
 */
export function armEvent(slot: number, entered: number, listener: EventListener): number {
  const outcome = fast.armEvent(slot, start(), entered);
  if (outcome === 0) {
    eventListeners.set(slot, listener);
  }
  return outcome;
}

/** Removes the listener of {@link armEvent}. */
export function disarmEvent(slot: number): void {
  if (eventListeners.delete(slot)) {
    native.disarmEvent(slot);
  }
}

/** What {@link watch} has begun. */
export interface Watch {
  /** The token for {@link rearm} and {@link unwatch}. */
  readonly token: number;
  /** Whether a duplicate of the descriptor is watched. It stays when the user closes the descriptor. */
  readonly isDuplicate: boolean;
}

/**
 * Calls `onReady` of the listener once, with the flags of its readiness, when `fd` is ready for `interest`, hangs up or
 * has an error. Calls `onFailure` when the kernel refuses the poll. Throws what the kernel answers.
 */
export function watch(fd: number, interest: number, listener: MemberListener): Watch {
  const token = allocateToken();
  const status = check(fast.watchDescriptor(start(), fd, token, interest) ?? 0, 'epoll_ctl');
  memberListeners.set(token, listener);
  return { token, isDuplicate: status > 0 };
}

/**
 * Has the listener of `token` called once more. Returns a negative status when `fd` is not the watched descriptor any
 * more. Of a duplicate, that is not known.
 */
export function rearm(fd: number, token: number, interest: number): number {
  return fast.rearmDescriptor(reactor, fd, token, interest) ?? 0;
}

/** Undoes {@link watch}. */
export function unwatch(fd: number, token: number): void {
  if (memberListeners.delete(token)) {
    fast.unwatchDescriptor(reactor, fd, token);
  }
}

/**
 * Calls `onReadable` when a member of the run loop with `poller` is ready. This can happen several times in one
 * iteration of the event loop; the listener dequeues what is ready each time. Calls `onFailure` when the kernel refuses
 * the poll. Returns the token for {@link unwatchLoop}.
 */
export function watchLoop(poller: number, onReadable: () => void, onFailure: (error: Error) => void): number {
  const pass = (): void => {
    // It calls handlers, which may read what other descriptors of this batch had.
    isFresh = false;
    onReadable();
  };
  return addListener({ onReady: pass, onFailure }, (token) => native.watchLoop(start(), poller, token));
}

/** Undoes {@link watchLoop}. */
export function unwatchLoop(token: number): void {
  if (memberListeners.delete(token)) {
    native.unwatchLoop(reactor, token);
  }
}

/** Adds a member to the reactor by `add`, with a listener under a new token, which is returned. */
function addListener(listener: MemberListener, add: (token: number) => number): number {
  const token = allocateToken();
  check(add(token), 'epoll_ctl');
  memberListeners.set(token, listener);
  return token;
}

/** Returns a token that no present member has, nor one of the last two thousand million. */
function allocateToken(): number {
  let token: number;
  do {
    token = nextToken;
    nextToken = token === LAST_TOKEN ? 1 : token + 1;
  } while (memberListeners.has(token));
  return token;
}

/** Calls `deadline.onDeadline` at its time, never before, or `onFailure` soon when the kernel refuses the alarm. */
export function addDeadline(deadline: Deadline): void {
  start();
  failing.delete(deadline);
  deadlines.push(deadline);
  setAlarm();
}

/** Removes a deadline. Its alarm stays, and may expire without effect. */
export function removeDeadline(deadline: Deadline): void {
  if (deadline.heapIndex >= 0) {
    deadlines.remove(deadline);
  } else if (failing.size > 0) {
    failing.delete(deadline);
  }
}

/** Keeps the process alive until {@link release} has been called as often. */
export function hold(): void {
  // Comes first, because it can throw.
  start();
  setHolders(1);
}

/** Undoes one {@link hold}. */
export function release(): void {
  setHolders(-1);
}

function setHolders(change: number): void {
  const before = batch[HOLDERS_INDEX] as number;
  batch[HOLDERS_INDEX] = before + change;
  // At the end of an iteration, native code reads the count itself. A wait that ends and one that begins cost no call.
  if ((before === 0 || before + change === 0) && batch[IN_ITERATION_INDEX] === 0) {
    try {
      fast.holdReactor(reactor);
    } catch (error) {
      // The stack ends here. What could not hold does not release, either.
      batch[HOLDERS_INDEX] = change > 0 ? before : before + change;
      throw error;
    }
  }
}

/** Sets the alarm for the first deadline. An alarm for an earlier time stays, which costs one idle iteration. */
function setAlarm(): void {
  const first = deadlines.peek();
  if (first === undefined || first.at >= alarmAt) {
    return;
  }
  const time = now();
  const delay = Math.max(first.at - lead.length - time, 0);
  const outcome = native.setPollerAlarm(reactor, delay);
  if (outcome < 0) {
    // The alarm is as it was: it still serves the later deadlines.
    failDeadlines(alarmAt, toError(outcome, 'timerfd_settime'));
  } else {
    alarmAt = first.at;
    lead.onSet(first.at, time, delay);
  }
}

/** Stays awake until `at`, for an `onDeadline` that was called ahead of it. */
export function reach(at: number): void {
  lead.reach(at);
}

/** Removes the deadlines before `end`, and has their `onFailure` called, but not beneath the code that adds one. */
function failDeadlines(end: number, error: Error): void {
  for (let first = deadlines.peek(); first !== undefined && first.at < end; first = deadlines.peek()) {
    deadlines.pop();
    failing.set(first, error);
  }
  setImmediate(() => {
    for (const [deadline, reason] of failing) {
      failing.delete(deadline);
      callSafely(() => deadline.onFailure(reason));
    }
  });
}

/** Ends everything that waits: the driver could not poll. It tries again, and serves what waits by then. */
function onDriverFailed(errno: number): void {
  const error = toError(-errno, 'poll');
  eventListeners.forEach((listener, slot) => {
    if (listener !== undefined) {
      disarmEvent(slot);
      callSafely(() => listener(-errno));
    }
  });
  for (const listener of Array.from(memberListeners.values())) {
    callSafely(() => listener.onFailure(error));
  }
  failDeadlines(Infinity, error);
}

function onReady(filled: number): void {
  if (filled > 0 && (filled & DRIVER_FAILED) !== 0) {
    onDriverFailed(filled & ~DRIVER_FAILED);
    return;
  }
  const count = check(filled, 'epoll_wait') & ~(ALARM | FRESH);
  // Events first: their listeners settle promises and call no code of the user.
  for (let index = 0; index < count; index += 1) {
    const flags = batch[ENTRY_LENGTH * index + 1] as number;
    if (isEvent(flags)) {
      const slot = batch[ENTRY_LENGTH * index] as number;
      const listener = eventListeners.get(slot);
      eventListeners.delete(slot);
      listener?.(flags < 0 ? flags : 1);
    }
  }
  isFresh = (filled & FRESH) !== 0;
  for (let index = 0; index < count; index += 1) {
    if (!isEvent(batch[ENTRY_LENGTH * index + 1] as number)) {
      const flags = batch[ENTRY_LENGTH * index + 1] as number;
      callMember(memberListeners.get(batch[ENTRY_LENGTH * index] as number), flags);
    }
  }
  if ((filled & ALARM) !== 0) {
    onAlarm();
  }
}

/** Calls `listener`. An error is rethrown from `setImmediate()`, so that the remaining listeners still run. */
function callSafely(listener: (() => void) | undefined): void {
  try {
    listener?.();
  } catch (error) {
    rethrowLater(error);
  }
}

/** Does the same for the listener of a member, without a function for each wake-up. */
function callMember(listener: MemberListener | undefined, flags: number): void {
  try {
    listener?.onReady(flags, isFresh);
  } catch (error) {
    rethrowLater(error);
  }
}

function rethrowLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** Tells whether an entry of the batch reports an event: that it is set, or a negative status. */
function isEvent(flags: number): boolean {
  return flags < 0 || flags === EVENT;
}

function onAlarm(): void {
  // A deadline that a listener adds waits for the next alarm, even if it is due already.
  const time = lead.horizon(now());
  alarmAt = Infinity;
  for (let first = deadlines.peek(); first !== undefined && first.at <= time; first = deadlines.peek()) {
    deadlines.pop();
    const deadline = first;
    if (deadline.isLed !== true) {
      reach(deadline.at);
    }
    callSafely(() => deadline.onDeadline());
  }
  setAlarm();
}

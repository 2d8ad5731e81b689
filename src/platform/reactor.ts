/**
 * What wakes this thread out of Node's event loop: one native poller, watched by libuv through its one descriptor
 * (or by the second driver, see `driver/`). It is made when something is awaited for the first time.
 *
 * A wake-up crosses into JavaScript once, with a batch of everything that is ready.
 */

import { monotonicNow } from './clock';

import { BinaryHeap, type BinaryHeapMember } from '../util/binary-heap';
import {
  ALARM,
  ENTRY_LENGTH,
  EVENT,
  HOLDERS,
  IN_TURN,
  LAST_TOKEN,
  READABLE,
  check,
  makeBatch,
  fast,
  native,
} from './binding';
import { setImmediate } from './real-timers';

/** How many ready things one crossing carries at the most; what is more comes in the next one. */
const BATCH_ENTRIES = 256;

/** Behind them: whether a turn of the reactor is under way, and how many want it to keep the process alive. */
const IN_TURN_INDEX = ENTRY_LENGTH * BATCH_ENTRIES + IN_TURN;
const HOLDERS_INDEX = ENTRY_LENGTH * BATCH_ENTRIES + HOLDERS;

/** A time that something waits for, on the clock of {@link now}. */
export interface Deadline extends BinaryHeapMember {
  readonly at: number;
  readonly onDeadline: () => void;
}

/** Called with 1 when the event is set, or with a negative status. */
type EventListener = (outcome: number) => void;

let reactor = -1;
let batch: Int32Array;
let nextToken = 1;
/** When the native alarm will ring; it may ring too soon, and is set anew then, but never too late. */
let alarmAt = Infinity;

/** By the slots of their events, which are small numbers. */
const eventListeners: (EventListener | undefined)[] = [];
const memberListeners = new Map<number, () => void>();
const deadlines = new BinaryHeap<Deadline>((a, b) => a.at < b.at);

/** Milliseconds, with fractions, on the monotonic clock. */
export function now(): number {
  return monotonicNow();
}

function start(): number {
  if (reactor < 0) {
    batch = makeBatch(BATCH_ENTRIES);
    reactor = check(native.startReactor(batch, onReady), 'startReactor');
  }
  return reactor;
}

/**
 * Calls `listener` once when the event in `slot` is set, for a wait that began when its state word was `entered`; returns 1 instead
 * when it has been set since.
 */
export function armEvent(slot: number, entered: number, listener: EventListener): number {
  const outcome = fast.armEvent(slot, start(), entered);
  if (outcome === 0) {
    eventListeners[slot] = listener;
  }
  return outcome;
}

/** Forgets the listener of {@link armEvent}. */
export function disarmEvent(slot: number): void {
  if (eventListeners[slot] !== undefined) {
    eventListeners[slot] = undefined;
    native.disarmEvent(slot);
  }
}

/** Calls `listener` in every turn of the event loop in which `fd` is readable. Returns what to pass to {@link unwatch}. */
export function watch(fd: number, listener: () => void): number {
  const token = allocateToken();
  check(native.addMember(start(), fd, token, READABLE), 'epoll_ctl');
  memberListeners.set(token, listener);
  return token;
}

/** Undoes {@link watch}; `fd` is still open. */
export function unwatch(fd: number, token: number): void {
  if (memberListeners.delete(token)) {
    native.removeMember(reactor, fd, token);
  }
}

/**
 * Calls `listener` when a member of the run loop with `poller` is ready, also several times in a turn of the event loop. It takes what
 * is ready each time. Returns what to pass to {@link unwatchLoop}.
 */
export function watchLoop(poller: number, listener: () => void): number {
  const token = allocateToken();
  check(native.watchLoop(start(), poller, token), 'epoll_ctl');
  memberListeners.set(token, listener);
  return token;
}

/** Undoes {@link watchLoop}. */
export function unwatchLoop(token: number): void {
  if (memberListeners.delete(token)) {
    native.unwatchLoop(reactor, token);
  }
}

function allocateToken(): number {
  const token = nextToken;
  nextToken = nextToken === LAST_TOKEN ? 1 : nextToken + 1;
  return token;
}

/** Calls `deadline.onDeadline` when its time has come, never before. */
export function addDeadline(deadline: Deadline): void {
  start();
  deadlines.push(deadline);
  setAlarm();
}

/** Forgets a deadline; its alarm may still ring, for nobody. */
export function removeDeadline(deadline: Deadline): void {
  deadlines.remove(deadline);
}

/** Keeps the process alive until as many {@link release} calls have followed. */
export function hold(): void {
  // First what may fail.
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
  // At the end of a turn native code looks by itself: a wait that ends and a new one that begins cost no call.
  if ((before === 0 || before + change === 0) && batch[IN_TURN_INDEX] === 0) {
    fast.holdReactor(reactor);
  }
}

/** Has the alarm ring by the first deadline. An alarm that is set for an earlier time stays: it costs one idle turn. */
function setAlarm(): void {
  const first = deadlines.peek();
  if (first !== undefined && first.at < alarmAt) {
    alarmAt = first.at;
    check(native.setPollerAlarm(reactor, first.at - now()), 'timerfd_settime');
  }
}

function onReady(filled: number): void {
  const count = check(filled, 'epoll_wait') & ~ALARM;
  // Events first: their listeners settle promises and run nobody's code. A member's listener may close an event and
  // open another one in its slot, which is not to get what was reported for the first.
  for (let index = 0; index < count; index += 1) {
    const flags = batch[ENTRY_LENGTH * index + 1] as number;
    if (isOfEvent(flags)) {
      const slot = batch[ENTRY_LENGTH * index] as number;
      const listener = eventListeners[slot];
      eventListeners[slot] = undefined;
      listener?.(flags < 0 ? flags : 1);
    }
  }
  for (let index = 0; index < count; index += 1) {
    if (!isOfEvent(batch[ENTRY_LENGTH * index + 1] as number)) {
      callSafely(memberListeners.get(batch[ENTRY_LENGTH * index] as number));
    }
  }
  if ((filled & ALARM) !== 0) {
    onAlarm();
  }
}

/** Calls somebody; what he throws is an uncaught exception, after the others had their turn. */
function callSafely(listener: (() => void) | undefined): void {
  try {
    listener?.();
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}

function isOfEvent(flags: number): boolean {
  return flags < 0 || flags === EVENT;
}

function onAlarm(): void {
  alarmAt = Infinity;
  // What is due when it begins; a deadline that is added meanwhile waits for its own alarm.
  const time = now();
  for (let first = deadlines.peek(); first !== undefined && first.at <= time; first = deadlines.peek()) {
    deadlines.pop();
    const deadline = first;
    callSafely(() => deadline.onDeadline());
  }
  setAlarm();
}

/**
 * How two threads that block for each other's managers find out. Each would sleep forever, because neither runs what
 * the other one waits for.
 *
 * Each connection has two words. The producer's thread stores WAIT before it sleeps, and 0 afterwards. The value is
 * another one for each call or wait for room, and the same for all sleeps of one. A thread that is about to sleep for a
 * manager stores its own WAIT, and *then* loads the WAIT of each producer that the manager's thread has in this
 * thread's managers (`findBlockedPeers()`). Both threads do it in this order, so at least one of them sees the other's
 * store, and finds the deadlock. It tells the other one by the word DEADLOCKED and the doorbell.
 *
 * ## Why a thread that will wake up is not taken for a blocked one
 *
 * - The finder looks whether the peer has unread replies, or room, and *then* loads WAIT. The peer stores WAIT after it
 *   has read all replies, and stores 0 before it reads again. So the finder sees unread replies, or 0, or a peer that
 *   has read everything and sleeps.
 * - What the peer sent to the finder before it went to sleep was sent before WAIT was stored. So the finder looks into
 *   its own queue once more when it has found a sleeping peer.
 * - DEADLOCKED repeats the value of WAIT. One that comes late has no effect on the next call.
 *
 * ## Why a thread that has got its error may sleep for the same peer again at once
 *
 * A call whose DEADLOCKED is stored will end, so it does not count. The finder stores its own before it tells others.
 * It tells no other thread if it was told itself after its search: then what it has found may be a new call. It may
 * stand still before it tells, while the peer ends one sleep and begins the next, or even another call. So what it
 * stores counts for the whole call, whether the peer sleeps or not. The peer looks again when it has stored WAIT: it
 * may have cleared the doorbell that the finder had set. And an exchange never replaces the value of a later call.
 */

/** Words in the memory of a connection's activity, behind those of `virtual-time/thread-activity.ts`. */
const WAIT = 3;
const DEADLOCKED = 4;
/** The size of that memory. */
export const ACTIVITY_BYTES = 32;

/** In WAIT: the producer waits for room, not for a reply. */
const FOR_ROOM = 1;
const ONE_WAIT = 2;

/** A producer's end. */
export class BlockedProducer {
  readonly #words: Int32Array;
  #wait = 0;
  /** Whether the next sleep belongs to the same call as the last one. */
  #isWithinCall = false;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Says that this thread is about to sleep for the manager. */
  begin(isForRoom: boolean): void {
    if (!this.#isWithinCall) {
      this.#isWithinCall = true;
      this.#wait = ((this.#wait & ~FOR_ROOM) + ONE_WAIT) | (isForRoom ? FOR_ROOM : 0);
    }
    Atomics.store(this.#words, WAIT, this.#wait);
  }

  /** Says that the call, or the wait for room, is over. */
  endCall(): void {
    this.#isWithinCall = false;
  }

  /** Stores that this thread has found that its own call is a deadlock. */
  tellItself(): void {
    Atomics.store(this.#words, DEADLOCKED, this.#wait);
  }

  /** Whether this call is known to be a deadlock. */
  get isTold(): boolean {
    return Atomics.load(this.#words, DEADLOCKED) === this.#wait;
  }

  /** Says that this thread does not sleep any more. Returns whether another thread has found a deadlock meanwhile. */
  end(): boolean {
    Atomics.store(this.#words, WAIT, 0);
    return this.isTold;
  }
}

/** A manager's end of one producer. */
export class BlockedPeer {
  readonly #words: Int32Array;
  /** The call in which the producer was found. */
  #found = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /**
   * Returns whether the producer sleeps for this thread, and nothing is on its way to it. Both arguments are what the
   * caller has looked up before: whether there are replies that were not read, and whether there is room.
   */
  isBlocked(hasReplies: boolean, hasRoom: boolean): boolean {
    const wait = Atomics.load(this.#words, WAIT);
    this.#found = wait;
    const isTold = Atomics.load(this.#words, DEADLOCKED) === wait;
    return wait !== 0 && !isTold && !((wait & FOR_ROOM) === 0 ? hasReplies : hasRoom);
  }

  /** Tells the producer that the call in which it was found is a deadlock. The caller sets the doorbell. */
  tell(): void {
    const wait = this.#found;
    let known = Atomics.load(this.#words, DEADLOCKED);
    while (((known - wait) | 0) < 0) {
      const seen = Atomics.compareExchange(this.#words, DEADLOCKED, known, wait);
      if (seen === known) {
        return;
      }
      known = seen;
    }
  }
}

/** Returns functions that tell the producers of a thread that they are blocked, for those that are. */
export type FindBlockedPeers = (threadId: number) => (() => void)[];

/** The managers of this thread that other threads may be connected to. */
const managers = new Set<FindBlockedPeers>();

/** Adds a manager of this thread. */
export function addBlockingManager(find: FindBlockedPeers): void {
  managers.add(find);
}

/** Removes a manager of this thread. */
export function removeBlockingManager(find: FindBlockedPeers): void {
  managers.delete(find);
}

/** Returns the blocked producers that the thread has in the managers of this thread: functions that tell them. */
export function findBlockedPeers(threadId: number): (() => void)[] {
  return managers.size === 0 ? [] : [...managers].flatMap((find) => find(threadId));
}

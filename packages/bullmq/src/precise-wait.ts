/**
 * The wait of an idle worker, to the millisecond.
 *
 * Redis ends a blocked command at its own tick, up to 100 ms late. So a timer of this process ends the wait instead.
 * The blocking command only tells of tasks that are added. One command is pending at a time. When the timer wins, the
 * command stays pending, and the next wait takes its answer: dropping an answer would lose a wake-up.
 */

import { type IQueueBackend } from 'bullmq';

import { within } from './waiting';

type Wakeup = { member: string; score: number } | null;
type Outcome = { value: Wakeup } | { error: unknown };

/** The longest a worker of BullMQ blocks, in seconds. */
const LONGEST = 10;
/** A pause waits so many milliseconds for the answers to claims. */
const LONGEST_CLAIM = 1000;

/** Replaces `waitForJob()` and `moveToActive()` of a worker's backend. */
export class PreciseWait {
  readonly #backend: IQueueBackend;
  #pending: Promise<Outcome> | null = null;
  #endWait: (() => void) | undefined;
  #looksOnce = false;
  #paused = false;
  readonly #claims = new Set<Promise<unknown>>();

  constructor(backend: IQueueBackend) {
    this.#backend = backend;
    const wait = backend.waitForJob.bind(backend);
    backend.waitForJob = (seconds) => this.#wait(seconds, wait);
    const claim = backend.moveToActive.bind(backend);
    // BullMQ claims one more task when a worker is paused while it waits.
    backend.moveToActive = (token, name) => (this.#paused ? Promise.resolve([]) : this.#track(claim(token, name)));
    // The end of a task may claim the next one in the same step.
    const complete = backend.moveToCompleted.bind(backend);
    backend.moveToCompleted = (...args) => this.#track(complete(...args));
    const fail = backend.moveToFailed.bind(backend);
    backend.moveToFailed = (...args) => this.#track(fail(...args));
  }

  /** Notes a claim until it has its answer. */
  #track<T>(claim: Promise<T>): Promise<T> {
    this.#claims.add(claim);
    const end = (): void => void this.#claims.delete(claim);
    claim.then(end, end);
    return claim;
  }

  async #wait(seconds: number, stock: (seconds: number) => Promise<Wakeup>): Promise<Wakeup> {
    if (this.#looksOnce) {
      this.#looksOnce = false;
      return null;
    }
    this.#pending ??= stock(Math.max(seconds, LONGEST)).then(
      (value): Outcome => ({ value }),
      (error: unknown): Outcome => ({ error }),
    );
    let timer: NodeJS.Timeout | undefined;
    const due = new Promise<null>((resolve) => {
      this.#endWait = () => resolve(null);
      timer = setTimeout(this.#endWait, Math.ceil(seconds * 1000));
    });
    const outcome = await Promise.race([this.#pending, due]);
    clearTimeout(timer);
    this.#endWait = undefined;
    if (outcome === null) return null;
    this.#pending = null;
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /**
   * Gives the pending command up. A member that takes no tasks, or whose handlers are all busy, must not take the
   * wake-up that an idle member could use.
   */
  async giveUp(): Promise<void> {
    if (this.#endWait !== undefined || this.#pending === null || this.#backend.closing !== undefined) return;
    this.#pending = null;
    this.#looksOnce = true;
    await this.#backend.disconnectBlocking(false);
    // The store may be away. The next wait connects again if this fails.
    this.#backend.reconnectBlocking().catch(() => undefined);
  }

  /** Ends the wait, and claims nothing until `resume()`. */
  async pause(): Promise<void> {
    this.#paused = true;
    this.#endWait?.();
    this.#endWait = undefined;
    await this.giveUp();
    // A store that is away does not answer.
    await within(LONGEST_CLAIM, 'pause()', Promise.allSettled(this.#claims)).catch(() => undefined);
  }

  /** Claims again. The first look is immediate: nothing was told meanwhile. */
  resume(): void {
    this.#paused = false;
    this.#looksOnce = true;
    this.#endWait?.();
  }
}

/**
 * The clock of the store, by which due times count: all members of a queue see the same one. Between samples it goes on
 * by this process's monotonic clock, so steps of the local wall clock do not move it.
 */

const FEWEST_SAMPLES = 3;
const MOST_SAMPLES = 50;
/** A round trip of so many milliseconds is good enough. */
const GOOD_TRIP = 0.4;
const INTERVAL = 60_000;
/** A process that has just started is slow: it samples again after so many milliseconds. */
const AGAIN_AFTER = [500, 5000];
/** How fast two clocks drift apart, at most: an old sample is that much worse for each millisecond. */
const DRIFT = 1e-4;
/** A member is told of a clock that differs by more. */
const WARN_FROM = 100;

export class StoreClock {
  readonly #read: () => Promise<number>;
  readonly #onSkew: (skew: number) => void;
  #offset = 0;
  #timers: NodeJS.Timeout[] = [];
  /** The skew of which the member was told. */
  #told = 0;
  #trip = Infinity;
  #sampledAt = 0;

  /**
   * `read` resolves with the store's time. `onSkew` is called with a skew of 100 ms or more, and again when it changes.
   */
  constructor(read: () => Promise<number>, onSkew: (skew: number) => void) {
    this.#read = read;
    this.#onSkew = onSkew;
  }

  /** Returns the store's time, in milliseconds since the epoch, with fractions. */
  now(): number {
    return performance.now() + this.#offset;
  }

  /** This machine's clock minus the store's. BullMQ decides by this machine's clock what is due. */
  get skew(): number {
    return Date.now() - this.now();
  }

  /** How far `now()` may be from the store's clock, in milliseconds. */
  get uncertainty(): number {
    return this.#trip / 2 + (performance.now() - this.#sampledAt) * DRIFT;
  }

  /**
   * Asks the store a few times, and keeps the answer that was the quickest: it is off by half its round trip at most.
   * An older one stays when it is still the better one.
   */
  async sample(): Promise<void> {
    for (let i = 0; i < FEWEST_SAMPLES || (i < MOST_SAMPLES && this.#trip > GOOD_TRIP); i++) {
      const sent = performance.now();
      // eslint-disable-next-line no-await-in-loop -- a sample must not wait for another one
      const time = await this.#read();
      const received = performance.now();
      const trip = received - sent;
      if (trip / 2 > this.uncertainty) continue;
      this.#offset = time - (sent + received) / 2;
      this.#trip = trip;
      this.#sampledAt = received;
    }
    const { skew } = this;
    if (Math.abs(skew) < WARN_FROM) this.#told = 0;
    else if (Math.abs(skew - this.#told) >= WARN_FROM) {
      this.#told = skew;
      this.#onSkew(skew);
    }
  }

  /** Samples a few times soon, and then once a minute. A sample that fails is left out: the next one may succeed. */
  start(): void {
    const sample = (): void => void this.sample().catch(() => undefined);
    this.#timers = [...AGAIN_AFTER.map((ms) => setTimeout(sample, ms)), setInterval(sample, INTERVAL)];
    for (const timer of this.#timers) timer.unref();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}

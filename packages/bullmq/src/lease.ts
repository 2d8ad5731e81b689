/**
 * Leases of running tasks. The store lets another member have a task when its lease has passed, so the handler is told
 * before that: at 0.9 of the lease without a renewal, also when the network is gone and no answer comes.
 */

/** The share of the lease after which a task counts as lost. */
const SAFE_SHARE = 0.9;

interface Entry {
  timer: NodeJS.Timeout;
  onLost: () => void;
}

export class Leases {
  readonly #duration: number;
  readonly #running = new Map<string, Entry>();
  /** How many were lost. */
  lost = 0;

  constructor(lease: number) {
    this.#duration = lease * SAFE_SHARE;
  }

  /**
   * Watches a lease that began `age` milliseconds ago. Returns whether it still holds. `onLost` is called when it holds
   * no longer.
   */
  begin(id: string, age: number, onLost: () => void): boolean {
    if (age >= this.#duration) {
      this.lost += 1;
      return false;
    }
    const lose = (): void => this.lose(id);
    this.#running.set(id, { timer: setTimeout(lose, this.#duration - age), onLost });
    return true;
  }

  /** Notes that leases were renewed by a command that was sent at `sentAt`, on the clock of `performance.now()`. */
  renew(ids: Iterable<string>, sentAt: number): void {
    const left = this.#duration - (performance.now() - sentAt);
    for (const id of ids) {
      const entry = this.#running.get(id);
      if (entry === undefined) continue;
      clearTimeout(entry.timer);
      entry.timer = setTimeout(() => this.lose(id), left);
    }
  }

  /** Tells the handler that its lease is lost. */
  lose(id: string): void {
    const entry = this.#running.get(id);
    if (entry === undefined) return;
    this.end(id);
    this.lost += 1;
    entry.onLost();
  }

  /** Ends the watch. */
  end(id: string): void {
    clearTimeout(this.#running.get(id)?.timer);
    this.#running.delete(id);
  }
}

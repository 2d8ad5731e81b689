/** The ids by which both ends know the tasks and calls of one connection. */

const LAST = 0x7fff_ffff;

export class IdAllocator {
  readonly #isPending: (id: number) => boolean;
  #next: number;
  #hasWrapped = false;

  /**
   * `isPending` tells whether an answer to an id may still arrive. Tests set `first` to see what follows the last id.
   */
  constructor(isPending: (id: number) => boolean, first: number = 1) {
    this.#isPending = isPending;
    this.#next = first;
  }

  /**
   * Returns the next id. After the last one, some minutes away at full speed, they begin anew, and skip those that are
   * pending.
   */
  allocate(): number {
    while (this.#hasWrapped && this.#isPending(this.#next)) {
      this.#advance();
    }
    const id = this.#next;
    this.#advance();
    return id;
  }

  #advance(): void {
    if (this.#next === LAST) {
      this.#next = 1;
      this.#hasWrapped = true;
    } else {
      this.#next += 1;
    }
  }
}

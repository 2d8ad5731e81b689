/** The numbers by which the tasks and calls of one connection are known on both sides. */

const LAST = 0x7fff_ffff;

export class IdAllocator {
  readonly #isPending: (id: number) => boolean;
  #next: number;
  #hasBegunAnew = false;

  /** `isPending` tells whether somebody still waits for the answer to a number. `first` is for tests of what comes after the last one. */
  constructor(isPending: (id: number) => boolean, first: number = 1) {
    this.#isPending = isPending;
    this.#next = first;
  }

  /** The next one. After the last one, which is some minutes away at full speed, they begin anew, and leave out those that are pending. */
  take(): number {
    while (this.#hasBegunAnew && this.#isPending(this.#next)) {
      this.#moveOn();
    }
    const id = this.#next;
    this.#moveOn();
    return id;
  }

  #moveOn(): void {
    if (this.#next === LAST) {
      this.#next = 1;
      this.#hasBegunAnew = true;
    } else {
      this.#next += 1;
    }
  }
}

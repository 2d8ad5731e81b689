import { closeSync, constants, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

import { finallyDo } from './clean-up';
import { makeFifo } from './files';

/** A pipe. Both ends are plain, non-blocking descriptors, and are closed when the test is over. */
export class Pipe {
  readonly reader: number;
  readonly writer: number;
  readonly #open: Set<number>;

  constructor() {
    const path = makeFifo();
    this.reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    unlinkSync(path);
    this.#open = new Set([this.reader, this.writer]);
    finallyDo(() => [...this.#open].forEach((fd) => this.close(fd)));
  }

  write(text: string = 'x'): void {
    writeSync(this.writer, text);
  }

  read(size: number = 65_536): string {
    const buffer = Buffer.alloc(size);
    return buffer.subarray(0, readSync(this.reader, buffer)).toString('latin1');
  }

  /** Writes until the pipe is full. */
  fill(): void {
    try {
      for (;;) {
        this.write('x'.repeat(4096));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        throw error;
      }
    }
  }

  close(fd: number): void {
    if (this.#open.delete(fd)) {
      closeSync(fd);
    }
  }
}

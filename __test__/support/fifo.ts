import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** A pipe, both ends of which belong to the test. */
export class Fifo {
  readonly reader: number;
  readonly writer: number;
  readonly #open: Set<number>;

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
    const path = join(directory, 'fifo');
    const { status, stderr } = spawnSync('mkfifo', [path], { encoding: 'utf8' });
    if (status !== 0) {
      throw new Error(`mkfifo: ${stderr}`);
    }
    this.reader = openSync(path, O_RDONLY | O_NONBLOCK);
    this.writer = openSync(path, O_WRONLY | O_NONBLOCK);
    this.#open = new Set([this.reader, this.writer]);
    rmSync(directory, { recursive: true });
  }

  write(text = 'x'): void {
    writeSync(this.writer, text);
  }

  read(size = 65_536): string {
    const buffer = Buffer.alloc(size);
    return buffer.subarray(0, readSync(this.reader, buffer)).toString('latin1');
  }

  /** Writes until there is no room any more. */
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

  close(...ends: number[]): void {
    for (const end of ends.length > 0 ? ends : [this.reader, this.writer]) {
      if (this.#open.delete(end)) {
        closeSync(end);
      }
    }
  }
}

/** Reads what the package asks of an ELF file: which loader it names, and whether all of it is there. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The program header of the loader's name. */
const PT_INTERP = 3;

/** The longest name of a loader that is read. */
const NAME_BYTES = 4096;

const HEADER_BYTES = 64;

/** A table of a file: where it begins, and the size and number of its entries. */
interface Table {
  readonly offset: number;
  readonly entrySize: number;
  readonly count: number;
}

/** An ELF file that is open. */
class ElfFile {
  readonly #fd: number;
  readonly #header: Buffer;
  readonly #is64: boolean;
  readonly #isLittleEndian: boolean;

  constructor(fd: number) {
    this.#fd = fd;
    this.#header = this.#read(0, HEADER_BYTES);
    this.#is64 = this.#header[4] === 2;
    this.#isLittleEndian = this.#header[5] === 1;
  }

  get isElf(): boolean {
    return this.#header.length === HEADER_BYTES && this.#header.readUInt32BE(0) === 0x7f454c46;
  }

  get size(): number {
    return fstatSync(this.#fd).size;
  }

  get programHeaders(): Table {
    return this.#table(this.#offset(this.#header, 32, 28), 54, 42);
  }

  get sections(): Table {
    return this.#table(this.#offset(this.#header, 40, 32), 58, 46);
  }

  /** Returns the name of the loader; empty if the file names none. Tools that change it may move it to the end. */
  readLoader(): string {
    const { offset, entrySize, count } = this.programHeaders;
    const entries = this.#read(offset, entrySize * count);
    for (let at = 0; at + entrySize <= entries.length; at += entrySize) {
      const entry = entries.subarray(at, at + entrySize);
      if (this.#number(entry, 0, 4) === PT_INTERP) {
        const length = Math.min(this.#offset(entry, 32, 16), NAME_BYTES);
        return this.#read(this.#offset(entry, 8, 4), length).toString('latin1');
      }
    }
    return '';
  }

  #table(offset: number, at64: number, at32: number): Table {
    const at = this.#is64 ? at64 : at32;
    return { offset, entrySize: this.#number(this.#header, at, 2), count: this.#number(this.#header, at + 2, 2) };
  }

  #number(bytes: Buffer, offset: number, size: number): number {
    return this.#isLittleEndian ? bytes.readUIntLE(offset, size) : bytes.readUIntBE(offset, size);
  }

  /** Returns an offset, of 64 or 32 bits: those of files have 48 bits at most. */
  #offset(bytes: Buffer, at64: number, at32: number): number {
    return this.#is64 ? this.#number(bytes, at64 + (this.#isLittleEndian ? 0 : 2), 6) : this.#number(bytes, at32, 4);
  }

  #read(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(this.#fd, bytes, 0, length, position));
  }
}

/** Calls `ask` with a file. Returns false if it cannot be read. */
function askFile(path: string, ask: (file: ElfFile) => boolean): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    return ask(new ElfFile(fd));
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Tells whether the loader that the ELF file at `path` names is that of musl. False if it cannot be read. */
export function isMusl(path: string): boolean {
  return askFile(path, (file) => file.readLoader().includes('ld-musl-'));
}

/**
 * Tells whether the end of the ELF file at `path` is missing: of an install that was interrupted, or a full disk. The
 * system's loader maps such a file, and the process then ends by SIGBUS. False for what is no ELF file.
 */
export function isTruncated(path: string): boolean {
  return askFile(path, (file) => {
    const { offset, entrySize, count } = file.sections;
    // The linker puts the table of sections behind all else.
    return file.isElf && offset + entrySize * count > file.size;
  });
}

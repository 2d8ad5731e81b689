/** Which C library the running program uses. Files of both may be there. */

import { closeSync, openSync, readSync } from 'node:fs';

/** The program header of the loader's name. */
const PT_INTERP = 3;

/** The longest name of a loader that is read. */
const NAME_BYTES = 4096;

/** Tells whether the loader that the ELF file at `path` names is that of musl. False if it cannot be read. */
export function isMusl(path: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    return readLoader(fd).includes('ld-musl-');
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Returns the name of the loader; empty if the file names none. Tools that change it may move it to the end. */
function readLoader(fd: number): string {
  const header = read(fd, 0, 64);
  const is64 = header[4] === 2;
  const number = (bytes: Buffer, offset: number, size: number): number =>
    header[5] === 1 ? bytes.readUIntLE(offset, size) : bytes.readUIntBE(offset, size);
  // Offsets of 64 bits: those of files have 48 bits at most.
  const offset = (bytes: Buffer, at64: number, at32: number): number =>
    is64 ? number(bytes, at64 + (header[5] === 1 ? 0 : 2), 6) : number(bytes, at32, 4);

  const size = number(header, is64 ? 54 : 42, 2);
  const entries = read(fd, offset(header, 32, 28), size * number(header, is64 ? 56 : 44, 2));
  for (let at = 0; at + size <= entries.length; at += size) {
    const entry = entries.subarray(at, at + size);
    if (number(entry, 0, 4) === PT_INTERP) {
      return read(fd, offset(entry, 8, 4), Math.min(offset(entry, 32, 16), NAME_BYTES)).toString('latin1');
    }
  }
  return '';
}

function read(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, position));
}

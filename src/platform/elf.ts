/**
 * Reads what the package asks of an ELF file: which loader it names, and whether all of it is there. Every load asks
 * both, so the numbers are read by what V8 has built in: that takes half of the time.
 */

import { closeSync, openSync, readSync } from 'node:fs';

/** The first four bytes of such a file. */
const ELF_MAGIC = 0x7f454c46;

const HEADER_BYTES = 64;

/** The program header of the loader's name. */
const PT_INTERP = 3;

/** The longest name of a loader that is read. */
const NAME_BYTES = 4096;

/** An ELF file that is open. */
interface ElfFile {
  readonly fd: number;
  readonly header: DataView;
  readonly is64: boolean;
  readonly isLittleEndian: boolean;
}

/** Calls `ask` with a file. Returns false if it cannot be read, or is no ELF file. */
function askFile(path: string, ask: (file: ElfFile) => boolean): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    if (readInto(header, fd, 0) < HEADER_BYTES || header.getUint32(0) !== ELF_MAGIC) {
      return false;
    }
    return ask({ fd, header, is64: header.getUint8(4) === 2, isLittleEndian: header.getUint8(5) === 1 });
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Fills `view` with what stands at `position`. Returns how many bytes that are. */
function readInto(view: DataView, fd: number, position: number): number {
  // Deno refuses a DataView of another realm, such as that of a test runner.
  return readSync(fd, new Uint8Array(view.buffer), 0, view.byteLength, position);
}

/** Returns an offset or a size, of 64 or 32 bits. */
function offsetAt({ is64, isLittleEndian }: ElfFile, view: DataView, at64: number, at32: number): number {
  return is64 ? Number(view.getBigUint64(at64, isLittleEndian)) : view.getUint32(at32, isLittleEndian);
}

/** Returns the name of the loader; empty if the file names none. Tools that change it may move it to the end. */
function readLoader(file: ElfFile): string {
  const { fd, header, is64, isLittleEndian } = file;
  const size = header.getUint16(is64 ? 54 : 42, isLittleEndian);
  const entries = new DataView(new ArrayBuffer(size * header.getUint16(is64 ? 56 : 44, isLittleEndian)));
  const length = readInto(entries, fd, offsetAt(file, header, 32, 28));
  for (let at = 0; at + size <= length; at += size) {
    if (entries.getUint32(at, isLittleEndian) === PT_INTERP) {
      const name = Buffer.alloc(Math.min(offsetAt(file, entries, at + 32, at + 16), NAME_BYTES));
      const read = readSync(fd, name, 0, name.length, offsetAt(file, entries, at + 8, at + 4));
      return name.toString('latin1', 0, read);
    }
  }
  return '';
}

/** Tells whether the loader that the ELF file at `path` names is that of musl. False if it cannot be read. */
export function isMusl(path: string): boolean {
  return askFile(path, (file) => readLoader(file).includes('ld-musl-'));
}

/**
 * Tells whether the end of the ELF file at `path` is missing: of an install that was interrupted, or a full disk. The
 * system's loader maps such a file, and the process then ends by SIGBUS. False for what is no ELF file.
 */
export function isTruncated(path: string): boolean {
  return askFile(path, (file) => {
    const { fd, header, is64, isLittleEndian } = file;
    const [size, count] = is64 ? [58, 60] : [46, 48];
    // The linker puts the table of sections behind all else.
    const table = header.getUint16(size, isLittleEndian) * header.getUint16(count, isLittleEndian);
    const end = offsetAt(file, header, 40, 32) + table;
    return end > 0 && readInto(new DataView(new ArrayBuffer(1)), fd, end - 1) === 0;
  });
}

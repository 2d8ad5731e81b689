import * as fs from 'node:fs';
import { devNull } from 'node:os';
import { getSystemErrorName } from 'node:util';

import { finallyDo } from './clean-up';
import { makeFifo } from './files';

/** What a binding for Windows has for tests. */
interface WindowsBinding {
  connectSockets(): [number, number];
  sendToSocket(socket: number, data: Uint8Array): number;
  receiveFromSocket(socket: number, buffer: Uint8Array): number;
  closeSocket(socket: number): void;
}

/** The descriptors of pipes that are connections, which `node:fs` does not know. */
const connections = new Set<number>();

/** The calls by which a pipe is read and written. Windows has no readiness for pipes: there it is a connection. */
const calls =
  process.platform === 'win32'
    ? callsOnWindows(require(`../../waitable-event.win32-${process.arch}-msvc.node`) as WindowsBinding)
    : { open: openFifo, write: fs.writeSync, read: fs.readSync, close: fs.closeSync };

/**
 * Takes all free numbers below `number` until the end of the test: once `number` is free, the next descriptor has it.
 * Does nothing on Windows, where a connection that opens needs numbers for a moment that it gives back.
 */
export function takeLowerNumbers(number: number): void {
  for (let taken = -1; process.platform !== 'win32' && taken < number;) {
    const fd = fs.openSync(devNull, 'r');
    finallyDo(() => fs.closeSync(fd));
    taken = fd;
  }
}

function openFifo(): [number, number] {
  const path = makeFifo();
  const reader = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const writer = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  fs.unlinkSync(path);
  return [reader, writer];
}

/** Writes to a pipe, or to another descriptor, as `fs.writeSync()` does. */
export function writeSync(fd: number, data: string | Uint8Array): number {
  return connections.has(fd) ? calls.write(fd, data as string) : fs.writeSync(fd, data as string);
}

/** Reads from a pipe, or from another descriptor, as `fs.readSync()` does. */
export function readSync(fd: number, buffer: Buffer): number {
  return connections.has(fd) ? calls.read(fd, buffer) : fs.readSync(fd, buffer);
}

/** Closes one end of a pipe, or another descriptor. */
export function closeSync(fd: number): void {
  if (connections.has(fd)) calls.close(fd);
  else fs.closeSync(fd);
}

/** Returns whether one end of a pipe, or another descriptor, is open. */
export function isOpen(fd: number): boolean {
  try {
    if (connections.has(fd)) calls.read(fd, Buffer.alloc(0));
    else fs.fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** Returns a count, or throws the error that it stands for. */
function check(count: number): number {
  if (count < 0) throw Object.assign(new Error('A call of a socket failed'), { code: getSystemErrorName(count) });
  return count;
}

function callsOnWindows(binding: WindowsBinding) {
  return {
    open: () => {
      const ends = binding.connectSockets();
      ends.forEach((fd) => connections.add(fd));
      return ends;
    },
    write: (fd: number, text: string) => check(binding.sendToSocket(fd, Buffer.from(text))),
    read: (fd: number, buffer: Buffer) => check(binding.receiveFromSocket(fd, buffer)),
    close: (fd: number) => {
      connections.delete(fd);
      binding.closeSocket(fd);
    },
  };
}

/** A pipe. Both ends are plain, non-blocking descriptors, and are closed when the test is over. */
export class Pipe {
  readonly reader: number;
  readonly writer: number;
  readonly #open: Set<number>;

  constructor() {
    [this.reader, this.writer] = calls.open();
    this.#open = new Set([this.reader, this.writer]);
    finallyDo(() => {
      // A channel may have taken one over.
      const open = [...this.#open].filter(isOpen);
      open.forEach((fd) => this.close(fd));
    });
  }

  write(text: string = 'x'): void {
    calls.write(this.writer, text);
  }

  read(size: number = 65_536): string {
    const buffer = Buffer.alloc(size);
    return buffer.subarray(0, calls.read(this.reader, buffer)).toString('latin1');
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
      calls.close(fd);
    }
  }
}

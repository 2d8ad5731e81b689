import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach } from '@jest/globals';
import { type Dispatcher, FileDispatcher, FunctionTask, RunLoop, type RunSyncOptions } from 'waitable-event';

import { Child, Hand, PATIENCE, within } from './helpers';

/** The three ways to have channels called. */
export type Way = 'run' | 'runSync' | 'loop';
export const ways: readonly Way[] = ['run', 'runSync', 'loop'];

const directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
const unusedFifos: string[] = [];
const cleanUps: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    cleanUp();
  }
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Has `cleanUp` called when the test is over. */
export function finallyDo(cleanUp: () => void): void {
  cleanUps.push(cleanUp);
}

/** A name in a directory of the test file's own. */
export function temporaryPath(name: string): string {
  return join(directory, name);
}

/** The path of a FIFO that nobody has. */
export function makeFifo(): string {
  if (unusedFifos.length === 0) {
    const names = Array.from({ length: 32 }, (_, index) => temporaryPath(`fifo${process.hrtime.bigint()}-${index}`));
    execFileSync('mkfifo', names);
    unusedFifos.push(...names);
  }
  return unusedFifos.pop() as string;
}

/** A pipe; both ends are plain descriptors, non-blocking. */
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

  close(fd: number): void {
    if (this.#open.delete(fd)) {
      closeSync(fd);
    }
  }
}

/** The descriptor of a socket of Node's. */
export function fdOf(socket: unknown): number {
  // oxlint-disable-next-line no-underscore-dangle -- Node has no other way to tell
  return (socket as { _handle: { fd: number } })._handle.fd;
}

/** Two connected stream sockets, which Node itself does not read. */
export async function makeSockets(tcp: boolean = false): Promise<[Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true });
  try {
    const path = temporaryPath('socket');
    await within(
      new Promise<void>((resolve) => (tcp ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve))),
      'listening',
    );
    const { port } = tcp ? (server.address() as AddressInfo) : { port: 0 };
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const client = tcp ? connect(port, '127.0.0.1') : connect(path);
    client.pause();
    const connected = new Promise<void>((resolve) => client.once('connect', resolve));
    const [peer] = await within(Promise.all([accepted, connected]), 'a connection');
    finallyDo(() => [client, peer].forEach((socket) => socket.destroy()));
    return [client, peer];
  } finally {
    server.close();
  }
}

/** A socket to which another process has sent `text`, and then an urgent byte; undefined where there is no perl. */
export async function makeUrgentSocket(text: string): Promise<Socket | undefined> {
  const server = createServer({ pauseOnConnect: true });
  try {
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    await within(new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)), 'listening');
    const sender = new Child('perl', [
      '-MSocket',
      '-e',
      `socket(S, PF_INET, SOCK_STREAM, 0) && connect(S, sockaddr_in(shift, INADDR_LOOPBACK)) or die "$!";
       send(S, shift, 0); send(S, "!", MSG_OOB); $| = 1; print "sent"; sleep 60`,
      String((server.address() as AddressInfo).port),
      text,
    ]);
    const gone = sender.ended.catch((error: NodeJS.ErrnoException) => error.code);
    if ((await Promise.race([gone, sender.printed('sent')])) === 'ENOENT') {
      return undefined;
    }
    finallyDo(() => sender.kill('SIGKILL'));
    const socket = await within(accepted, 'a connection');
    finallyDo(() => socket.destroy());
    return socket;
  } finally {
    server.close();
  }
}

/** Calls `fn` in a loop, as a task. */
export function after(loop: RunLoop, milliseconds: number, fn: () => void): FunctionTask {
  const task = new FunctionTask(fn);
  loop.taskManager.installTask(task, { delta: milliseconds });
  return task;
}

/** A loop that looks after each call of a handler whether there is a reason to stop. */
export class WatchedLoop extends RunLoop {
  readonly members = new Set<Dispatcher>();
  onCall: () => void = () => {};

  override add(channel: Dispatcher): void {
    if (!this.members.has(channel)) {
      this.members.add(channel);
      for (const name of ['handleReadEvent', 'handleWriteEvent', 'handleExptEvent', 'handleClose'] as const) {
        const original = channel[name].bind(channel);
        channel[name] = () => this.#watch(original);
      }
      const original = channel.handleError.bind(channel);
      channel.handleError = (error) => this.#watch(() => original(error));
    }
    super.add(channel);
  }

  #watch(call: () => void): void {
    try {
      call();
    } finally {
      this.onCall();
    }
  }
}

/** A loop for one test, and one way to run it. */
export class Stage {
  readonly loop = new WatchedLoop();
  readonly #way: Way;

  constructor(way: Way) {
    this.#way = way;
    finallyDo(() => this.loop.members.forEach((channel) => channel.close()));
  }

  /** Runs the loop until `done()`, as asyncore's tests do with their flags. */
  async until(done: () => boolean, what: string): Promise<void> {
    if (this.#way === 'loop') {
      const deadline = Date.now() + PATIENCE;
      while (!done() && Date.now() < deadline) {
        this.loop.loop({ timeout: 1000, count: 1 });
      }
    } else if (!done()) {
      this.loop.onCall = () => {
        if (done()) {
          this.loop.stop();
        }
      };
      const guard = after(this.loop, PATIENCE, () => this.loop.stop());
      await this.#run();
      guard.suspendTask();
      this.loop.onCall = () => {};
    }
    if (!done()) {
      throw new Error(`Ran the loop for ${PATIENCE / 1000} s in vain: ${what}`);
    }
  }

  /** Makes so many passes. */
  async passes(count: number): Promise<void> {
    if (this.#way === 'loop') {
      this.loop.loop({ timeout: 0, count });
      return;
    }
    let left = count;
    const step = (): void => {
      left -= 1;
      if (left > 0) {
        this.loop.deferred(step);
      } else {
        this.loop.stop();
      }
    };
    this.loop.deferred(step);
    await this.#run();
  }

  async #run(options?: RunSyncOptions): Promise<void> {
    if (this.#way === 'run') {
      await this.loop.run(options);
    } else {
      this.loop.runSync(options);
    }
  }
}

/** A channel that writes down what it is called for, reads what there is, and writes nothing. */
export class Recorder extends FileDispatcher {
  readonly log: string[];
  readonly name: string;
  wantsToRead = true;
  wantsToWrite = false;
  chunk = 4096;
  received = '';

  constructor(fd: number, loop: RunLoop, log: string[] = [], name: string = '') {
    super(fd, loop);
    this.log = log;
    this.name = name;
    // What it wants is known only now.
    loop.update(this);
  }

  note(what: string): void {
    this.log.push(this.name === '' ? what : `${this.name} ${what}`);
  }

  override readable(): boolean {
    return this.wantsToRead;
  }

  override writable(): boolean {
    return this.wantsToWrite;
  }

  override handleRead(): void {
    this.note('read');
    this.received += this.recv(this.chunk).toString();
  }

  override handleWrite(): void {
    this.note('write');
  }

  override handleExpt(): void {
    this.note('expt');
  }

  override handleClose(): void {
    this.note('close');
    this.close();
  }

  override handleError(error: unknown): void {
    this.note(`error ${(error as Error).message}`);
    this.close();
  }

  get isClosed(): boolean {
    try {
      return this.fileno() < 0;
    } catch {
      return true;
    }
  }
}

const { announce } = require('./threads.js') as { announce: (words: Int32Array, phase: number) => void };

/** A worker that does something to this thread's loop as soon as that sleeps, told by {@link goToSleep}. */
export function startActor(action: string, data: object): Hand {
  return new Hand('run-loop/act-on-sleeping-loop.js', { ...data, action });
}

/** Tells an actor that this thread, from where it is called, goes to sleep. */
export function goToSleep(actor: Hand): void {
  announce(actor.words, 1);
}

/** Runs a loop, in one of the two ways that have tasks. */
export async function runIn(way: 'run' | 'runSync', loop: RunLoop, options?: RunSyncOptions): Promise<void> {
  if (way === 'run') {
    await within(loop.run(options), 'run()');
  } else {
    const guard = after(loop, PATIENCE, () => loop.stop());
    loop.runSync(options);
    if (!guard.isScheduled) {
      throw new Error('runSync() was not stopped');
    }
    guard.suspendTask();
  }
}

/** The flags of an open descriptor, as fcntl() has them. */
export function flagsOf(fd: number): { nonBlocking: boolean; closeOnExec: boolean } {
  const text = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
  const flags = Number.parseInt(text, 8);
  return { nonBlocking: (flags & constants.O_NONBLOCK) !== 0, closeOnExec: (flags & 0o2000000) !== 0 };
}

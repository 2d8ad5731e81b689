import { type Dispatcher, FileDispatcher, RunLoop, type RunSyncOptions } from 'waitable-event';

import { finallyDo } from '../clean-up';
import { TIME_LIMIT } from '../threads';
import { after } from './loops';

/** The three ways in which a loop calls its channels. */
export type Way = 'run' | 'runSync' | 'loop';
export const ways: readonly Way[] = ['run', 'runSync', 'loop'];

/** A loop that calls `onCall` after each call of a handler. */
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
      const deadline = Date.now() + TIME_LIMIT;
      while (!done() && Date.now() < deadline) {
        this.loop.loop({ timeout: 1000, count: 1 });
      }
    } else if (!done()) {
      this.loop.onCall = () => {
        if (done()) {
          this.loop.stop();
        }
      };
      const guard = after(this.loop, TIME_LIMIT, () => this.loop.stop());
      await this.#run();
      guard.suspendTask();
      this.loop.onCall = () => {};
    }
    if (!done()) {
      throw new Error(`Ran the loop for ${TIME_LIMIT / 1000} s without a result: ${what}`);
    }
  }

  /** Makes `count` passes. */
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

/** A channel that logs which handlers are called, reads what there is, and writes nothing. */
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

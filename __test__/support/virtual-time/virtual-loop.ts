import { FunctionTask, RunLoop, type TaskManager } from 'waitable-event';
import { TimeMachine, type TimeLike } from 'waitable-event/testing';

import { finallyDo } from '../clean-up';
import { WorkerHarness } from '../worker-harness';

export const START = Date.UTC(2026, 0, 1);
export const SECOND = 1000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A loop in virtual time, and the log of its handlers: what, and when, in milliseconds from the start. */
export class VirtualLoop {
  readonly loop: RunLoop = new RunLoop();
  readonly machine: TimeMachine;
  readonly log: [what: unknown, time: number][] = [];
  readonly manager: TaskManager = this.loop.taskManager;

  constructor(start: TimeLike = START) {
    this.machine = new TimeMachine({ start, loop: this.loop });
    this.define(this.manager);
    finallyDo(() => {
      this.machine.restore();
      this.manager.close();
      // A test that failed may have left it running.
      this.loop.stop();
    });
  }

  /** Gives a manager the handlers that the workers use. */
  define(manager: TaskManager): void {
    manager.define('log', (what) => this.note(what));
    manager.define('sleep', (delta: number) => this.sleep(delta));
  }

  note(what: unknown): void {
    this.log.push([what, this.machine.now - START]);
  }

  /** Sleeps in virtual time. */
  async sleep(delta: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.manager.installTask(new FunctionTask(resolve), { delta });
    });
  }

  start(way: string, data: object = {}): WorkerHarness {
    return new WorkerHarness('virtual-time/use-task-manager.js', {
      handle: this.manager.handle,
      way,
      name: way,
      ...data,
    });
  }

  /** Returns the time and the log after a while in which a thread was active, and has that thread go on. */
  async whileAtWork(thread: WorkerHarness): Promise<[now: number, log: unknown[]]> {
    await thread.reached(1);
    // Nothing can be awaited here: time must not pass.
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    const seen: [number, unknown[]] = [this.machine.now, [...this.log]];
    thread.stop();
    return seen;
  }
}

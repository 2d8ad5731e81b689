import { RunLoop, TaskManager } from 'waitable-event';

import { type ManagerClock, setManagerClock } from '../hidden-members';

/** A loop and its manager, whose clocks the test sets. */
export class ManualClock {
  readonly loop: RunLoop = new RunLoop();
  readonly manager: TaskManager;
  /** What tasks threw. */
  readonly errors: unknown[] = [];
  /** The monotonic clock. */
  now: number = 1000;
  /** The wall clock minus the monotonic clock. */
  offset: number = Date.UTC(2026, 0, 1);

  constructor() {
    this.manager = new TaskManager({ loop: this.loop, onError: (error) => this.errors.push(error) });
    this.replaceClock({ monotonic: () => this.now, offset: () => this.offset });
  }

  /** Replaces the two clocks by others. */
  replaceClock(clock: ManagerClock): void {
    setManagerClock(this.manager, clock);
  }

  /** Moves both clocks on, and makes a pass. */
  pass(milliseconds: number = 0): void {
    this.now += milliseconds;
    this.loop.runOnce();
  }

  /** Moves the wall clock forward, or back. */
  step(milliseconds: number): void {
    this.offset += milliseconds;
  }
}

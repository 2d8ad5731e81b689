/** Tasks in the order of their times, on two clocks. */

import type { AsyncContext } from './async-context';
import { CLOCK_TOLERANCE, type Clock, systemClock } from '../platform/clock';
import { Installation } from './installation';
import { IN_QUEUE, type Task, installation, nextTime, timeHigh, timeOn } from './task';
import type { TaskOwner } from './task-owner';
import { TaskQueue, tableIndex } from '../task-queue';

/**
 * All tasks sit in one queue by their times on the monotonic clock. Those that go by the wall clock are moved there when
 * that has been set.
 */
export class Schedule {
  readonly #tasks = new TaskQueue<Task>();
  #clock: Clock = systemClock;
  /** The wall clock's, when the tasks that go by it were put in order. */
  #offset = systemClock.offset();
  /** How many tasks go by the wall clock. */
  #byWallClock = 0;
  /** No task is due before; a task that is taken out leaves it where it is. */
  #earliest = Infinity;
  readonly #owner: TaskOwner;
  /** How the last tasks were installed. */
  #byClock: Installation;
  #byWall: Installation;
  readonly #adopted: Installation;

  constructor(owner: TaskOwner) {
    this.#owner = owner;
    this.#byClock = new Installation(owner, this.#clock, false, undefined);
    this.#byWall = this.#byClock;
    this.#adopted = this.#byClock;
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** By which clock it goes. */
  get clock(): Clock {
    return this.#clock;
  }

  /** Milliseconds on the monotonic clock. */
  now(): number {
    return this.#clock.monotonic();
  }

  /** Milliseconds since the epoch, with fractions. */
  time(): number {
    return this.#clock.monotonic() + this.#clock.offset();
  }

  /** Puts a task in by the wall clock; true when it comes before all others. */
  installAt(task: Task, when: number, context: AsyncContext | undefined): boolean {
    this.remove(task);
    // By the same offset as the others: it is measured, and equal times are to stay equal.
    if (this.#byWallClock === 0) {
      this.#offset = this.#clock.offset();
    } else {
      this.#follow();
    }
    task.taskTime = when;
    this.#byWall = this.#byWall.like(this.#owner, this.#clock, true, context);
    task[installation] = this.#byWall;
    this.#byWallClock += 1;
    return this.#push(task, when - this.#offset);
  }

  /** Puts a task in, so many milliseconds from now; true when it comes before all others. */
  installIn(task: Task, delta: number, context: AsyncContext | undefined): boolean {
    return this.installDue(task, this.#clock.monotonic() + (delta > 0 ? delta : 0), context);
  }

  /** Puts a task in by the monotonic clock; true when it comes before all others. */
  installDue(task: Task, due: number, context: AsyncContext | undefined): boolean {
    this.remove(task);
    this.#byClock = this.#byClock.like(this.#owner, this.#clock, false, context);
    task[installation] = this.#byClock;
    task[timeHigh] = IN_QUEUE;
    return this.#push(task, due);
  }

  /** Takes a task over that is in no queue; its time is one on the wall from now on. */
  adopt(task: Task): void {
    if (task[installation] !== undefined) {
      // Asked for, to be had from the clock that it was on.
      void task.taskTime;
    }
    task[installation] = this.#adopted;
  }

  /** Takes a task out. */
  remove(task: Task): void {
    if (task[tableIndex] >= 0 && this.#tasks.remove(task) && isByWallClock(task)) {
      this.#byWallClock -= 1;
    }
  }

  /** When a task is due that is installed here, or was. */
  dueOf(task: Task): number {
    return this.#tasks.dueOf(task) ?? task[timeOn](this.#clock);
  }

  /** When the first task is due; Infinity when there is none. */
  nextDue(): number {
    this.#follow();
    this.#earliest = this.#tasks.nextDue();
    return this.#earliest;
  }

  /** Takes out the first task if it is due at `now`. */
  dequeueDue(now: number): Task | undefined {
    this.#follow();
    return this.#taken(this.#tasks.dequeueDue(now));
  }

  /** Begins a pass over what is due; returns what {@link dequeueDueInPass} wants. */
  beginPass(): number {
    this.#follow();
    return this.#tasks.beginPass();
  }

  /** Takes out the first task that is due at `now` of those that were installed when the pass began. */
  dequeueDueInPass(now: number, pass: number): Task | undefined {
    this.#follow();
    return this.#taken(this.#tasks.dequeueDueInPass(now, pass));
  }

  /** Goes by another clock. Tasks keep their times on the wall clock. */
  useClock(clock: Clock): void {
    const before = this.#clock;
    this.#clock = clock;
    this.#offset = clock.offset();
    const shift = before.offset() - this.#offset;
    this.#tasks.reschedule((task, due) => {
      const { byWallClock, context } = task[installation] as Installation;
      task[installation] = (byWallClock ? this.#byWall : this.#byClock).like(this.#owner, clock, byWallClock, context);
      return due + shift;
    });
  }

  #taken(task: Task | undefined): Task | undefined {
    if (this.#byWallClock > 0 && task !== undefined && isByWallClock(task)) {
      this.#byWallClock -= 1;
    }
    return task;
  }

  #push(task: Task, due: number): boolean {
    this.#tasks.push(task, due);
    if (due >= this.#earliest) {
      return false;
    }
    this.#earliest = due;
    return true;
  }

  /** Has the tasks that go by the wall clock follow it when it was set. */
  #follow(): void {
    if (this.#byWallClock === 0) {
      return;
    }
    const offset = this.#clock.offset();
    if (Math.abs(offset - this.#offset) > CLOCK_TOLERANCE) {
      this.#offset = offset;
      const time = this.now() + offset;
      this.#tasks.reschedule((task, due) => {
        if (!isByWallClock(task)) {
          return due;
        }
        followGrid(task, time);
        return (task.taskTime ?? 0) - offset;
      });
    }
  }
}

function isByWallClock(task: Task): boolean {
  return (task[installation] as Installation).byWallClock;
}

/** When the clock was set back, a recurring task does not wait until it is again as late as it was. */
function followGrid(task: Task, time: number): void {
  const next = task[nextTime](time);
  // By one point it may be ahead: it has just run for the next one.
  const second = next === undefined ? undefined : task[nextTime](next);
  if (next !== undefined && second !== undefined && task.taskTime !== null && second < task.taskTime) {
    task.taskTime = next;
  }
}

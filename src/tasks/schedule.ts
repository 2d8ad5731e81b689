/** Tasks in the order of their times, on two clocks. */

import { CLOCK_TOLERANCE, type Clock, systemClock } from '../platform';
import type { AsyncContext } from './async-context';
import { Installation } from './installation';
import { IN_QUEUE, type Task, installation, nextTime, queuedTime, setWallTime, timeHigh, timeOn } from './task';
import type { TaskOwner } from './task-owner';
import { TaskQueue } from '../task-queue';
import { InvalidArgTypeError } from '../util';

/** The most negative delay counts as this one, in milliseconds: a queue has no place before all times. */
const LONGEST_AGO = 1e15;

/**
 * Keeps all tasks in one queue, ordered by their times on the monotonic clock. Tasks on the wall clock are moved in the
 * queue when that clock has been set.
 */
export class Schedule {
  readonly #tasks = new TaskQueue<Task>();
  #clock: Clock = systemClock;
  /** The wall clock's offset when the tasks on that clock were last put in order. */
  #offset = systemClock.offset();
  /** What that offset is now, or was when there was last a task on the wall clock. */
  #measured = this.#offset;
  /** The number of tasks on the wall clock. */
  #byWallClock = 0;
  /**
   * A time before which no task is due. Removing a task does not change it. `Infinity` makes the next task that is
   * installed count as one that comes before all others.
   */
  earliest: number = Infinity;
  readonly #owner: TaskOwner;
  /** The installations of the last tasks, on the monotonic clock and on the wall clock. */
  #byClock: Installation;
  #byWall: Installation;
  readonly #adopted: Installation;

  constructor(owner: TaskOwner) {
    this.#owner = owner;
    this.#byClock = new Installation(owner, this.#clock, false, undefined);
    this.#byWall = this.#byClock;
    this.#adopted = this.#byClock;
  }

  /** Returns the number of tasks. */
  get size(): number {
    return this.#tasks.size;
  }

  /** Returns the clock in use. */
  get clock(): Clock {
    return this.#clock;
  }

  /** Returns the time on the monotonic clock, in milliseconds. */
  now(): number {
    return this.#clock.monotonic();
  }

  /** Returns the time on the wall clock, in milliseconds since the epoch, with fractions. */
  time(): number {
    return this.#clock.monotonic() + this.#clock.offset();
  }

  /** Installs a task at a time on the wall clock. Returns whether it comes before all others. */
  installAt(task: Task, when: number, context: AsyncContext | undefined): boolean {
    checkPriority(task);
    this.remove(task);
    // All tasks use the same measured offset, so that equal times stay equal.
    if (this.#byWallClock === 0) {
      this.#offset = this.#clock.offset();
      this.#measured = this.#offset;
    } else {
      this.#follow();
    }
    task.taskTime = when;
    this.#byWall = this.#byWall.like(this.#owner, this.#clock, true, context);
    task[installation] = this.#byWall;
    this.#byWallClock += 1;
    return this.#push(task, when - this.#offset);
  }

  /** Installs a task so many milliseconds from now. Returns whether it comes before all others. */
  installIn(task: Task, delta: number, context: AsyncContext | undefined): boolean {
    return this.installDue(task, this.#clock.monotonic() + Math.max(delta, -LONGEST_AGO), context);
  }

  /** Installs a task at a time on the monotonic clock. Returns whether it comes before all others. */
  installDue(task: Task, due: number, context: AsyncContext | undefined): boolean {
    checkPriority(task);
    this.#byClock = this.#byClock.like(this.#owner, this.#clock, false, context);
    if (task[timeHigh] === IN_QUEUE && this.#tasks.move(task, due)) {
      // It is on the monotonic clock already.
      task[installation] = this.#byClock;
      return this.#isFirst(due);
    }
    this.remove(task);
    task[installation] = this.#byClock;
    const isFirst = this.#push(task, due);
    // Not before it is in the queue, which knows its time from now on.
    task[timeHigh] = IN_QUEUE;
    return isFirst;
  }

  /** Adopts a task that is in no queue. From now on its time is on the wall clock. */
  adopt(task: Task): void {
    if (task[installation] !== undefined) {
      // The getter converts the time from the clock that it was on.
      void task[queuedTime];
    }
    task[installation] = this.#adopted;
  }

  /** Removes a task; does nothing when it is not in the queue. */
  remove(task: Task): void {
    if (this.#tasks.remove(task) && isByWallClock(task)) {
      this.#byWallClock -= 1;
    }
  }

  /** Returns when a task is due, or was, that is installed here, or was. */
  dueOf(task: Task): number {
    return this.#tasks.dueOf(task) ?? task[timeOn](this.#clock);
  }

  /** Returns all tasks, in no order. */
  tasks(): Task[] {
    return this.#tasks.entries();
  }

  /** Returns all tasks in the order in which they are due, each with its time on the wall clock. */
  *ordered(): Generator<[task: Task, time: number]> {
    this.#follow();
    const offset = this.#clock.offset();
    for (const task of this.#tasks.ordered()) {
      // Not read from a task that is not on the wall clock: that would change which clock its time is on.
      yield [task, isByWallClock(task) ? (task[queuedTime] as number) : this.dueOf(task) + offset];
    }
  }

  /** Returns when the first task is due; `Infinity` when there is none. */
  nextDue(): number {
    if (this.size === 0) {
      this.earliest = Infinity;
      return Infinity;
    }
    this.#follow();
    this.earliest = this.#tasks.nextDue();
    return this.earliest;
  }

  /** Dequeues the first task if it is due at `now`. */
  dequeueDue(now: number): Task | undefined {
    this.#follow();
    let task = this.#tasks.dequeueDue(now);
    while (task !== undefined && this.#isEarly(task, now)) {
      this.#postpone(task);
      task = this.#tasks.dequeueDue(now);
    }
    return this.#onDequeued(task);
  }

  /** Begins a pass over the due tasks. Returns the argument for {@link dequeueDueInPass}. */
  beginPass(): number {
    this.#follow();
    return this.#tasks.beginPass();
  }

  /** Dequeues the first task that is due at `now`, among those that were installed before the pass began. */
  dequeueDueInPass(now: number, pass: number): Task | undefined {
    this.#follow();
    let task = this.#tasks.dequeueDueInPass(now, pass);
    while (task !== undefined && this.#isEarly(task, now)) {
      this.#postpone(task);
      task = this.#tasks.dequeueDueInPass(now, pass);
    }
    return this.#onDequeued(task);
  }

  /** Changes the clock. Tasks keep their times on the wall clock. */
  useClock(clock: Clock): void {
    const before = this.#clock;
    this.#clock = clock;
    this.#offset = clock.offset();
    this.#measured = this.#offset;
    const shift = before.offset() - this.#offset;
    this.#tasks.reschedule((task, due) => {
      const { byWallClock, context } = task[installation] as Installation;
      task[installation] = (byWallClock ? this.#byWall : this.#byClock).like(this.#owner, clock, byWallClock, context);
      return due + shift;
    });
  }

  /** Returns whether a dequeued task is not due yet: the wall clock was set back, by less than the tolerance. */
  #isEarly(task: Task, now: number): boolean {
    return this.#measured < this.#offset && isByWallClock(task) && (task[queuedTime] ?? 0) - this.#measured > now;
  }

  /** Puts a task back that was dequeued early. */
  #postpone(task: Task): void {
    this.#push(task, (task[queuedTime] ?? 0) - this.#measured);
  }

  /** Counts a task that was dequeued. */
  #onDequeued(task: Task | undefined): Task | undefined {
    if (this.#byWallClock > 0 && task !== undefined && isByWallClock(task)) {
      this.#byWallClock -= 1;
    }
    return task;
  }

  /** Adds a task to the queue. Returns whether it comes before all others. */
  #push(task: Task, due: number): boolean {
    this.#tasks.push(task, due);
    return this.#isFirst(due);
  }

  /** Returns whether a task that was installed comes before all others, which is remembered. */
  #isFirst(due: number): boolean {
    if (due >= this.earliest) {
      return false;
    }
    this.earliest = due;
    return true;
  }

  /** Moves the tasks on the wall clock when that clock has been set. */
  #follow(): void {
    if (this.#byWallClock === 0) {
      return;
    }
    const offset = this.#clock.offset();
    this.#measured = offset;
    if (Math.abs(offset - this.#offset) > CLOCK_TOLERANCE) {
      this.#offset = offset;
      const time = this.now() + offset;
      this.#tasks.reschedule((task, due) => {
        if (!isByWallClock(task)) {
          return due;
        }
        followGrid(task, time);
        return (task[queuedTime] ?? 0) - offset;
      });
    }
  }
}

/** Returns whether the task's time is on the wall clock. */
function isByWallClock(task: Task): boolean {
  return (task[installation] as Installation).byWallClock;
}

/**
 * Moves a recurring task to its next point when the clock was set back. Without that it would wait until the clock is
 * as late again.
 */
function followGrid(task: Task, now: number): void {
  const next = nextOrNone(task, now);
  // The task may be one point ahead: it may have just run for the next one.
  const second = next === undefined ? undefined : nextOrNone(task, next);
  const time = task[queuedTime];
  if (next !== undefined && second !== undefined && time !== null && second < time) {
    setWallTime(task, next);
  }
}

/** Returns when a recurring task is due after `now`; `undefined` when it is not, or when its function fails. */
function nextOrNone(task: Task, now: number): number | undefined {
  try {
    const next = task[nextTime](now);
    return next === Infinity ? undefined : next;
  } catch {
    // The task stays where it is. The function is called again when it runs, and its error is reported then.
    return undefined;
  }
}

/**
 * Throws for a priority that cannot be compared, before anything is changed: it would stop all tasks of the manager.
 */
function checkPriority({ priority }: Task): void {
  if (priority !== 0 && (typeof priority !== 'number' || Number.isNaN(priority))) {
    throw new InvalidArgTypeError('task.priority', 'a number', priority);
  }
}

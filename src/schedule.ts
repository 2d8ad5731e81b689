/** Tasks in the order of their times, on two clocks. */

import type { AsyncResource } from 'node:async_hooks';

import { CLOCK_TOLERANCE, type Clock, systemClock } from './clock';
import { Heap } from './heap';
import type { Task } from './task';

/** When a task is due: on the wall clock, from now, or on the monotonic clock. */
export type DueAt = { readonly when: number } | { readonly delta: number } | { readonly due: number };

/**
 * All tasks sit in one heap by their times on the monotonic clock. Those that go by the wall clock are moved there when
 * that has been set.
 */
export class Schedule {
  readonly #tasks = new Heap<Task>(comesBefore);
  #clock: Clock = systemClock;
  /** The wall clock's, when the tasks that go by it were put in order. */
  #offset = systemClock.offset();
  /** How many tasks go by the wall clock. */
  #byWallClock = 0;
  #order = 0;

  get size(): number {
    return this.#tasks.size;
  }

  /** Whether any task goes by the wall clock. */
  get hasWallClockTasks(): boolean {
    return this.#byWallClock > 0;
  }

  /** What the next task to be installed will be: tasks with a lower number are there already. */
  get nextOrder(): number {
    return this.#order;
  }

  /** Milliseconds on the monotonic clock. */
  now(): number {
    return this.#clock.monotonic();
  }

  /** Milliseconds since the epoch, with fractions. */
  time(): number {
    return this.#clock.monotonic() + this.#clock.offset();
  }

  /** Puts a task in; true when it comes before all others. */
  install(task: Task, at: DueAt, context: AsyncResource): boolean {
    this.remove(task);
    task.byWallClock = 'when' in at;
    if ('when' in at) {
      // By the same offset as the others: it is measured, and equal times are to stay equal.
      if (this.#byWallClock === 0) {
        this.#offset = this.#clock.offset();
      } else {
        this.#follow();
      }
      task.due = at.when - this.#offset;
      task.taskTime = at.when;
      this.#byWallClock += 1;
    } else {
      task.due = 'due' in at ? at.due : this.now() + Math.max(0, at.delta);
      task.taskTime = task.due + this.#clock.offset();
    }
    task.order = this.#order;
    this.#order += 1;
    task.context = context;
    task.isScheduled = true;
    this.#tasks.push(task);
    return this.#tasks.peek() === task;
  }

  /** Takes a task out. */
  remove(task: Task): void {
    task.isScheduled = false;
    if (this.#tasks.remove(task) && task.byWallClock) {
      this.#byWallClock -= 1;
    }
  }

  /** The first task. */
  first(): Task | undefined {
    this.#follow();
    return this.#tasks.peek();
  }

  /** Takes out the first task if it is due at `now`, and was installed before the one that is number `before`. */
  takeDue(now: number, before: number = Infinity): Task | undefined {
    const first = this.first();
    if (first === undefined || first.due > now || first.order >= before) {
      return undefined;
    }
    this.remove(first);
    return first;
  }

  /** Goes by another clock. Tasks keep their times on the wall clock. */
  useClock(clock: Clock): void {
    const before = this.#clock.offset();
    this.#clock = clock;
    this.#offset = clock.offset();
    this.#move(this.#tasks.members(), (task) => task.due + before - this.#offset);
  }

  /** Has the tasks that go by the wall clock follow it when it was set. */
  #follow(): void {
    if (this.#byWallClock === 0) {
      return;
    }
    const offset = this.#clock.offset();
    if (Math.abs(offset - this.#offset) > CLOCK_TOLERANCE) {
      this.#offset = offset;
      const moved = this.#tasks.members().filter((task) => task.byWallClock);
      moved.forEach((task) => followGrid(task, this.now() + offset));
      this.#move(moved, (task) => (task.taskTime ?? 0) - offset);
    }
  }

  #move(tasks: Task[], due: (task: Task) => number): void {
    tasks.forEach((task) => this.#tasks.remove(task));
    for (const task of tasks) {
      task.due = due(task);
      this.#tasks.push(task);
    }
  }
}

/** When the clock was set back, a recurring task does not wait until it is again as late as it was. */
function followGrid(task: Task, time: number): void {
  const next = task.nextTime(time);
  // By one point it may be ahead: it has just run for the next one.
  const second = next === undefined ? undefined : task.nextTime(next);
  if (next !== undefined && second !== undefined && task.taskTime !== null && second < task.taskTime) {
    task.taskTime = next;
  }
}

/** The order of the tasks: time, then priority, then who was installed first. */
function comesBefore(a: Task, b: Task): boolean {
  if (a.due !== b.due) {
    return a.due < b.due;
  }
  return a.priority === b.priority ? a.order < b.order : a.priority < b.priority;
}

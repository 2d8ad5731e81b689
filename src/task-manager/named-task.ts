/** Tasks that run the handler of a name. This thread or another one schedules them. */

import { type TaskCarrier, isTracing, traceRun } from '../protocol';
import { UnknownTaskError } from '../util';
import type { NameStats } from './name-stats';
import { RecurringTask } from '../tasks';

/** A handler of any payload and manager. The public type is `TaskHandler`. */
// oxlint-disable-next-line typescript/no-explicit-any -- the producer and the handler of a name agree on its payload
export type AnyHandler = (payload: any, context: any) => unknown;

/**
 * Holds what a manager knows of a name. Each producer finds it once, for all tasks that it schedules under that name.
 */
export class HandlerEntry {
  readonly name: string;
  handler: AnyHandler | undefined;
  /** The counts of the name; `undefined` before the first task. */
  stats: NameStats | undefined;
  readonly #isRehearsed: boolean;

  constructor(name: string, isRehearsed: boolean = false) {
    this.name = name;
    this.#isRehearsed = isRehearsed;
  }

  /** Returns the handler. Throws `ERR_UNKNOWN_TASK` when there is none; for a rehearsal, it returns one then. */
  get(): AnyHandler {
    return this.handler ?? (this.#isRehearsed ? ignoreTask : refuseUnknown(this.name));
  }
}

function ignoreTask(): void {
  // A rehearsal's task does nothing.
}

function refuseUnknown(name: string): never {
  throw new UnknownTaskError(name);
}

/** What a named task is run for: one object a task, as two functions and what they close over take 200 bytes more. */
export interface NamedTaskSide {
  /** Runs the task. */
  run(task: NamedTask): unknown;
  /** Learns that the task will not run again: before its only run, or when it is cancelled. */
  onEnd(isCancelled: boolean, task: NamedTask): void;
}

/** A named task that waits for its time. It is recurring when it has an interval. */
export class NamedTask extends RecurringTask {
  readonly name: string;
  readonly payload: unknown;
  readonly key: string | undefined;
  readonly #side: NamedTaskSide;

  constructor(name: string, payload: unknown, key: string | undefined, side: NamedTaskSide) {
    super();
    this.name = name;
    this.payload = payload;
    this.key = key;
    this.#side = side;
  }

  override processTask(): unknown {
    if (this.taskInterval === undefined) {
      this.#side.onEnd(false, this);
    }
    return this.#side.run(this);
  }

  /** Removes the task for good. */
  cancel(): void {
    this.suspendTask();
    this.taskInterval = undefined;
    this.#side.onEnd(true, this);
  }
}

/** What became of tasks that wait for their turn, by their contexts: see `handler-gate.ts`. */
export const turns: WeakMap<object, 'waiting' | 'cancelled'> = new WeakMap();

/**
 * The controllers of the contexts whose signal was read, or that were aborted. These are few, so a context has no field
 * for it.
 */
const controllers = new WeakMap<NamedTaskContext, AbortController>();

/** What came along with the tasks of these contexts. Few tasks have any. */
const carriers = new WeakMap<NamedTaskContext, TaskCarrier>();

/**
 * The second argument of a handler: one object for each task.
 *
 * V8 inlines the constructor only while its bytecode has at most 27 bytes, so the fields are not defined before they
 * are set.
 */
export class NamedTaskContext {
  declare readonly name: string;
  declare readonly manager: unknown;
  declare readonly threadId: number;

  constructor(name: string, manager: unknown, threadId: number) {
    this.name = name;
    this.manager = manager;
    this.threadId = threadId;
  }

  /** Returns when the task was due, on the wall clock; `undefined` when it had no time. */
  get due(): number | undefined {
    return undefined;
  }

  /** Returns the signal; the first access makes it. */
  get signal(): AbortSignal {
    let controller = controllers.get(this);
    if (controller === undefined) {
      controller = new AbortController();
      controllers.set(this, controller);
    }
    return controller.signal;
  }

  /** Returns what a subscriber at the sender has sent along. */
  get carrier(): TaskCarrier | undefined {
    return carriers.get(this);
  }

  /** Returns whether the producer has cancelled the task, or no longer waits for its result. */
  get isAborted(): boolean {
    return controllers.get(this)?.signal.aborted === true;
  }

  /** Sets what came along with the task. */
  setCarrier(carrier: TaskCarrier): void {
    carriers.set(this, carrier);
  }

  /** Aborts the signal, by default with an AbortError. */
  abort(reason: unknown): void {
    void this.signal;
    controllers.get(this)?.abort(reason);
  }
}

/**
 * Calls a handler with `context`, and tells the subscribers of the tracing channels about the task `id`. `carrier` came
 * along with it.
 */
export function callTraced(
  call: () => unknown,
  context: NamedTaskContext,
  id: number,
  carrier: TaskCarrier | undefined,
): unknown {
  if (carrier !== undefined) {
    context.setCarrier(carrier);
  }
  if (!isTracing) {
    return call();
  }
  // Not before: the time on the wall clock is a native call, as long as the rest of a run.
  const { name, threadId: thread, due } = context;
  return traceRun({ name, id, thread, due, carrier }, call);
}

/** The context of a task that had a time. */
export class TimedTaskContext extends NamedTaskContext {
  readonly #due: number | NamedTask;

  constructor(task: NamedTask, manager: unknown, threadId: number) {
    super(task.name, manager, threadId);
    // A recurring task is at its next point soon. For others the wall clock is read only where the time is asked for.
    this.#due = task.taskInterval === undefined ? task : (task.taskTime as number);
  }

  override get due(): number {
    return typeof this.#due === 'number' ? this.#due : (this.#due.taskTime as number);
  }
}

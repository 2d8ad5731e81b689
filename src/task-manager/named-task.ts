/** Named tasks: what a handler is defined for, scheduled from this thread or from another. */

import { UnknownTaskError } from '../util/errors';
import type { NameStats } from './name-stats';
import { RecurringTask } from '../tasks';

/** A handler, whatever its payload and its manager are: `TaskHandler` is the public type. */
// oxlint-disable-next-line typescript/no-explicit-any -- the payload is whatever the producer of that name sends
export type AnyHandler = (payload: any, context: any) => unknown;

/** What a manager knows of a name, found once for all tasks that a producer schedules under it. */
export class HandlerEntry {
  readonly name: string;
  handler: AnyHandler | undefined;
  /** There are none before the first task. */
  stats: NameStats | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The handler, or an error when there is none. */
  get(): AnyHandler {
    return this.handler ?? refuseUnknown(this.name);
  }
}

function refuseUnknown(name: string): never {
  throw new UnknownTaskError(name);
}

/** A named task that waits for its time, and is recurring when it has an interval. */
export class NamedTask extends RecurringTask {
  readonly name: string;
  readonly #run: () => unknown;
  readonly #onTaken: () => void;

  /** `onTaken` is told when the task leaves the manager for good. */
  constructor(name: string, run: () => unknown, onTaken: () => void = () => {}) {
    super();
    this.name = name;
    this.#run = run;
    this.#onTaken = onTaken;
  }

  override processTask(): unknown {
    if (this.taskInterval === undefined) {
      this.#onTaken();
    }
    return this.#run();
  }

  /** Takes the task out for good. */
  takeOut(): void {
    this.suspendTask();
    this.taskInterval = undefined;
    this.#onTaken();
  }
}

/** What aborts the tasks that were asked for their signal, or aborted. Few are; so the others have no room for it. */
const controllers = new WeakMap<NamedTaskContext, AbortController>();

/**
 * What a handler is told. There is one for each task: V8 makes it in place as long as the constructor has at most 27 bytes of
 * bytecode, so the fields are not defined before they are set.
 */
export class NamedTaskContext {
  declare readonly name: string;
  declare readonly manager: unknown;

  constructor(name: string, manager: unknown) {
    this.name = name;
    this.manager = manager;
  }

  get signal(): AbortSignal {
    let controller = controllers.get(this);
    if (controller === undefined) {
      controller = new AbortController();
      controllers.set(this, controller);
    }
    return controller.signal;
  }

  /** Whether nobody wants the task any more. */
  get isAborted(): boolean {
    return controllers.get(this)?.signal.aborted === true;
  }

  abort(): void {
    void this.signal;
    controllers.get(this)?.abort();
  }
}

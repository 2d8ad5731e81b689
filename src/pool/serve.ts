/** A worker that serves: the worker's side. */

import type { RemoteTaskManager } from '../client';
import { nodeProcess, reserveStack, setImmediate } from '../platform';
import type { TaskName, UntypedHandlers } from '../protocol';
import { core } from '../run-loop';
import { HandlerGate, type TaskContext, TaskManager, type TypedTaskHandler } from '../task-manager';
import { InvalidArgTypeError, NotTaskWorkerError, validateFunction } from '../util';
import { IDLE_TASK, PING_TASK, STOP_TASK, type Start, answer, currentStart } from './introduction';

/** The handlers that a worker serves: one for each name of `Handlers`. */
export type ServedHandlers<Handlers> = { readonly [Name in TaskName<Handlers>]: TypedTaskHandler<Handlers, Name> };

let parentManager: RemoteTaskManager | undefined;

function startOrThrow(name: string): Start {
  const start = currentStart();
  if (start === undefined) {
    throw new NotTaskWorkerError(name);
  }
  return start;
}

/**
 * Serves tasks in a worker that a `TaskWorker` or a `TaskPool` has started. Defines the handlers in the worker's own
 * task manager, tells the thread that has started the worker, and runs the worker's loop, `core`.
 *
 * When that thread closes the worker, the promise resolves after the last reply, and the worker ends in the next
 * iteration of its event loop. Throws `ERR_NOT_A_TASK_WORKER` elsewhere, and `ERR_INVALID_ARG_TYPE` for what is no
 * handler.
 *
 * @example
 * // worker.js
 * serve({ add: ([a, b]) => a + b });
 */
export async function serve<Handlers = UntypedHandlers>(handlers: ServedHandlers<Handlers>): Promise<void> {
  reserveStack();
  const start = startOrThrow('serve()');
  if (typeof handlers !== 'object' || handlers === null) {
    throw new InvalidArgTypeError('handlers', 'an object of functions', handlers);
  }
  const gate = new HandlerGate(start.concurrency);
  const manager: TaskManager = core.taskManager;
  for (const [name, handler] of Object.entries(handlers)) {
    validateFunction(`handlers.${name}`, handler);
    const bound = (payload: unknown, context: TaskContext): unknown =>
      (handler as (this: unknown, payload: unknown, context: TaskContext) => unknown).call(handlers, payload, context);
    manager.define(name, gate.wrap(bound));
  }
  manager.define(PING_TASK, () => {});
  manager.define(IDLE_TASK, async () => {
    await gate.idle();
    // The replies of the tasks that have just ended leave before this one.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  });
  // It comes when all replies have been read.
  manager.define(STOP_TASK, () => core.stop());
  const running = core.run({ close: true });
  answer(start, { handle: manager.handle });
  await running;
  setImmediate(() => nodeProcess.exit());
}

/**
 * Returns the task manager of the thread that has started this worker, to schedule and to call tasks there. That
 * thread has to run its loop. Throws `ERR_NOT_A_TASK_WORKER` outside of a worker that a `TaskWorker` or a `TaskPool`
 * has started.
 *
 * @example
 * // main.js
 * core.taskManager.define('progress', (share) => console.log(share)); // 0.5
 * const worker = new TaskWorker('./reporter.js');
 * await core.run();
 * // reporter.js
 * serve({});
 * parent().schedule('progress', 0.5);
 */
export function parent<Handlers = UntypedHandlers>(): RemoteTaskManager<Handlers> {
  reserveStack();
  return (parentManager ??= TaskManager.connect(startOrThrow('parent()').parent));
}

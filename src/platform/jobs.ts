/**
 * The jobs of promises, run while JavaScript blocks its thread.
 *
 * Node runs them when the stack of JavaScript is empty, which it is not while `runSync()` loops. There is no public way
 * to run them earlier. `process._tickCallback()` does it on all versions of Node, in the main thread and in workers: it
 * runs what `process.nextTick()` was given, the jobs of promises, and then reports rejections that are not handled.
 *
 * V8 does not run jobs within a job. `process._tickCallback()` would then run the functions of `process.nextTick()` too
 * early, and report rejections whose handlers are still to be added by a job. So it is called only where no job runs.
 */

import { native } from './binding';
import { sharesUv } from './runtime';
import { nodeProcess } from './node-process';

/** As they were when this module was loaded: fake timers replace both. */
const enqueue = queueMicrotask;
const { _tickCallback: tickCallback } = nodeProcess as unknown as { _tickCallback?: unknown };

/**
 * Returns a function that runs the jobs that are ready, and those that they cause. Returns undefined where that is
 * impossible: within a job, and in a runtime that is not known to allow it. The result holds as long as the caller's
 * stack frame.
 */
export function jobRunner(): (() => void) | undefined {
  if (!sharesUv || typeof tickCallback !== 'function' || native.isRunningMicrotasks() !== 0) {
    return undefined;
  }
  const run = tickCallback as () => void;
  return () => {
    for (;;) {
      try {
        run.call(nodeProcess);
        return;
      } catch (error) {
        // A function of nextTick() threw. What a job of queueMicrotask() throws is an uncaught exception immediately.
        enqueue(() => {
          throw error;
        });
      }
    }
  };
}

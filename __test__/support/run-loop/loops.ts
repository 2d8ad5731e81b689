import { FunctionTask, RunLoop, type RunSyncOptions } from 'waitable-event';

import { finallyDo } from '../clean-up';
import { attachSource } from '../hidden-members';
import { TIME_LIMIT, announce } from '../threads';
import { within } from '../timing';
import { WorkerHarness } from '../worker-harness';

/** Calls `fn` in a loop, as a task. */
export function after(loop: RunLoop, milliseconds: number, fn: () => void): FunctionTask {
  const task = new FunctionTask(fn);
  loop.taskManager.installTask(task, { delta: milliseconds });
  return task;
}

/** Runs a loop in one of the two ways that have tasks. */
export async function runIn(way: 'run' | 'runSync', loop: RunLoop, options?: RunSyncOptions): Promise<void> {
  if (way === 'run') {
    await within(loop.run(options), 'run()');
  } else {
    const guard = after(loop, TIME_LIMIT, () => loop.stop());
    loop.runSync(options);
    if (!guard.isScheduled) {
      throw new Error('runSync() was not stopped');
    }
    guard.suspendTask();
  }
}

/** Makes a loop that runs until the test is over. */
export function startLoop(): RunLoop {
  const loop = new RunLoop();
  const ended = loop.run();
  finallyDo(async () => {
    loop.stop();
    await within(ended, 'the end of a loop');
  });
  return loop;
}

/** Counts the passes that a loop makes from now on; calls `onPass` in each one. */
export function countPasses(loop: RunLoop, onPass?: (passes: number) => void): { readonly passes: number } {
  const count = { passes: 0 };
  attachSource(loop, {
    nextDue: () => Infinity,
    runDue: () => {
      count.passes += 1;
      onPass?.(count.passes);
      return false;
    },
    beforeSleep: () => true,
    onStop: () => {},
    listen: () => {},
  });
  return count;
}

/** Starts a worker that acts on this thread's loop when this thread sleeps, which {@link goToSleep} announces. */
export function startActor(action: string, data: object): WorkerHarness {
  return new WorkerHarness('run-loop/act-on-sleeping-loop.js', { ...data, action });
}

/** Tells an actor that this thread goes to sleep now. */
export function goToSleep(actor: WorkerHarness): void {
  announce(actor.words, 1);
}

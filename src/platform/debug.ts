/** What `NODE_DEBUG=waitable-event` prints: one line for each connection, sleep, wake-up and close. */

import { debuglog } from 'node:util';

import { workerThreads } from './lazy-builtins';
import { nodeProcess } from './node-process';

const SECTION = 'waitable-event';

const log = debuglog(SECTION);

/** Whether the lines are printed. Callers look at this first, so that nothing is done where they are not. */
export const isDebugging: boolean = 'enabled' in log ? log.enabled : isNamed();

/** Whether NODE_DEBUG names the section. Bun does not tell that otherwise. */
function isNamed(): boolean {
  const names = (nodeProcess.env['NODE_DEBUG'] ?? '').split(',').map((name) => name.trim().toLowerCase());
  const sections = new Set(names);
  return sections.has(SECTION) || sections.has('*');
}

/** The loops that sleep. */
const asleep = new WeakSet();

/** Prints what this thread does. */
export function debug(what: string): void {
  log(`thread ${workerThreads().threadId}: ${what}`);
}

/** Prints that a loop is about to sleep, for so many milliseconds at most. */
export function debugSleep(loop: object, timeout: number): void {
  asleep.add(loop);
  debug(timeout === Infinity ? 'the loop sleeps' : `the loop sleeps for at most ${timeout.toFixed(3)} ms`);
}

/** Prints that a loop has woken, if it has slept. */
export function debugWakeUp(loop: object): void {
  if (asleep.delete(loop)) {
    debug('the loop wakes up');
  }
}

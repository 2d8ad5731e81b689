/** Where default reports go: errors that no handler of the program takes. */

import { writeSync } from 'node:fs';
import { format } from 'node:util';

import { workerThreads } from './lazy-builtins';

/** How many loops of this thread block it. */
let blocking = 0;

/** Notes that this thread is about to block in a loop. */
export function beginBlocking(): void {
  blocking += 1;
}

/** Undoes {@link beginBlocking}. */
export function endBlocking(): void {
  blocking -= 1;
}

/**
 * Prints a report to standard error, through the console. A worker's console needs the worker's event loop, which
 * stands still while a loop blocks the thread; there the report is written to descriptor 2.
 */
export function report(message: string, ...details: unknown[]): void {
  if (blocking === 0 || workerThreads().isMainThread || !writeReport(`${format(message, ...details)}\n`)) {
    console.error(message, ...details);
  }
}

/** Writes to descriptor 2. Returns false when it cannot be written, because it is closed or full. */
function writeReport(text: string): boolean {
  try {
    let rest = Buffer.from(text);
    while (rest.length > 0) {
      rest = rest.subarray(writeSync(2, rest));
    }
    return true;
  } catch {
    return false;
  }
}

/** The module that each TaskWorker starts with: it loads the program's module, and reports when that fails. */

import { fileURLToPath } from 'node:url';

import { nodeProcess } from '../platform';
import { type Start, answer, claimStart, openAnswer } from './introduction';

async function load(start: Start): Promise<void> {
  if (!openAnswer(start)) {
    return;
  }
  if (start.module.startsWith('file:')) {
    // Where the program expects its own module.
    nodeProcess.argv[1] = fileURLToPath(start.module);
  }
  try {
    await import(start.module);
  } catch (error) {
    answer(start, { thrown: error });
    // An uncaught error: it ends the worker, and becomes its `'error'` event.
    throw error;
  }
}

const start = claimStart();
if (start !== undefined) {
  void load(start);
}

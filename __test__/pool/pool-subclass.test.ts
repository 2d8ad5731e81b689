/** Subclasses of workers that serve, and of pools, have names of their own. */

import { Worker } from 'node:worker_threads';

import { describe, expect, test } from '@jest/globals';

import { finallyDo } from '../support/clean-up';
import { failureTogether } from '../support/subclasses';

const LIMIT = 240_000;

/** Returns the names that a Worker of Node has: a subclass of TaskWorker must leave them alone. */
function namesOfWorker(): string[] {
  const worker = new Worker('', { eval: true });
  finallyDo(() => worker.terminate());
  const names: string[] = [];
  for (let object: object | null = worker; object !== null; object = Object.getPrototypeOf(object) as object | null) {
    names.push(...Object.getOwnPropertyNames(object));
  }
  return names;
}

describe.each(['TaskWorker', 'TaskPool'])('a subclass of %s', (className) => {
  test.each(['field', 'method'] as const)(
    'works with a %s of any name that the class does not declare',
    async (kind) => {
      const names = className === 'TaskWorker' ? namesOfWorker() : [];
      expect(await failureTogether('pool/use-pool-subclasses.js', className, kind, names)).toBeUndefined();
    },
    LIMIT,
  );
});

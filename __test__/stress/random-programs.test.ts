/** Random programs against models: a few seconds of each. `npm run fuzz` goes on for as long as it is told. */

import { describe, expect, test } from '@jest/globals';

import { Child } from '../support/child';
import { root } from '../support/files';
import { report } from '../support/outcomes';
import { PROGRAMS } from '../support/fuzz/programs';

/**
 * How long each kind of program goes on, in seconds. Together, with the start of processes: less than two minutes.
 * Where the suite runs on several versions of Node, FUZZ_SECONDS makes the later runs shorter.
 */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 10);
/** When a program that makes no progress hangs, in seconds. */
const HANGS_AFTER = 60;
/** Always the same programs, which get as far as the machine is fast. */
const SEED = 1;

interface Outcome {
  where: string;
  code: number | null;
  signal: string | null;
  stderr: string;
}

/** Runs programs of one kind in a process of its own: a hang is ended, and a crash is not jest's. */
async function run(program: string): Promise<Outcome> {
  const args = ['--program', program, '--seed', SEED, '--seconds', SECONDS, '--limit', HANGS_AFTER].map(String);
  const script = `${root}/__test__/support/fuzz/run.js`;
  const child = new Child(process.execPath, [script, ...args], {}, 1000 * (SECONDS + 2 * HANGS_AFTER));
  const { code, signal, stdout, stderr } = await child.ended;
  return { where: `${program}: ${stdout.trim().split('\n').at(-1)}`, code, signal, stderr };
}

describe('random programs do what their model says', () => {
  test.each(Object.keys(PROGRAMS))(
    '%s',
    async (program) => {
      const { where, code, signal, stderr } = await run(program);
      expect({ where, code, signal, stderr }).toEqual({ where, code: 0, signal: null, stderr: '' });
      report(where);
    },
    1000 * (SECONDS + 3 * HANGS_AFTER),
  );
});

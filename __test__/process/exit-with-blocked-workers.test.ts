import { describe, expect, test } from '@jest/globals';

import { startScript } from '../support/child';
import { report } from '../support/outcomes';
import { TIMEOUT_FACTOR } from '../support/threads';

/** Generous, in milliseconds; what it really took is printed. */
const SOON = 5000 * TIMEOUT_FACTOR;

/**
 * Runs fixtures/process/end-while-workers-block.js, in which 20 workers block: how it ended, and whether that came soon
 * after it was told.
 */
async function exit(
  how: string,
): Promise<{ code: number | null; signal: string | null; soon: boolean; stderr: string }> {
  const { code, signal, stdout, stderr } = await startScript('process/end-while-workers-block.js', [how]).ended;
  const took = Date.now() - Number(/ending at (\d+)/.exec(stdout)?.[1]);
  report(`${how}: gone ${took} ms after it was told`);
  return { code, signal, soon: took < SOON, stderr };
}

const WELL = { code: 0, signal: null, soon: true, stderr: '' };

describe('a process with 20 blocked workers', () => {
  test('ends at process.exit(), with its code', async () => {
    expect(await exit('exit')).toEqual({ ...WELL, code: 7 });
  });

  test('ends at an uncaught exception, with code 1', async () => {
    expect(await exit('throw')).toEqual({ ...WELL, code: 1, stderr: expect.stringContaining('the end of main') });
  });

  test('ends at an unhandled rejection, with code 1', async () => {
    expect(await exit('reject')).toEqual({ ...WELL, code: 1, stderr: expect.stringContaining('the end of main') });
  });

  test('ends by itself when the workers are unreferenced', async () => {
    expect(await exit('unref')).toEqual(WELL);
  });

  test('ends when all of them are terminated', async () => {
    expect(await exit('terminate')).toEqual(WELL);
  });

  test('ends when each of them calls process.exit() as it wakes', async () => {
    expect(await exit('worker')).toEqual(WELL);
  });
});

/** What a worker reports while its loop blocks it: its console is mute then, so it writes to descriptor 2. */

import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';

const ofChannels = ['in a handler', 'in handleError()', 'from logInfo()'];

describe('default reports of a worker that blocks', () => {
  test.each([
    ['runSync', [...ofChannels, 'in a deferred function', 'in a task']],
    ['loop', ofChannels],
  ])('in %s() are written at once', async (way, reports) => {
    const { stderr } = await runScript('process/report-in-blocked-worker.js', [way]);
    expect(reports.filter((report) => !stderr.includes(report))).toEqual([]);
    expect(stderr).toContain('info: from logInfo()\n');
  });
});

import { describe, expect, test } from '@jest/globals';

import { runScript } from '../support/child';

const WAYS = ['wait()', 'wait() with a timeout', 'select()', 'runSync()', 'loop()', 'callSync()', 'schedule()'];

describe('a worker that nothing is asked of', () => {
  test('does not wake while it blocks, although its event loop has a message to deliver', async () => {
    const { stdout } = await runScript('process/count-wake-ups.js', WAYS, { env: { WAITABLE_EVENT_DRIVER: 'uv' } });
    expect(stdout).toBe('0\n');
  });
});

describe('after a wait of some milliseconds', () => {
  test.each(['uv', 'thread'])(
    'the event loop delivers what came meanwhile, 1000 times, with the %s driver',
    async (driver) => {
      const env = { WAITABLE_EVENT_DRIVER: driver };
      const { stdout } = await runScript('process/deliver-after-block.js', ['10', '100'], { env });
      expect(stdout).toBe('10 workers, 100 rounds\n');
    },
  );
});

/** An event whose only reference is a pending wait, while garbage is collected. */

import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { root } from '../support/files';

test('an event that only a pending wait holds is not garbage', async () => {
  const source = `
    const { collect } = require(${JSON.stringify(join(root, '__test__', 'support', 'collect.js'))});
    const { WaitableEvent, selectAsync } = require('waitable-event');
    const event = new WaitableEvent();
    const open = () => WaitableEvent.open(event.handle);
    const waits = [open().waitAsync(10_000), open()[Symbol.asyncIterator]().next(), selectAsync([open()], [], [], 10_000)];
    // Finalizers run between iterations of the event loop.
    let turns = 0;
    const turn = setInterval(() => {
      collect();
      turns += 1;
      if (turns === 20) {
        clearInterval(turn);
        event.set();
        Promise.all(waits).then(([awaited, taken, [selected]]) => console.log(awaited, taken.done, selected.length));
      }
    }, 1);
  `;
  expect((await runScript({ source }, [], { code: 0 })).stdout).toBe('true false 1\n');
});

import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';

/** Prints what the first call of a process does with the number that the system would give next. */
function sourceOf(call: string): string {
  return `
    const fs = require('node:fs');
    const { Dispatcher, RunLoop, WaitableEvent, select, selectAsync } = require('waitable-event');
    class Channel extends Dispatcher { fileno() { return fd; } writable() { return false; } }
    const fd = fs.openSync(require('node:os').devNull);
    fs.closeSync(fd);
    (async () => { ${call} })().then(console.log, (error) => console.log(error.code));
  `;
}

test.each([
  ['select()', 'return select([fd], [], [], 1000);'],
  ['select() for writing', 'return select([], [fd], [], 1000);'],
  ['select() for exceptional conditions', 'return select([], [], [fd], 50);'],
  ['select() of the next number but two', 'return select([fd + 2], [], [], 50);'],
  ['selectAsync()', 'return selectAsync([fd], [], [], 1000);'],
  ['selectAsync() for exceptional conditions', 'return selectAsync([], [], [fd], 50);'],
  ['addChannel()', 'return new Channel().addChannel(new RunLoop());'],
  ['addChannel() to the own loop', 'return new Channel().addChannel();'],
])('%s as the first call says EBADF for a number that is not open', async (_name, call) => {
  expect((await runScript({ source: sourceOf(call) })).stdout).toBe('EBADF\n');
});

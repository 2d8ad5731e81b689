import { expect, test } from '@jest/globals';

import { runScript } from '../support/child';
import { report } from '../support/outcomes';

const ROUNDS = 10_000;

/** What fixtures/process/block-during-io.js prints. */
interface Printed {
  rounds: number;
  waits: { set: number; timedOut: number };
  timers: { set: number; fired: number };
  files: { begun: number; read: number; bytes: number };
  received: { count: number; failures: number; callbacksInOrder: boolean }[];
  answer: { sent: number; failures: number[] };
}

test('what Node has under way while its thread blocks 10 000 times arrives: connections, files, timers', async () => {
  const { stdout } = await runScript('process/block-during-io.js', [`${ROUNDS}`], { limit: 110_000 });
  const printed = JSON.parse(stdout) as Printed;
  const { answer, files, received, rounds, timers } = printed;
  expect(rounds).toBe(ROUNDS);
  expect(timers).toEqual({ set: ROUNDS / 10, fired: ROUNDS / 10 });
  expect(files).toEqual({ begun: ROUNDS / 25, read: ROUNDS / 25, bytes: (ROUNDS / 25) * 1000 });
  // A TCP connection, and a Unix socket or a named pipe, in both directions.
  const whole = { count: answer.sent, failures: 0, callbacksInOrder: true };
  expect(received).toEqual([whole, whole]);
  expect(answer.failures).toEqual([0, 0]);
  report(`${answer.sent} numbers each way, ${printed.waits.set} of ${rounds} waits ended by a set()`);
}, 120_000);

/** A task runs in the async context in which it was installed, also when several tasks share one AsyncResource. */

import { expect, test } from '@jest/globals';

import { Child, endedWith } from '../support/child';
import { fixture } from '../support/files';

// In a process of its own: jest uses AsyncLocalStorage itself, and then nothing is shared.
test.each(['nothing', 'storage', 'hook', 'hook, disabled'])('with %s in use before', async (first) => {
  const { stdout } = endedWith(
    await new Child(process.execPath, [fixture('tasks/print-async-contexts.js'), first]).ended,
    0,
  );
  const [nothing, entered] = ['undefined undefined', 'entered undefined'];
  expect(JSON.parse(stdout)).toEqual({
    nothing: [nothing, entered, nothing, entered, nothing],
    turns: [nothing, 'a undefined', 'b undefined', 'b x', 'b undefined', 'a undefined', nothing],
    outside: [nothing],
    entered: [nothing, entered, nothing, entered, nothing, entered, nothing],
    after: 'undefined',
    recurring: ['recurring undefined', 'recurring undefined', 'recurring undefined'],
    uninstalled: ['here undefined'],
    resource: ['resource undefined', 'top undefined', 'top again undefined'],
    begun: ['one', 'two'],
    ids: 3,
  });
});

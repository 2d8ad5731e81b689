/** Subclasses of tasks have names of their own. */

import { describe, expect, test } from '@jest/globals';

import { failuresOf } from '../support/subclasses';

const LIMIT = 240_000;

describe.each([
  'Task',
  'OneShotTask',
  'OneShotDeleteTask',
  'FunctionTask',
  'OneShotFunction',
  'RecurringTask',
  'RecurringFunctionTask',
])('a subclass of %s', (className) => {
  test.each(['field', 'method'] as const)(
    'works with a %s of any name that the class does not declare',
    async (kind) => {
      expect(await failuresOf('tasks/use-task-subclasses.js', className, kind)).toEqual({});
    },
    LIMIT,
  );
});

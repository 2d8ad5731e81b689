/** Subclasses of errors have names of their own. */

import { describe, expect, test } from '@jest/globals';

import { failuresOf, publicClasses } from '../support/subclasses';

const LIMIT = 240_000;

describe.each([...publicClasses.keys()].filter((name) => name.endsWith('Error')))('a subclass of %s', (className) => {
  test.each(['field', 'method'] as const)(
    'works with a %s of any name that the class does not declare',
    async (kind) => {
      expect(await failuresOf('process/use-error-subclasses.js', className, kind)).toEqual({});
    },
    LIMIT,
  );
});

/** Subclasses of WaitableEvent have names of their own. */

import { describe, expect, test } from '@jest/globals';

import { failuresOf } from '../support/subclasses';

const LIMIT = 240_000;

describe.each(['WaitableEvent'])('a subclass of %s', (className) => {
  test.each(['field', 'method'] as const)(
    'works with a %s of any name that the class does not declare',
    async (kind) => {
      expect(await failuresOf('event/use-event-subclasses.js', className, kind)).toEqual({});
    },
    LIMIT,
  );
});

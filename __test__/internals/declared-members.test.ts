/** What public prototypes have is what index.d.ts and testing.d.ts declare. */

import { describe, expect, test } from '@jest/globals';

import { declaredClasses } from '../support/declarations';
import { publicClasses } from '../support/subclasses';

/** The names that an error inherits from Error, and has on its own prototype too. */
const OF_ERRORS = new Set(Object.getOwnPropertyNames(Error.prototype));

test('every public class is declared', () => {
  expect([...declaredClasses.keys()].toSorted()).toEqual([...publicClasses.keys()].toSorted());
});

describe.each([...publicClasses])('the prototype of %s', (name, { prototype }) => {
  const declared = declaredClasses.get(name);
  const names = Object.getOwnPropertyNames(prototype).filter(
    (own) => own !== 'constructor' && !(name.endsWith('Error') && OF_ERRORS.has(own)),
  );

  test('has no member that is not declared', () => {
    expect(names.filter((own) => declared?.methods.has(own) !== true && declared?.fields.has(own) !== true)).toEqual(
      [],
    );
  });

  test('has every method and accessor that is declared', () => {
    // An abstract method is the subclass's.
    const missing = [...(declared?.methods ?? [])].filter((method) => !names.includes(method));
    expect(missing).toEqual(name === 'Dispatcher' ? ['fileno'] : []);
  });
});

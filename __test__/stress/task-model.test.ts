/** Random tasks in virtual time, against a model that is a few lines long. */

import { describe, expect, jest, test } from '@jest/globals';

import { Dice } from '../support/fuzz/dice';
import { compare } from '../support/fuzz/local-tasks';

describe.each([
  ['few tasks', 8, 1000],
  ['some tasks', 60, 4000],
  ['many tasks', 3000, 8000],
])('%s are run as the model says', (_name, tasks, operations) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %p', (seed) => {
    const reported = jest.spyOn(console, 'error').mockImplementation(() => {});
    try {
      compare({ dice: new Dice(seed), tasks, operations });
      expect(reported.mock.calls).toEqual([]);
    } finally {
      reported.mockRestore();
    }
  });
});

/** The numbers that native code and the facade share: each side has its own, and the two are compared here. */

import { expect, test } from '@jest/globals';

import { binding } from '../support/internals';

const numbers = binding.native.sharedNumbers();

function isConstant(entry: [string, unknown]): entry is [string, number] {
  return /^[A-Z_]+$/.test(entry[0]) && typeof entry[1] === 'number';
}

function errorCode(status: string): unknown {
  return Reflect.get(binding.toError(numbers[status] ?? 0, 'call'), 'code');
}

test('the facade has the numbers of native code, and no others', () => {
  expect(Object.keys(numbers)).toHaveLength(24);
  expect(Object.fromEntries(Object.entries<unknown>(binding).filter(isConstant))).toEqual(numbers);
});

test('each status is the error that it stands for', () => {
  expect(errorCode('STATUS_CLOSED')).toBe('ERR_EVENT_CLOSED');
  expect(errorCode('STATUS_INVALID_HANDLE')).toBe('ERR_INVALID_HANDLE');
  expect(errorCode('STATUS_INTERRUPTED')).toBe('ERR_INTERRUPTED');
  expect(errorCode('STATUS_NO_ENVIRONMENT')).toBe('ERR_INTERRUPTED');
});

test('a batch has room for the entry of the reactor', () => {
  expect(binding.makeBatch(3)).toHaveLength(4 * (numbers['ENTRY_LENGTH'] ?? 0));
});

/** Checks of arguments. They throw before anything waits or changes. */

import { types } from 'node:util';

import { InvalidArgTypeError, InvalidArgValueError } from './errors';

/** Returns a timeout in milliseconds; `Infinity` if it is left out. */
export function validateTimeout(timeout: number | undefined, name: string = 'timeout'): number {
  return timeout === undefined ? Infinity : validateMilliseconds(name, timeout);
}

/** Returns a number of milliseconds. Fractions and infinities are allowed. */
export function validateMilliseconds(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    throw new InvalidArgTypeError(name, 'a number of milliseconds', value);
  }
  if (Number.isNaN(value)) {
    throw new InvalidArgValueError(name, 'a number of milliseconds', value);
  }
  return value;
}

/** Returns a time on the wall clock in milliseconds since the epoch. Dates of other realms (jest, vm) are accepted. */
export function validateTime(name: string, value: unknown): number {
  const time = types.isDate(value) ? value.getTime() : value;
  if (typeof time !== 'number') {
    throw new InvalidArgTypeError(name, 'a Date or a number of milliseconds since the epoch', value);
  }
  if (Number.isNaN(time)) {
    throw new InvalidArgValueError(name, 'a Date or a number of milliseconds since the epoch', time);
  }
  return time;
}

/** Returns a file descriptor. It need not be open: the system call that uses it checks that. */
export function validateDescriptor(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    throw new InvalidArgTypeError(name, 'a file descriptor', value);
  }
  if (!Number.isInteger(value) || value < 0 || value > 0x7fff_ffff) {
    throw new InvalidArgValueError(name, 'a file descriptor, an integer from 0 to 2147483647', value);
  }
  return value;
}

/** Returns an integer from `least` to `most`. */
export function validateInteger(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') {
    throw new InvalidArgTypeError(name, 'a number', value);
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InvalidArgValueError(name, `an integer from ${least} to ${most}`, value);
  }
  return value;
}

/** Returns a finite number of milliseconds. */
export function validateFinite(name: string, value: unknown): number {
  const milliseconds = validateMilliseconds(name, value);
  if (!Number.isFinite(milliseconds)) {
    throw new InvalidArgValueError(name, 'a finite number of milliseconds', value);
  }
  return milliseconds;
}

/** Returns a finite number of milliseconds above zero. */
export function validatePositive(name: string, value: unknown): number {
  const milliseconds = validateMilliseconds(name, value);
  if (milliseconds <= 0 || milliseconds === Infinity) {
    throw new InvalidArgValueError(name, 'a number of milliseconds above zero', value);
  }
  return milliseconds;
}

/** Returns a string. */
export function validateString(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new InvalidArgTypeError(name, 'a string', value);
  }
  return value;
}

/** Throws unless `value` is a function. */
export function validateFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new InvalidArgTypeError(name, 'a function', value);
  }
}

/** Throws unless `value` is an object or undefined. */
export function validateOptions(value: unknown): void {
  if (value !== undefined && (typeof value !== 'object' || value === null)) {
    throw new InvalidArgTypeError('options', 'an object', value);
  }
}

/** Throws for an option that does not exist: it is a slip of the pen, and would have no effect. */
export function validateNames(name: string, options: object | undefined, names: readonly string[]): void {
  for (const key in options) {
    if (!names.includes(key)) {
      throw new InvalidArgValueError(`${name}.${key}`, `left out: the options are ${names.join(', ')}`, key);
    }
  }
}

/** Throws unless `options` are an object, or undefined, with no names but the four that a task is installed by. */
export function validateInstallNames(options: object | undefined): void {
  validateOptions(options);
  // Without a list: this is half of what an install by `delta` is checked for.
  for (const name in options) {
    if (name !== 'delta' && name !== 'when' && name !== 'interval' && name !== 'offset') {
      validateNames('options', options, ['when', 'delta', 'interval', 'offset']);
    }
  }
}

/** Throws unless `value` is a boolean or undefined. */
export function validateBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new InvalidArgTypeError(name, 'a boolean', value);
  }
}

/** Throws unless `value` is an AbortSignal or undefined. */
export function validateSignal(value: unknown): void {
  if (value === undefined) {
    return;
  }
  // Checks the members that are used. An AbortSignal of another realm passes, and so does one of older polyfills, which
  // have no throwIfAborted().
  const { aborted, addEventListener, removeEventListener } = (value ?? {}) as Partial<AbortSignal>;
  if (
    typeof aborted !== 'boolean' ||
    typeof addEventListener !== 'function' ||
    typeof removeEventListener !== 'function'
  ) {
    throw new InvalidArgTypeError('options.signal', 'an AbortSignal', value);
  }
}

/** Throws the reason of a signal that is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw signal.reason;
  }
}

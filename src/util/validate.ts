/** Checks of what callers pass: they throw before anything waits or changes. */

import { types } from 'node:util';

import { InvalidArgTypeError, InvalidArgValueError } from './errors';

/** A timeout in milliseconds: left out means for ever. */
export function validateTimeout(timeout: number | undefined, name: string = 'timeout'): number {
  return timeout === undefined ? Infinity : validateMilliseconds(name, timeout);
}

/** A number of milliseconds, fractions and infinities allowed. */
export function validateMilliseconds(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    throw new InvalidArgTypeError(name, 'a number of milliseconds', value);
  }
  if (Number.isNaN(value)) {
    throw new InvalidArgValueError(name, 'a number of milliseconds', value);
  }
  return value;
}

/** A time on the wall clock, as milliseconds since the epoch. A Date of another realm (jest, vm) is one too. */
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

/** A file descriptor: whether it is open, the system will say. */
export function validateDescriptor(name: string, value: unknown): number {
  if (typeof value !== 'number') {
    throw new InvalidArgTypeError(name, 'a file descriptor', value);
  }
  if (!Number.isInteger(value) || value < 0 || value > 0x7fff_ffff) {
    throw new InvalidArgValueError(name, 'a file descriptor, an integer from 0 to 2147483647', value);
  }
  return value;
}

/** An integer within a range. */
export function validateInteger(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') {
    throw new InvalidArgTypeError(name, 'a number', value);
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InvalidArgValueError(name, `an integer from ${least} to ${most}`, value);
  }
  return value;
}

/** A number of milliseconds that is no infinity. */
export function validateFinite(name: string, value: unknown): number {
  const milliseconds = validateMilliseconds(name, value);
  if (!Number.isFinite(milliseconds)) {
    throw new InvalidArgValueError(name, 'a finite number of milliseconds', value);
  }
  return milliseconds;
}

/** A number above zero, of milliseconds. */
export function validatePositive(name: string, value: unknown): number {
  const milliseconds = validateMilliseconds(name, value);
  if (milliseconds <= 0 || milliseconds === Infinity) {
    throw new InvalidArgValueError(name, 'a number of milliseconds above zero', value);
  }
  return milliseconds;
}

/** A string. */
export function validateString(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new InvalidArgTypeError(name, 'a string', value);
  }
  return value;
}

/** A function. */
export function validateFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new InvalidArgTypeError(name, 'a function', value);
  }
}

/** An options object, or none. */
export function validateOptions(value: unknown): void {
  if (value !== undefined && (typeof value !== 'object' || value === null)) {
    throw new InvalidArgTypeError('options', 'an object', value);
  }
}

/** A boolean, or none. */
export function validateBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new InvalidArgTypeError(name, 'a boolean', value);
  }
}

/** An AbortSignal, or none. */
export function validateSignal(value: unknown): void {
  if (value === undefined) {
    return;
  }
  // By what is used of it: an AbortSignal of another realm is one too, and so is an older one, without throwIfAborted().
  const { aborted, addEventListener, removeEventListener } = (value ?? {}) as Partial<AbortSignal>;
  if (
    typeof aborted !== 'boolean' ||
    typeof addEventListener !== 'function' ||
    typeof removeEventListener !== 'function'
  ) {
    throw new InvalidArgTypeError('options.signal', 'an AbortSignal', value);
  }
}

/** Throws the reason of a signal that is aborted already. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw signal.reason;
  }
}

/** Times in the forms that BACpypes' time machine accepts. */

import { InvalidArgValueError, validateFinite, validateTime } from '../util';

/** A time: milliseconds since the epoch, a Date, or a string such as `'2026-01-31 13:05:00.25'`, in local time. */
export type TimeLike = number | Date | string;

const TIME = /^(?:(\d{4})-(\d{1,2})-(\d{1,2}))?\s*(?:(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,2}))?)?)?$/;

/** Returns milliseconds since the epoch. In a string, a missing date means today, and a missing time means midnight. */
export function toTime(name: string, time: TimeLike): number {
  if (typeof time === 'string') {
    return parseTime(name, time);
  }
  return validateFinite(name, validateTime(name, time));
}

function parseTime(name: string, time: string): number {
  const match = TIME.exec(time.trim());
  if (match === null || time.trim() === '') {
    refuse(name, time);
  }
  const [year, month, day, hour, minute, second] = match
    .slice(1, 7)
    .map((part: string | undefined) => Number(part ?? 0)) as [number, number, number, number, number, number];
  const hundredths = Number((match[7] ?? '0').padEnd(2, '0'));
  const date = new Date();
  date.setHours(0, 0, 0, 0);
  if (match[1] !== undefined) {
    date.setFullYear(year, month - 1, day);
  }
  // A Date converts the 30th of February to the second of March. (An hour that a clock skips in spring becomes the next
  // one.)
  if ((match[1] !== undefined && (date.getMonth() !== month - 1 || date.getDate() !== day)) || hour > 23) {
    refuse(name, time);
  }
  if (minute > 59 || second > 59) {
    refuse(name, time);
  }
  date.setHours(hour, minute, second, hundredths * 10);
  return date.getTime();
}

function refuse(name: string, time: string): never {
  throw new InvalidArgValueError(name, "a time such as '2026-01-31 13:05:00.25'", time);
}

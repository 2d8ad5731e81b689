/** The numbers of the system's errors, which differ between operating systems. No other file looks them up. */

import type { constants } from 'node:os';

import { os } from './lazy-builtins';

/** Returns the numbers by name, as native code returns them in results below zero. */
export function errno(): typeof constants.errno {
  return os().constants.errno;
}

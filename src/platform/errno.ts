/** The numbers of the system's errors, which differ between operating systems. No other file looks them up. */

import type { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

import { os } from './lazy-builtins';
import { nodeProcess } from './node-process';

type Numbers = typeof constants.errno;

let onWindows: Numbers | undefined;

/** Returns the numbers by name, as native code returns them in results below zero. On Windows they are libuv's. */
export function errno(): Numbers {
  if (nodeProcess.platform !== 'win32') {
    return os().constants.errno;
  }
  onWindows ??= Object.fromEntries([...getSystemErrorMap()].map(([number, [name]]) => [name, -number])) as Numbers;
  return onWindows;
}

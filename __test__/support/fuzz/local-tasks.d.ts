// The types of local-tasks.js.

import type { Dice } from './dice';

/** Runs one program of that many tasks and operations. Throws where the package and the model differ. */
export function compare(program: { dice: Dice; tasks: number; operations: number }): void;

/** What `util.inspect()` and `console.log()` show of an object of this package. */

import { type InspectOptions, inspect } from 'node:util';

/** Returns `ClassName { state }` instead of the fields of an object; beyond the depth, the name alone. */
export function inspectAs(
  object: object,
  depth: number,
  options: InspectOptions,
  readState: () => Record<string, unknown>,
): string {
  const name = (object.constructor as { name?: unknown } | undefined)?.name;
  const label = typeof name === 'string' && name !== '' ? name : 'Object';
  if (depth < 0) {
    return `[${label}]`;
  }
  let state: Record<string, unknown>;
  try {
    state = readState();
  } catch (error) {
    // Another thread may close the object meanwhile, and a prototype has no state. To print either must not throw.
    state = { error: String(error) };
  }
  return `${label} ${inspect(state, { ...options, depth: depth === Infinity ? Infinity : depth })}`;
}

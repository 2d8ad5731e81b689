/** What `util.inspect()` and `console.log()` show of an object of this package. */

import { type InspectOptions, inspect } from 'node:util';

/** Returns `ClassName { state }`: what a reader wants to know, in place of the fields; the name alone beyond the depth. */
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
    // An object that another thread closes at this moment, or a prototype: whoever prints it wants a line, not an error.
    state = { error: String(error) };
  }
  return `${label} ${inspect(state, { ...options, depth: depth === Infinity ? Infinity : depth })}`;
}

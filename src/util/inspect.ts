/** What `util.inspect()` and `console.log()` show of an object of this package. */

import { type InspectOptions, inspect } from 'node:util';

/** Fields of ours that say nothing of the object's state: asyncore's list of log types. */
const HIDDEN: ReadonlySet<string> = new Set(['ignoreLogTypes']);

/**
 * Returns `ClassName { state, fields }`: the state that `readState` returns, then the fields that a subclass has.
 * Beyond the depth it is `[ClassName]`.
 */
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
  let shown: Record<string, unknown>;
  try {
    shown = readState();
  } catch (error) {
    // A prototype, or an object that another thread closes at this moment: a reader wants a line, not an error.
    shown = { error: String(error) };
  }
  for (const [key, value] of Object.entries(object)) {
    // A loop has its methods as fields, bound to it.
    if (!HIDDEN.has(key) && typeof value !== 'function') {
      shown[key] = value;
    }
  }
  return `${label} ${inspect(shown, { ...options, depth })}`;
}

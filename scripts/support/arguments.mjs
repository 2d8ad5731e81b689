// The arguments of the platforms' scripts: options of their own, and what jest gets.

/** The options that are not for jest. `subset` runs what depends on the platform. */
const OWN = new Set(['driver', 'subset', 'unskipped', 'versions']);

/**
 * Splits arguments: `values` has the own options by their names; `patterns` are paths of test files, and `rest` are
 * jest's options, which have their values after a `=`.
 */
export function splitArguments(args) {
  const values = new Map();
  const patterns = [];
  const rest = [];
  for (const arg of args) {
    const [, name, value] = /^--(\w+)(?:=(.*))?$/.exec(arg) ?? [];
    if (OWN.has(name)) values.set(name, value ?? true);
    else (arg.startsWith('-') ? rest : patterns).push(arg);
  }
  return { values, patterns, rest };
}

import { inspect } from 'node:util';

/** Returns the text of an object in one line. */
export function textOf(object: object): string {
  return inspect(object, { breakLength: Infinity });
}

/** Returns the names that the text of an object shows, at its first level. */
export function shownBy(object: object): string[] {
  return [...inspect(object, { breakLength: Infinity, depth: 0 }).matchAll(/(?<=[{,] )['"]?([\w$]+)['"]?:/g)].map(
    ([, name]) => name as string,
  );
}

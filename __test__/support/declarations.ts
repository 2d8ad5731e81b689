import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './files';

/** What index.d.ts or testing.d.ts says of a class. */
interface Declared {
  readonly base: string | undefined;
  /** Methods and accessors, which are on the prototype. */
  readonly methods: ReadonlySet<string>;
  /** Fields, which may be on the prototype or on each instance. */
  readonly fields: ReadonlySet<string>;
}

const CLASS =
  /^export declare (?:abstract )?class (\w+)(?:<[^<>{]*>)?(?: extends (\w+)(?:<[^<>{]*>)?)? \{(\}|\n[^]*?\n\})$/gm;
const MEMBER = /^ {2}(?:(?:readonly|abstract|protected) )*(get |set )?([\w$]+)\??([(<:;])/gm;

/** Reads the classes of a rolled-up declaration file, in the form in which API Extractor writes it. */
function readClasses(text: string): [string, Declared][] {
  return [...text.matchAll(CLASS)].map(([, name = '', base, body = '']) => {
    const methods = new Set<string>();
    const fields = new Set<string>();
    for (const [, accessor, member = '', next = ''] of body.matchAll(MEMBER)) {
      if (member !== 'constructor' && member !== 'static') {
        (accessor !== undefined || '(<'.includes(next) ? methods : fields).add(member);
      }
    }
    return [name, { base, methods, fields }];
  });
}

/** The public classes, by their names. */
export const declaredClasses: ReadonlyMap<string, Declared> = new Map(
  ['index.d.ts', 'testing.d.ts', 'pool.d.ts'].flatMap((name) => readClasses(readFileSync(join(root, name), 'utf8'))),
);

/** Returns the declared members of a class and of the classes it extends, those of Error included. */
export function declaredMembers(name: string): Set<string> {
  const declared = declaredClasses.get(name);
  if (declared === undefined) {
    return new Set(name.endsWith('Error') ? [...Object.getOwnPropertyNames(Error.prototype), 'stack', 'cause'] : []);
  }
  const inherited = declared.base === undefined ? [] : declaredMembers(declared.base);
  return new Set([...inherited, ...declared.methods, ...declared.fields]);
}

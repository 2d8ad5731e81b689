// How the files of lib/ load each other: index.js loads shared.js, and that one the others, when they are needed first.

/**
 * Makes each export of `loop.js` and `tasks.js` one that loads the file, and so what `core.ts` sets: the loop of
 * channels that name none, and the manager of tasks. What stands behind `0 &&` never runs: Node reads in it which names
 * an ES module may import.
 */
export function loadOnUse(code) {
  const [, shared] = /const (\w+) = require\('\.\/shared\.js'\);/.exec(code);
  const all = [];
  const lines = [];
  let rest = code;
  for (const [statement, object, part] of code.matchAll(/const (\w+) = .+\.(parts\['(?:loop|tasks)\.js'\]\(\));\n/g)) {
    const names = [];
    const uses = new RegExp(`exports\\.(\\w+) = ${object}\\.\\1;\\n`, 'g');
    rest = rest.replace(statement, '').replaceAll(uses, (_, name) => names.push(name) && '');
    all.push(...names);
    lines.push(
      `for (const name of [${names.map((name) => `'${name}'`).join(', ')}]) {`,
      `\tconst get = () => ${shared}.${part}[name];`,
      '\tObject.defineProperty(exports, name, { get, enumerable: true, configurable: true });',
      '}',
    );
  }
  return `${rest}${shared}.setDefaultLoop(() => exports.core);
${shared}.setDefaultTaskOwner(() => exports.core.taskManager[${shared}.taskOwner]);
${lines.join('\n')}
0 && (module.exports = { ${all.join(', ')} });
`;
}

/** The files that programs load. */
const ENTRIES = new Set(['index.js', 'testing.js', 'pool.js', 'pool-worker.js']);

const SHARED = 'shared.js';

/**
 * Makes `shared.js` the one file that loads the others, each once, and gives itself to them. Where a program has
 * emptied the cache of modules since, as `jest.resetModules()` does, or a server that loads its code again, they would
 * require another copy of it. V8 compiles a function in parentheses at once, and so once.
 */
export function linkParts(code, { fileName }, _options, { chunks }) {
  const isPart = (name) => name !== SHARED && !ENTRIES.has(name);
  const shared = fileName === SHARED ? 'exports' : isPart(fileName) ? 'shared' : "require('./shared.js')";
  const text = code
    .replaceAll(/^require\('\.\/.+\.js'\);\n/gm, '')
    .replaceAll(/require\('\.\/([\w-]+\.js)'\)/g, (_, name) =>
      isPart(name) ? `${shared}.parts['${name}']()` : shared,
    );
  if (fileName === SHARED) {
    const files = Object.keys(chunks).filter(isPart);
    return `${text}
function once(load) {
\tlet part;
\treturn () => part ??= load()(exports);
}
exports.parts = {
${files.map((name) => `\t'${name}': once(() => require('./${name}'))`).join(',\n')}
};
`;
  }
  return isPart(fileName)
    ? text.replace(
        /^'use strict';\n([^]*)$/,
        "'use strict';\nmodule.exports = (function(shared) {\nconst exports = {};\n$1\nreturn exports;\n});\n",
      )
    : text;
}

// Checks the imports of the Rust sources: no two modules import each other, also not by way of others, and the rooms
// of the binding import downwards only. Only bindings/ declares functions for JavaScript.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The modules of the binding, from below. A module may import what is further up in this list, and its own entry. */
const BINDING_ORDER = [
  ['ffi'],
  ['pollers', 'reactor::pending_arms', 'reactor::driver', 'sleeper', 'uv_signals'],
  ['events::watch'],
  ['events'],
  ['reactor::ready_loops'],
  ['reactor::turn'],
  ['reactor'],
  ['environment'],
  ['bindings'],
];

/** The folders of sys/ of which a build has one: the others import it by the name `native`. */
const NATIVE = ['linux', 'bsd'];

const CRATES = [
  ...NATIVE.map((native) => ({ name: 'waitable-event', native })),
  { name: 'waitable-event-node', order: BINDING_ORDER, exporters: 'bindings' },
];

const crates = join(import.meta.dirname, '..', 'crates');
const errors = [];

/** Returns the code of a file: without comments, and without its unit tests, which stand at its end. */
function codeOf(text) {
  return text.replace(/^#\[cfg\((all\()?test\b[^]*$/m, '').replaceAll(/\/\/.*$/gm, '');
}

/**
 * Returns the modules of a crate by name: '' is the root, 'a::b' is src/a/b.rs or src/a/b/mod.rs. Of the folders in
 * NATIVE it takes `native`, by that name.
 */
function readModules(name, native) {
  const source = join(crates, name, 'src');
  const modules = new Map();
  for (const file of readdirSync(source, { encoding: 'utf8', recursive: true }).filter((path) =>
    path.endsWith('.rs'),
  )) {
    const path = file.slice(0, -'.rs'.length).split(/[\\/]/);
    if (['lib', 'mod'].includes(path.at(-1))) path.pop();
    if (path[0] === 'sys' && NATIVE.includes(path[1])) {
      if (path[1] !== native) continue;
      path[1] = 'native';
    }
    const code = codeOf(readFileSync(join(source, file), 'utf8'));
    modules.set(path.join('::'), { file: `crates/${name}/src/${file}`, path, code });
  }
  return modules;
}

/** Returns the paths that a use tree stands for: `a::{b, c::d}` is `a::b` and `a::c::d`. */
function expand(tree) {
  const open = tree.indexOf('{');
  if (open < 0) {
    return [tree.trim().replace(/\s+as\s+\w+$/, '')];
  }
  const parts = [];
  let depth = 0;
  let part = '';
  for (const character of tree.slice(open + 1, tree.lastIndexOf('}'))) {
    depth += { '{': 1, '}': -1 }[character] ?? 0;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else {
      part += character;
    }
  }
  const prefix = tree.slice(0, open).trim();
  return [...parts, part]
    .filter((each) => each.trim() !== '')
    .flatMap((each) => expand(each).map((path) => prefix + path));
}

/** Returns where a path begins, from the root of the crate, and its rest; undefined when it leads to another crate. */
function absolute(modules, module, path) {
  const [first, ...others] = path.split('::');
  let rest = others;
  let base = module.path;
  if (first === 'crate') {
    base = [];
  } else if (first === 'super') {
    base = base.slice(0, -1);
    while (rest[0] === 'super') {
      base = base.slice(0, -1);
      rest = rest.slice(1);
    }
  } else if (first !== 'self') {
    if (!modules.has([...base, first].join('::'))) return undefined;
    rest = [first, ...rest];
  }
  return { base, rest };
}

/** Returns the name of the module that defines what a path leads to: re-exports are followed. */
function resolve(modules, base, rest) {
  let name = base.join('::');
  let index = 0;
  while (index < rest.length && modules.has([...base, rest[index]].join('::'))) {
    base = [...base, rest[index]];
    name = base.join('::');
    index += 1;
  }
  const item = rest[index];
  for (const path of item === undefined ? [] : modules.get(name).reexports) {
    const target = absolute(modules, modules.get(name), path);
    const last = path.split('::').at(-1);
    if (target !== undefined && (last === item || last === '*')) {
      const found = resolve(modules, target.base, last === '*' ? [...target.rest.slice(0, -1), item] : target.rest);
      // By a glob, it may also be an item of this module.
      if (
        last === item ||
        modules.get(found).code.match(new RegExp(`\\b(fn|struct|enum|trait|const|static|type) ${item}\\b`))
      ) {
        return found;
      }
    }
  }
  return name;
}

/** Finds what each module imports. */
function addImports(modules) {
  for (const module of modules.values()) {
    module.reexports = [...module.code.matchAll(/\bpub(?:\([^)]*\))? use ([^;]+);/g)].flatMap(([, tree]) =>
      expand(tree),
    );
  }
  for (const [name, module] of modules) {
    const uses = [...module.code.matchAll(/\buse ([^;]+);/g)].flatMap(([, tree]) => expand(tree));
    const others = module.code.replaceAll(/\buse [^;]+;/g, '').match(/\b(?:crate|super)(?:::\w+)+/g) ?? [];
    module.imports = new Set();
    for (const path of [...uses, ...others]) {
      const target = absolute(modules, module, path);
      if (target !== undefined) {
        module.imports.add(resolve(modules, target.base, target.rest));
      }
    }
    module.imports.delete(name);
  }
}

/** Reports every circle that a search in depth meets. */
function checkCircles(modules) {
  const done = new Set();
  const visit = (name, way) => {
    if (way.includes(name)) {
      const circle = [...way.slice(way.indexOf(name)), name].map((each) => modules.get(each).file);
      errors.push(`a circle of modules: ${circle.join(' -> ')}`);
    } else if (!done.has(name)) {
      modules.get(name).imports.forEach((next) => visit(next, [...way, name]));
      done.add(name);
    }
  };
  for (const name of modules.keys()) visit(name, []);
}

/** Returns the entry of the order that a module belongs to: the longest one that matches. */
function entryOf(order, name) {
  const matches = order.flat().filter((entry) => name === entry || name.startsWith(`${entry}::`));
  return matches.toSorted((a, b) => b.length - a.length)[0];
}

/** Reports the imports that do not point downwards, and the modules that have no place. */
function checkOrder(modules, order) {
  const level = (entry) => order.findIndex((entries) => entries.includes(entry));
  for (const [name, { file, imports }] of modules) {
    const entry = entryOf(order, name);
    if (entry === undefined && name !== '') {
      errors.push(`${file}: no room of scripts/check-rust-rooms.mjs`);
    }
    for (const target of name === '' ? [] : imports) {
      const targetEntry = entryOf(order, target);
      if (targetEntry !== entry && level(targetEntry) >= level(entry)) {
        errors.push(`${file}: ${entry} may not import ${target}`);
      }
    }
  }
}

for (const { name, native, order, exporters } of CRATES) {
  const modules = readModules(name, native);
  addImports(modules);
  checkCircles(modules);
  if (order !== undefined) checkOrder(modules, order);
  for (const { file, path, code } of modules.values()) {
    if (exporters !== undefined && path[0] !== exporters && /#\[napi\b/.test(code)) {
      errors.push(`${file}: #[napi] belongs into ${exporters}/`);
    }
  }
  if (process.argv.includes('--print')) {
    for (const [module, { imports }] of modules) console.log(`${module || 'lib'}: ${[...imports].join(', ')}`);
  }
}
for (const error of errors) console.error(error);
process.exitCode = errors.length > 0 ? 1 : 0;

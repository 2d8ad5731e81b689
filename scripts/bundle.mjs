// Writes lib/, the JavaScript that is installed: one file for each entry, one for what they share, and files for what
// is loaded when it is needed first (11 ms against 9.5 ms of processor time with all in one). Loading the modules of
// the facade one by one takes twice as long (22 ms against 13 ms, with forty modules).
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { rollup } from '@rollup/wasm-node';
import { transform } from '@swc/core';
import { linkParts, loadOnUse } from './support/lib-parts.mjs';

const root = join(import.meta.dirname, '..');
const modules = join(root, 'dist', 'modules');
const output = join(root, 'lib');

/** Replaces names of constants by their values, and changes nothing else: functions stay as they were compiled. */
const compress = {
  defaults: false,
  toplevel: true,
  evaluate: true,
  reduce_vars: true,
  reduce_funcs: false,
  inline: 0,
  unused: true,
  dead_code: true,
  keep_classnames: true,
  keep_fnames: true,
};

/**
 * Shortens local names, and replaces four spaces by a tab. The code is smaller by a third, and loads 0.8 ms sooner, of
 * 10 ms. Lines, and the names of classes, functions and public members, stay as they are in a stack trace.
 */
async function shorten(code) {
  // With one character beyond Latin-1, V8 would keep the whole file as two bytes a character.
  const format = { asciiOnly: true };
  const minify = { compress, format, mangle: { toplevel: true, keep_classnames: true, keep_fnames: true } };
  const options = {
    swcrc: false,
    isModule: false,
    jsc: { target: 'es2022', parser: { syntax: 'ecmascript' }, minify },
  };
  const { code: shortened } = await transform(code, options);
  return shortened.replaceAll(/^( {4})+/gm, (spaces) => '\t'.repeat(spaces.length / 4));
}

const isRoom = (path) => existsSync(join(path, 'index.js'));

const namesIn = (list) =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Returns the files that a room has its exports from, by name. */
function exportsOf(room) {
  const text = readFileSync(join(room, 'index.js'), 'utf8');
  const all = [...text.matchAll(/^export \{ (.+) \} from '(.+)';$/gm)].flatMap(([, names, source]) =>
    namesIn(names).map((name) => [name, join(room, source)]),
  );
  return new Map(all);
}

/**
 * Returns the file that a name of a room comes from. A room may pass on what another one has. A name that stands for a
 * whole module is left to the room.
 */
function fileOf(room, name) {
  const path = exportsOf(room).get(name) ?? room;
  return path !== room && isRoom(path) ? fileOf(path, name) : path;
}

const constants = new Map();

/**
 * Returns the numbers that a file exports by name. In another file of lib/ they would be properties of an object: more
 * code, and V8 compiles only so much as one function. So a task of another thread takes 38 ns instead of 41, and when
 * four threads take turns, 41 instead of 46.
 */
function constantsOf(file) {
  if (!constants.has(file)) {
    const values = new Map();
    constants.set(file, values);
    const path = isRoom(file) ? join(file, 'index.js') : `${file}.js`;
    const text = readFileSync(path, 'utf8');
    for (const [, names, source] of text.matchAll(/^import \{ (.+) \} from '(\..+)';$/gm)) {
      const from = join(dirname(path), source);
      namesIn(names).forEach((name) => {
        const value = constantsOf(isRoom(from) ? fileOf(from, name) : from).get(name);
        return value === undefined || values.set(name, value);
      });
    }
    for (const [, name, expression] of text.matchAll(/^(?:export )?const (\w+) = (.+);$/gm)) {
      const numbers = expression.replaceAll(/\b[A-Z][A-Z0-9_]*\b/g, (word) => values.get(word) ?? word);
      if (/^([\d_a-fx\s()<>|&~*+/-]|Number\.NEGATIVE_INFINITY)+$/.test(numbers)) {
        values.set(name, `(${numbers})`);
      }
    }
  }
  return constants.get(file);
}

/**
 * A room is imported by its folder. Each name is taken from the file that has it, so that what is loaded with the
 * package does not load a whole room for one name.
 */
const rooms = {
  name: 'rooms',
  resolveId(source, importer) {
    if (importer === undefined || source.startsWith('node:')) {
      return null;
    }
    const path = resolve(dirname(importer), source);
    return isRoom(path) ? join(path, 'index.js') : `${path}.js`;
  },
  transform: (code, id) =>
    code.replace(/^(import|export) \{ (.+) \} from '(\..+)';$/gm, (statement, keyword, names, source) => {
      const path = join(dirname(id), source);
      const separate = (name) => {
        const file = isRoom(path) ? fileOf(path, name.split(' ')[0]) : path;
        const value = keyword === 'import' ? constantsOf(file).get(name) : undefined;
        return value === undefined ? `${keyword} { ${name} } from '${file}';` : `const ${name} = ${value};`;
      };
      return namesIn(names).map(separate).join(' ');
    }),
};

const main = join(modules, 'index.js');

/** What is loaded when it is needed first, and how the code names it: see the comments of these modules. */
const parts = {
  client: { file: join(modules, 'src/client/sending.js'), name: './sending' },
  server: { file: join(modules, 'src/server/receiving.js'), name: './receiving' },
  streams: { file: join(modules, 'src/streams/descriptor-streams.js'), name: './descriptor-streams' },
  tasks: { file: join(modules, 'src/task-manager/running.js'), name: './running' },
  'on-demand': { file: join(modules, 'src/task-manager/on-demand.js'), name: './on-demand' },
};

/** What the parts share, and the workers of a pool too. */
const sharedByParts = ['src/transport/', 'src/virtual-time/thread-activity'].map((path) => join(modules, path));

/**
 * The exports that are loaded when one of them is used. A thread that sets, waits, or schedules tasks of another one
 * needs none: it loads the package in 4.7 ms instead of 6.9. With the loop it is 7.2 instead of 7.3.
 */
const ON_USE = /\/src\/(?:run-loop|tasks)\/|\/src\/dispatcher\/(?:file|datagram)-dispatcher\.js$/;

/** Returns the file of lib/ for a module; `undefined` leaves that to Rollup. */
function chunkOf(id, { getModuleInfo }) {
  /** Tells whether the way from some module to `module` begins with an import for which `isFirst` is true. */
  const isBehind = (module, isFirst) =>
    getModuleInfo(module).importers.some((importer) => isFirst(importer, module) || isBehind(importer, isFirst));
  const { client, tasks } = parts;
  const isOfMain = isBehind(id, (importer) => importer === main);
  const isOfTasks = id === tasks.file || isBehind(id, (importer) => importer === tasks.file);
  const isFirst = isBehind(id, (from, to) => from === client.file || (from === main && !ON_USE.test(to)));
  if (isFirst && (isOfMain || isOfTasks)) {
    return 'chunk_shared';
  }
  if (isOfTasks) {
    return 'chunk_tasks';
  }
  if (isOfMain) {
    return 'chunk_loop';
  }
  return sharedByParts.some((path) => id.startsWith(path)) ? 'chunk_transport' : undefined;
}

/** The exports whose value changes. */
const variables = new Set();

const noteVariables = {
  name: 'note-variables',
  moduleParsed({ code }) {
    for (const [, name] of code.matchAll(/^export let (\w+)/gm)) variables.add(name);
  },
};

/**
 * Makes constants of what a file has from another one. As properties of an object, which has so many that V8 keeps them
 * in a hash table, they would be more code, and be looked up at each use.
 */
function importOnce(code) {
  let text = code;
  for (const [statement, object] of code.matchAll(/^const (chunk_\w+) = require\('.+'\);$/gm)) {
    const uses = new RegExp(`\\b${object}\\.([\\w$]+)`, 'g');
    const names = new Set([...code.matchAll(uses)].map(([, name]) => name).filter((name) => !variables.has(name)));
    const list = [...names].map((name) => `${name}: ${object}_${name}`).join(', ');
    text = text
      .replace(statement, `${statement}\nconst { ${list} } = ${object};`)
      .replaceAll(uses, (use, name) => (names.has(name) ? `${object}_${name}` : use));
  }
  return text;
}

/** The files of what several others import, where they are not called after their module. */
const CHUNKS = {
  introduction: 'pool-introduction',
  chunk_shared: 'shared',
  chunk_loop: 'loop',
  chunk_tasks: 'tasks',
  chunk_transport: 'transport',
};

/** Replaces the way from a compiled module to the package by the way from `lib/`. */
const fromLib = {
  name: 'root',
  renderChunk: (code) => code.replaceAll(/const (ROOT(?:\$\d+)?) = '\.\.\/\.\.\/\.\.'/g, "const $1 = '..'"),
};

const refuseWarnings = (level, log) => {
  // Also a circle of modules: it would load, or not, by the order of two lines.
  throw new Error(log.message);
};

const bundle = await rollup({
  input: {
    index: main,
    testing: join(modules, 'testing.js'),
    pool: join(modules, 'pool.js'),
    'pool-worker': join(modules, 'src/pool/worker-main.js'),
    ...Object.fromEntries(Object.entries(parts).map(([part, { file }]) => [part, file])),
  },
  // The tasks are a part, and what the loop imports.
  preserveEntrySignatures: 'allow-extension',
  external: [/^node:/],
  plugins: [rooms, noteVariables],
  onLog: refuseWarnings,
});
rmSync(output, { recursive: true, force: true });
await bundle.write({
  dir: output,
  format: 'cjs',
  // One file for what the entries share, one for what the parts share, and one for what a pool and its workers share.
  chunkFileNames: ({ name }) => `${CHUNKS[name] ?? name}.js`,
  manualChunks: chunkOf,
  externalLiveBindings: false,
  plugins: [
    {
      name: 'parts',
      renderChunk: (code) =>
        Object.entries(parts).reduce(
          (text, [part, { name }]) => text.replace(`require('${name}')`, `require('./${part}.js')`),
          code,
        ),
    },
    { name: 'worker', renderChunk: (code) => code.replace("'./worker-main.js'", "'./pool-worker.js'") },
    fromLib,
    { name: 'constants', renderChunk: (code, { fileName }) => (fileName === 'index.js' ? null : importOnce(code)) },
    { name: 'shorten', renderChunk: shorten },
    { name: 'parts-once', renderChunk: linkParts },
    { name: 'on-use', renderChunk: (code, { fileName }) => (fileName === 'index.js' ? loadOnUse(code) : null) },
  ],
  generatedCode: { preset: 'es2015', symbols: false },
});
await bundle.close();

// The doctor shares nothing with the package: it says why the package cannot be loaded.
const doctor = await rollup({
  input: ['doctor', 'doctor-worker'].map((name) => join(modules, 'src', 'doctor', `${name}.js`)),
  external: [/^node:/],
  plugins: [rooms],
  onLog: refuseWarnings,
});
await doctor.write({
  dir: output,
  format: 'cjs',
  chunkFileNames: 'doctor-shared.js',
  banner: ({ name }) => (name === 'doctor' ? '#!/usr/bin/env node' : ''),
  plugins: [fromLib, { name: 'shorten', renderChunk: shorten }],
});
await doctor.close();
chmodSync(join(output, 'doctor.js'), 0o755);

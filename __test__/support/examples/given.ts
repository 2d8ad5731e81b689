/** What a block of the documentation may take for granted: it uses these names, and does not declare them. */

import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';

import * as api from 'waitable-event';
import * as pool from 'waitable-event/pool';
import * as testing from 'waitable-event/testing';

/** The names that a module exports, by its specifier. */
const EXPORTS: Readonly<Record<string, readonly string[]>> = {
  'waitable-event': Object.keys(api),
  'waitable-event/pool': Object.keys(pool),
  'waitable-event/testing': Object.keys(testing),
  'node:worker_threads': ['Worker', 'workerData', 'isMainThread'],
  'node:child_process': ['spawn', 'execFileSync'],
};

/** Other names, with the code that declares them. What that code uses is declared, too. */
const DECLARATIONS: Readonly<Record<string, string>> = {
  event: [
    'const event = new WaitableEvent();',
    'setTimeout(() => event.set(), 50);',
    'setTimeout(() => event.close(), 5000);',
  ].join('\n'),
  draft: "const draft = 'a text';",
  controller: 'const controller = new AbortController();',
  serialPort: 'const serialPort = new WaitableEvent({ set: true });',
  fd: 'const fd = serialPort.fileno();',
  samples: 'const samples = Array.from({ length: 2000 }, (_, index) => index);',
  lines: "const lines = ['one', 'two'];",
  results: 'const results = [];',
  pairs: 'const pairs = [[1, 2], [3, 4]];',
  source: "const source = '{}';",
  limits: 'const limits = new Map([[7, 80]]);',
  store: 'const store = () => {};',
  log: 'const log = { error: (what) => console.error(what) };',
  remote: [
    "core.taskManager.define('sample', () => {});",
    'const remote = TaskManager.connect(core.taskManager.handle);',
    'void core.run();',
  ].join('\n'),
  pool: "const pool = new TaskPool('./given-worker.js', { size: 2, capacity: 1 });",
  worker: "const worker = new TaskWorker('./given-worker.js');\nworker.readySync();",
  machine: "const machine = new TimeMachine({ start: '2026-01-01 00:00' });",
  sleep: 'const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));',
};

/** Files that every block finds beside it, unless its page has such a file. */
export const GIVEN_FILES = [
  {
    name: 'given-worker.js',
    source: [
      "const { serve } = require('waitable-event/pool');",
      'serve({ add: ([a, b]) => a + b, parse: (text) => text.length, format: (text) => text.trim() });',
    ].join('\n'),
  },
  { name: 'worker.js', source: "require('./given-worker.js');" },
] as const;

/** Returns the arguments for a program: one that asks for the path of a device gets that of a FIFO with a line. */
export function givenArguments(code: string, directory: string): string[] {
  if (!code.includes('process.argv[2]')) {
    return [];
  }
  const device = join(directory, 'device');
  execFileSync('mkfifo', [device]);
  spawn('sh', ['-c', `echo 21.5 C > '${device}'`]);
  return [device];
}

/** Returns the declarations of all names that `code` uses and does not declare. */
export function declareGiven(code: string, isModule: boolean): string {
  const declarations: string[] = [];
  const isDone = new Set<string>();
  let text = code;
  for (let before = ''; before !== text;) {
    before = text;
    for (const [name, declaration] of Object.entries(DECLARATIONS)) {
      if (!isDone.has(name) && uses(text, name)) {
        isDone.add(name);
        // A blocked thread cannot hear in each runtime that a worker serves.
        declarations.unshift(isModule ? declaration.replace('worker.readySync()', 'await worker.ready') : declaration);
        text = `${declaration}\n${text}`;
      }
    }
  }
  if (uses(text, 'fs')) {
    declarations.unshift(isModule ? "import fs from 'node:fs';" : "const fs = require('node:fs');");
  }
  const imports = Object.entries(EXPORTS).flatMap(([specifier, names]) => {
    const used = names.filter((name) => uses(text, name)).join(', ');
    if (used === '') {
      return [];
    }
    return [isModule ? `import { ${used} } from '${specifier}';` : `const { ${used} } = require('${specifier}');`];
  });
  return [...imports, ...declarations].join('\n');
}

/** Returns whether code uses a name that it does not declare. */
function uses(code: string, name: string): boolean {
  const isUsed = new RegExp(`(?<![\\w.$'"#])${name}(?![\\w$:])`).test(code);
  const isDeclared = new RegExp(
    `(?:\\b(?:const|let|var|using|class|function)\\s+|(?:const|import)\\s+(?:type )?[[{][^}\\]]*?\\b|\\bimport \\* as )${name}\\b`,
  ).test(code);
  return isUsed && !isDeclared;
}

/** Each block of code in the documentation, as a program of its own: see `support/examples/code-blocks.ts`. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { beforeAll, expect, test } from '@jest/globals';

import { Child, type Ended, endedWith } from '../support/child';
import {
  type CodeBlock,
  type SourceFile,
  codeBlocks,
  isModule,
  runnable,
  typed,
} from '../support/examples/code-blocks';
import { GIVEN_FILES, givenArguments } from '../support/examples/given';
import { fixture, root, temporaryPath } from '../support/files';

/** The pages of the blocks that cannot run alone: they need a store, or a test runner. */
const NOT_RUN = ['docs/many-machines.md', 'docs/many-machines.md', 'docs/testing.md', 'packages/bullmq/README.md'];

/** Packages that blocks may use, beside this one. */
const TOOLS = ['croner'];

/** What each file loads first. */
const END = {
  path: fixture('examples/end-of-block.js'),
  href: pathToFileURL(fixture('examples/end-of-block.js')).href,
};

/** How many programs run at the same time. */
const CONCURRENCY = 6;

const docs = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .toSorted();
const PAGES = [
  'README.md',
  ...docs.map((name) => `docs/${name}`),
  'packages/bullmq/README.md',
  'examples/README.md',
  'examples/bacnet/README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'index.d.ts',
  'pool.d.ts',
  'testing.d.ts',
];

const blocks = PAGES.flatMap(codeBlocks);
const programs = blocks.filter(({ notRun, files }) => notRun === undefined && files.some(isMain));

/** Whether a file is run. Another one is there for the blocks of its page. */
function isMain({ name }: SourceFile): boolean {
  return /^(main|block)\./.test(name);
}

/** Returns the name of the test of a program. Where a blocked thread reads no channel, some are left out. */
function nameOf({ place, files }: CodeBlock): string {
  const isBlocking = files.some((file) => isMain(file) && runnable(file).source.includes('.readySync('));
  return isBlocking ? `${place}, which blocks until a worker serves` : place;
}

/** Makes a directory in which the package is installed, and the tools that the documentation names. */
function makeDirectory(name: string): string {
  const directory = temporaryPath(name);
  mkdirSync(join(directory, 'node_modules'), { recursive: true });
  symlinkSync(root, join(directory, 'node_modules', 'waitable-event'), 'junction');
  // Deno does not look into node_modules otherwise.
  writeFileSync(join(directory, 'package.json'), '{}');
  for (const each of TOOLS) {
    symlinkSync(join(root, 'node_modules', each), join(directory, 'node_modules', each), 'junction');
  }
  return directory;
}

/** Writes the files of a block, and of the other blocks of its page, into a directory. */
function writeFiles(block: CodeBlock, directory: string): void {
  const others = blocks.filter(({ page }) => page === block.page).flatMap(({ files }) => files);
  const files = [...others.filter((file) => !isMain(file)), ...block.files].map((file) => runnable(file));
  for (const { name, source } of GIVEN_FILES) {
    writeFileSync(join(directory, name), source);
  }
  for (const file of files) {
    // Not by --require, which Deno does not know.
    const first = isModule(file) ? `import ${JSON.stringify(END.href)};` : `require(${JSON.stringify(END.path)});`;
    writeFileSync(join(directory, file.name), `${first}\n${file.source}`);
  }
}

/** Runs a block in a process of its own. */
async function run(block: CodeBlock, index: number): Promise<Ended> {
  const directory = makeDirectory(`block${index}`);
  writeFiles(block, directory);
  const { name: main, source } = runnable(block.files.find(isMain) as SourceFile);
  const args = [main, ...givenArguments(source, directory)];
  // The block is stopped where it would go on, perhaps with tasks on their way.
  const codes = ['ExperimentalWarning', 'MODULE_TYPELESS_PACKAGE_JSON', 'WAITABLE_EVENT_NOT_RUNNING'];
  const quiet = codes.map((code) => `--disable-warning=${code}`);
  const child = new Child(process.execPath, [...quiet, ...args], {
    cwd: directory,
    env: { ...process.env, BLOCK_PRINTS: JSON.stringify(block.prints) },
  });
  return child.ended;
}

/** Starts all programs in their order, some of them at the same time. Returns their results, to be awaited. */
function runAll(): Promise<Ended>[] {
  const ends: Promise<Ended>[] = [];
  programs.forEach((block, index) => {
    const before = ends[index - CONCURRENCY] ?? Promise.resolve();
    const end = before.then(
      () => run(block, index),
      () => run(block, index),
    );
    end.catch(() => {});
    ends.push(end);
  });
  return ends;
}

let ends: Promise<Ended>[];

beforeAll(() => {
  ends = runAll();
});

test('the documentation has blocks of code, and few of them cannot run alone', () => {
  expect(programs.length).toBeGreaterThan(50);
  expect(blocks.filter(({ notRun }) => notRun !== undefined).map(({ page }) => page)).toEqual(NOT_RUN);
});

test.each(programs.map((block, index) => [nameOf(block), block, index] as const))('%s', async (_name, block, index) => {
  const { stdout, stderr } = endedWith(await (ends[index] as Promise<Ended>), 0);
  expect(stderr).toBe('');
  expect(block.prints.filter((text) => !stdout.includes(text))).toEqual([]);
});

test('each block that is not run can be parsed', () => {
  const texts = blocks.filter((block) => !programs.includes(block)).flatMap(({ files }) => files);
  expect(texts.map((file) => runnable(file).source)).not.toContain('');
});

test('blocks in TypeScript have the types that they say, and the errors', () => {
  const directory = makeDirectory('types');
  const names = blocks
    .filter(({ language }) => language === 'ts')
    .flatMap((block, index) => {
      const folder = join(directory, `block${index}`);
      mkdirSync(folder);
      return block.files.map((file) => {
        writeFileSync(join(folder, file.name), typed(file));
        return join(folder, file.name);
      });
    });
  expect(names.length).toBeGreaterThan(3);
  const options = ['--module', 'nodenext', '--target', 'es2022', '--strict', '--noEmit', '--types', 'node'];
  const roots = ['--typeRoots', join(root, 'node_modules', '@types'), '--skipLibCheck'];
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = spawnSync(process.execPath, [compiler, ...options, ...roots, '--pretty', 'false', ...names], {
    cwd: directory,
    encoding: 'utf8',
  });
  expect(stdout).toBe('');
});

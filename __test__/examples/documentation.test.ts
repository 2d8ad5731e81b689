/** Each block of code in the documentation, as a program of its own: see `support/examples/code-blocks.ts`. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
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

/** Installs the package, and the tools that the documentation names, for all directories of the blocks. */
function install(): void {
  const modules = temporaryPath('node_modules');
  mkdirSync(modules);
  // Deno does not look into node_modules otherwise.
  writeFileSync(temporaryPath('package.json'), '{}');
  const binding = readdirSync(root).filter((name) => name.endsWith('.node'));
  const parts = ['package.json', 'lib', 'index.d.ts', 'testing.d.ts', 'pool.d.ts', ...binding];
  link(root, join(modules, 'waitable-event'), parts);
  for (const each of TOOLS) {
    const folder = join(root, 'node_modules', each);
    link(folder, join(modules, each), readdirSync(folder));
  }
}

/** Links a folder. Copies parts of it where a link cannot lead to another drive. */
function link(folder: string, path: string, parts: readonly string[]): void {
  try {
    symlinkSync(folder, path, 'junction');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTSUP') throw error;
    parts.forEach((part) => cpSync(join(folder, part), join(path, part), { recursive: true }));
  }
}

function makeDirectory(name: string): string {
  const directory = temporaryPath(name);
  mkdirSync(directory);
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
  const codes = ['ExperimentalWarning', 'MODULE_TYPELESS_PACKAGE_JSON'];
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

/** What blocks use that is not everywhere. */
const OF_UNIX = /'sh'|\/dev\/(?:stdin|tty)|std(?:in|out)\.fd|toWritable\(1\)|kill\(process\.pid/;

/** Returns the name of a block's test, with what the tests of other platforms leave it out by. */
function nameOf({ place, files }: CodeBlock): string {
  // A blocked thread of Bun or Deno reads no channel.
  const isBlocking = files.some((file) => isMain(file) && runnable(file).source.includes('.readySync('));
  const isOfUnix = files.some(({ source }) => OF_UNIX.test(source));
  return `${place}${isBlocking ? ', which blocks until a worker serves' : ''}${isOfUnix ? ', on Unix' : ''}`;
}

let ends: Promise<Ended>[];

beforeAll(() => {
  install();
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

/**
 * The blocks of code in the documentation: those in Markdown, and the examples in the declarations. Each becomes files
 * of a program that can be run.
 *
 * - A line `// name.js` at the left margin begins a file of that name. What has no name is `block.js`.
 * - A file is an ES module if its name says so, if it imports, or if it awaits at the top level; otherwise CommonJS.
 * - Names that a block uses and does not declare are declared for it: see `given.ts`.
 * - `<!-- not run: reason -->` before a block of Markdown says that it cannot run alone. It is parsed all the same.
 * - `console.log(…); // text` and `expression; // true` state what is printed, and what a value is.
 */

import { readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

import { transformSync } from '@swc/core';

import { root } from '../files';
import { declareGiven } from './given';

/** A file of a program. */
export interface SourceFile {
  readonly name: string;
  readonly source: string;
}

/** A block of code. */
export interface CodeBlock {
  /** Where it stands: the file and the line. */
  readonly place: string;
  readonly page: string;
  readonly language: string;
  readonly files: readonly SourceFile[];
  /** Why it is not run; `undefined` if it is. */
  readonly notRun: string | undefined;
  /** What it says that it prints, in this order. */
  readonly prints: readonly string[];
}

const LANGUAGES = new Set(['js', 'mjs', 'cjs', 'ts']);

/** Returns the blocks of code on a page, whose path is relative to the root of the package. */
export function codeBlocks(page: string): CodeBlock[] {
  const lines = readFileSync(join(root, page), 'utf8').split('\n');
  return page.endsWith('.d.ts') ? examplesOf(page, lines) : fencedBlocks(page, lines);
}

function fencedBlocks(page: string, lines: readonly string[]): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let notRun: string | undefined;
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] as string;
    const fence = /^( *)```(\w*)/.exec(line);
    if (fence !== null) {
      const [, indent = '', language = ''] = fence;
      const end = lines.indexOf(`${indent}\`\`\``, index + 1);
      if (LANGUAGES.has(language)) {
        const text = lines.slice(index + 1, end).map((each) => each.slice(indent.length));
        blocks.push(toBlock(page, index + 1, language, text, notRun));
      }
      index = end;
      notRun = undefined;
    } else if (line.trim() !== '') {
      notRun = /^<!-- not run: (.+) -->$/.exec(line.trim())?.[1];
    }
  }
  return blocks;
}

function examplesOf(page: string, lines: readonly string[]): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    if (/^ *\* @example$/.test(lines[index] as string)) {
      const end = lines.findIndex((line, at) => at > index && /^ *\*(\/| @)/.test(line));
      const text = lines.slice(index + 1, end).map((line) => line.replace(/^ *\* ?/, ''));
      const isTyped = /^interface |^const \w+: |<\w+>\(/m.test(text.join('\n'));
      blocks.push(toBlock(page, index + 1, isTyped ? 'ts' : 'js', text, undefined));
    }
  }
  return blocks;
}

function toBlock(
  page: string,
  line: number,
  language: string,
  text: readonly string[],
  notRun: string | undefined,
): CodeBlock {
  const files: { name: string; lines: string[] }[] = [];
  for (const each of text) {
    const name = /^\/\/ ([\w-]+\.(?:[mc]?js|ts))$/.exec(each)?.[1];
    if (name !== undefined || files.length === 0) {
      files.push({ name: name ?? `block.${language}`, lines: [] });
    }
    if (name === undefined) {
      files.at(-1)?.lines.push(each);
    }
  }
  return {
    place: `${page}, line ${line}`,
    page,
    language,
    files: files.map(({ name, lines }) => ({ name, source: lines.join('\n').trim() })),
    notRun,
    prints: files.flatMap(({ lines }) => lines.flatMap(printed)),
  };
}

/** Returns what a line says that it prints: up to a colon, a semicolon or a comma with a space after it. */
function printed(line: string): string[] {
  const text = /(?:^\s*|\bdefine\(.*=> )console\.log\(.*\);? \/\/ (.+)$/.exec(line)?.[1];
  return text === undefined ? [] : [(text.split(/[:;,] /, 1)[0] as string).trim()];
}

/** Returns the code without comments, and without what stands in strings. */
export function codeOnly(source: string): string {
  return source
    .replaceAll(/(['"])(?:\\.|(?!\1)[^\\\n])*\1/g, "''")
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

/** Returns whether a file is an ES module. */
export function isModule({ name, source }: SourceFile): boolean {
  const code = codeOnly(source);
  return name.endsWith('.mjs') || /^(import|export) /m.test(code) || awaitsAtTop(code) || code.includes('import.meta');
}

function awaitsAtTop(code: string): boolean {
  // The formatter has seen each block: what is indented is in a block, and that of a function says so in its head.
  let asyncDepth = -1;
  return code.split('\n').some((line) => {
    const depth = line.search(/\S/);
    if (asyncDepth >= 0 && depth <= asyncDepth && depth >= 0) {
      asyncDepth = -1;
    }
    const isInside = asyncDepth >= 0;
    if (!isInside && /async\b.*\{$/.test(line)) {
      asyncDepth = depth;
    }
    return !isInside && /\bawait\b/.test(line) && !/async\b/.test(line);
  });
}

/**
 * Returns a file as Node can run it: with what it takes for granted, its statements about values checked, and without
 * types and syntax that older versions lack. Timeouts of calls are longer: this machine may have other work to do.
 */
export function runnable(file: SourceFile): SourceFile {
  const isEsm = isModule(file);
  const isTyped = extname(file.name) === '.ts';
  const patient = file.source.replaceAll(/(?<=\btimeout: |\breadySync\()\d+\b/g, '$&000');
  const checked = patient.replaceAll(
    /^( *)(?!.*console\.)((?:await )?[\w.]+\(.*\)|[\w.]+); \/\/ (true|false|-?\d+)(?:$|[:;,] .*$)/gm,
    (_match, indent: string, expression: string, value: string) => `${indent}isAsDocumented(${expression}, ${value});`,
  );
  const { code } = transformSync(`${declareGiven(codeOnly(checked), isEsm)}\n${checked}\n`, {
    swcrc: false,
    isModule: isEsm,
    jsc: {
      target: 'es2022',
      parser: isTyped ? { syntax: 'typescript' } : { syntax: 'ecmascript', explicitResourceManagement: true },
    },
    ...(isEsm ? { module: { type: 'es6' } } : {}),
  });
  return { name: isTyped ? `${basename(file.name, '.ts')}.js` : file.name, source: code };
}

/** Returns a TypeScript file as the compiler sees it: a line that says that it is an error has to be one. */
export function typed(file: SourceFile): string {
  const source = file.source.replaceAll(/^.*\/\/ an error of the compiler.*$/gm, '// @ts-expect-error\n$&');
  return `${declareGiven(codeOnly(source), true)}\n${source}\nexport {};\n`;
}

/** How the documentation becomes a site: what `npm run docs` does without VitePress and TypeDoc. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';

import { beforeEach, describe, expect, test } from '@jest/globals';

import { root, temporaryPath } from '../support/files';

/** Evaluates code of an ES module; `module` is one of the tree. Returns its value, or its error's message. */
function evaluate(module: string, code: string): unknown {
  const { href } = pathToFileURL(join(root, module));
  const source = `import * as module from '${href}';
    const attempt = () => { try { return ${code}; } catch (error) { return error.message; } };
    console.log(JSON.stringify(attempt()));`;
  const path = temporaryPath('evaluated.mjs');
  writeFileSync(path, source);
  const { stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

function convert(text: string, file = 'docs/event.md'): unknown {
  return evaluate('scripts/support/site-pages.mjs', `module.convertPage(${JSON.stringify(text)}, '${file}')`);
}

/** Runs the script, with arguments that it refuses or explains. */
function docs(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'scripts', 'docs.mjs'), ...args], { encoding: 'utf8' });
}

describe('npm run docs', () => {
  test('says how it is used', () => {
    const { status, stdout, stderr } = docs('--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: npm run docs/);
  });

  test.each([['--unknown'], ['page.md'], ['--port=x'], ['--port=65536']])(
    'refuses %s, before it does anything',
    (arg) => {
      const { status, stdout, stderr } = docs(arg);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('Usage: npm run docs');
      expect(stderr).not.toMatch(/^ {4}at /m);
    },
  );
});

test('each page of docs/ has a place in the sidebar', () => {
  const links = evaluate('site/sidebar.mjs', 'module.guide.flatMap(({ items }) => items).map(({ link }) => link)');
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'README.md');
  const linked = new Set((links as string[]).map((link) => link.replace(/^\/|#.*$/g, '')));
  expect(pages.filter((page) => !linked.has(page.replace('.md', '')))).toEqual([]);
});

test('the search weighs pages by a function that the browser has as its text alone', () => {
  const text = evaluate('site/search.mjs', 'module.boostDocument.toString()') as string;
  const boost = runInNewContext(`(${text})`) as (address: string) => number;
  const addresses = ['event.html#closing', 'api/waitable-event/classes/Task.html', 'changelog.html#added'];
  expect(addresses.map((address) => boost(`/waitable-event/${address}`))).toEqual([1, 0.5, 0.3]);
});

describe('a page as the site has it', () => {
  test('links pages of the site to each other', () => {
    expect(convert('[a](tasks.md#time), [b](../ARCHITECTURE.md), [c](README.md)')).toBe(
      '[a](./tasks.md#time), [b](./architecture.md), [c](./index.md)',
    );
    expect(convert('[a](docs/tasks.md), [b](#way)', 'ARCHITECTURE.md')).toBe('[a](./tasks.md), [b](#way)');
  });

  test('links to files and folders in the repository', () => {
    expect(convert('[a](../examples/udp.js), [b](../packages/bullmq)')).toBe(
      '[a](https://github.com/waitable-event/waitable-event/blob/main/examples/udp.js), ' +
        '[b](https://github.com/waitable-event/waitable-event/tree/main/packages/bullmq)',
    );
  });

  test('names a page by its title, and not by its file', () => {
    expect(convert('[tasks.md](tasks.md#time)')).toBe('[Tasks](./tasks.md#time)');
  });

  test('leaves code as it is', () => {
    const code = '```js\nconst [a](b.md);\n```';
    expect(convert(code)).toBe(code);
  });

  test('is refused if a link of it leads nowhere', () => {
    expect(convert('[a](nowhere.md)')).toBe('docs/event.md: nowhere.md leads nowhere');
    expect(convert('<img src="pictures/nowhere.svg">')).toBe('docs/event.md: pictures/nowhere.svg leads nowhere');
  });

  test('has a picture for light and for dark pages, and drawings as a part of it', () => {
    const picture = [
      '<picture>',
      '  <source media="(prefers-color-scheme: dark)" srcset="pictures/members-dark.svg">',
      '  <img src="pictures/members-light.svg" alt="Members">',
      '</picture>',
    ].join('\n');
    expect(convert(picture)).toBe(
      [
        '<div class="picture">',
        '<img class="on-light" src="./pictures/members-light.svg" alt="Members">',
        '<img class="on-dark" src="./pictures/members-dark.svg" alt="Members">',
        '</div>',
      ].join('\n'),
    );
    const drawing = convert('![A task](pictures/task-drawing.svg)') as string;
    expect(drawing).toMatch(/^<div class="drawing">\n<svg class="drawing" role="img" aria-label="A task" /);
    expect(drawing).not.toMatch(/<style|\n\n/);
  });
});

describe('the check of the built site', () => {
  const dist = temporaryPath('dist');

  function write(pages: Record<string, string>): void {
    for (const [name, html] of Object.entries(pages)) {
      mkdirSync(dirname(join(dist, name)), { recursive: true });
      writeFileSync(join(dist, name), html);
    }
  }

  const check = (...pages: string[]): unknown =>
    evaluate('scripts/support/site-links.mjs', `module.checkSite(${JSON.stringify(dist)}, ${JSON.stringify(pages)})`);

  const INDEX = '<a href="/waitable-event/event.html#the-state">event</a>';
  const EVENT =
    '<h2 id="the-state">The state</h2><a class="x" href="./#top">up</a><a href="https://nodejs.org/x#y">Node</a>';

  beforeEach(() => rmSync(dist, { recursive: true, force: true }));

  test('counts pages and links', () => {
    write({ 'index.html': `<h1 id="top">${INDEX}</h1>`, 'event.html': EVENT });
    expect(check('event', 'index')).toEqual({ files: 2, links: 2 });
  });

  test.each([
    ['a page', '<a href="/waitable-event/nowhere.html">x</a>', 'there is no such page'],
    ['a heading', '<a href="/waitable-event/event.html#nowhere">x</a>', 'the page has no such heading'],
    ['a heading of the page itself', '<a href="#nowhere">x</a>', 'the page has no such heading'],
    ['a picture', '<img alt="x" src="/waitable-event/assets/x.svg">', 'there is no such page'],
    ['what is not in the site', '<a href="/event.html">x</a>', 'it leaves the site'],
  ])('refuses a link to %s that is not there', (_what, html, fault) => {
    write({ 'index.html': `<h1 id="top">${INDEX}${html}</h1>`, 'event.html': EVENT });
    expect(check('event')).toMatch(new RegExp(`^The site has faults:\nindex\\.html: .*: ${fault}$`));
  });

  test('refuses a page to which no other page links', () => {
    write({ 'index.html': '<h1>index</h1>', 'event.html': '<a href="/waitable-event/event.html">itself</a>' });
    expect(check('event')).toBe('The site has faults:\nevent.html: no page links to it');
  });
});

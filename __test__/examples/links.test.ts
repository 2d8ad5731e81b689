/** The README, and the links of all pages. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { expect, test } from '@jest/globals';

import { root } from '../support/files';

const PAGES = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'examples/README.md',
  'examples/bacnet/README.md',
  'packages/bullmq/README.md',
];

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Returns the text of a page without its code. */
const proseOf = (page: string): string => read(page).replaceAll(/^( *)```[^]*?^\1```$/gm, '');

/** Returns the anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, text]) => text as string);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Returns the links of a page that lead nowhere. Those to other sites are not followed. */
function deadLinks(page: string): string[] {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)|\b(?:src|srcset|href)="([^"]+)"/g)].map(
    ([, inText, inTag]) => (inText ?? inTag) as string,
  );
  return links.filter((link) => {
    if (/^\w+:/.test(link)) {
      return false;
    }
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    return !existsSync(join(root, target)) || (anchor !== undefined && !anchorsOf(target).has(anchor));
  });
}

test.each(PAGES)('each link of %s leads somewhere', (page) => {
  expect(deadLinks(page)).toEqual([]);
});

test('the README is short, and has the commands', () => {
  const text = read('README.md');
  expect(text.split('\n').length).toBeLessThanOrEqual(121);
  for (const command of ['npm install waitable-event', 'npm install && npm start', 'npm install && npm test']) {
    expect(text).toContain(command);
  }
});

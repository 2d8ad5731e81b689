// Copies the Markdown of the repository to where the site is built from, with the links that the site needs.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { Failure, root } from './cache.mjs';

const folder = join(root, 'site', 'pages');
const types = join(root, 'site', 'types');
const REPOSITORY = 'https://github.com/waitable-event/waitable-event';

/** Pages that are not in docs/: by their file, the name that they have on the site. */
const OTHERS = {
  'ARCHITECTURE.md': 'architecture.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security.md',
  'examples/README.md': 'examples.md',
  'examples/bacnet/README.md': 'bacnet.md',
  'packages/bullmq/README.md': 'bullmq.md',
};

/** The declarations, by the specifier that a program imports. */
const DECLARATIONS = {
  'waitable-event': 'index.d.ts',
  'waitable-event/pool': 'pool.d.ts',
  'waitable-event/testing': 'testing.d.ts',
};

/** Returns the name of a file's page on the site, or undefined if it has none. */
function pageOf(file) {
  if (file in OTHERS) return OTHERS[file];
  const name = /^docs\/([\w-]+\.md)$/.exec(file)?.[1];
  return name === 'README.md' ? 'index.md' : name;
}

/** Returns where a link of `file` leads on the site. Throws if it leads nowhere. */
function translate(link, file) {
  if (/^(?:\w+:|#)/.test(link)) return link;
  const [path, anchor] = link.split('#');
  const target = posix.normalize(posix.join(posix.dirname(file), path));
  const suffix = anchor === undefined ? '' : `#${anchor}`;
  if (!existsSync(join(root, target))) throw new Failure(`${file}: ${link} leads nowhere`);
  if (target.startsWith('docs/pictures/')) return `./${target.slice('docs/'.length)}`;
  const page = pageOf(target);
  if (page !== undefined) return `./${page}${suffix}`;
  if (/^docs\/?$/.test(target)) return './index.md';
  // What the site has no page for is read in the repository.
  const kind = statSync(join(root, target)).isDirectory() ? 'tree' : 'blob';
  return `${REPOSITORY}/${kind}/main/${target.replace(/\/$/, '')}${suffix}`;
}

/** A drawing becomes a part of the page, so that it follows the page's colours. Their rules are in the theme. */
function inlineDrawing(file, text) {
  const svg = readFileSync(join(root, posix.join(posix.dirname(file), text.path)), 'utf8');
  const lines = svg
    .replace(/<style>[^]*?<\/style>/, '')
    .replace('<svg ', `<svg class="drawing" role="img" aria-label="${text.alt}" `)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return `<div class="drawing">\n${lines.map((line) => line.trim()).join('\n')}\n</div>`;
}

/** Returns the text of a link: where that is the name of a page's file, the page's title. */
function textOf(text, link, file) {
  const target = posix.normalize(posix.join(posix.dirname(file), link.split('#')[0]));
  if (text !== basename(target) || pageOf(target) === undefined) return text;
  return /^# (.+)$/m.exec(readFileSync(join(root, target), 'utf8'))?.[1] ?? text;
}

/** Returns a page as the site has it: `text` has no code. */
function convertProse(text, file) {
  return text
    .replaceAll(
      /<picture>\s*<source [^>]*srcset="([^"]+)">\s*<img src="([^"]+)" alt="([^"]+)">\s*<\/picture>/g,
      (...found) => {
        const [, dark, light, alt] = found;
        return [
          '<div class="picture">',
          `<img class="on-light" src="${light}" alt="${alt}">`,
          `<img class="on-dark" src="${dark}" alt="${alt}">`,
          '</div>',
        ].join('\n');
      },
    )
    .replaceAll(/^!\[([^\]]+)\]\((pictures\/[\w-]+-drawing\.svg)\)$/gm, (_found, alt, path) =>
      inlineDrawing(file, { alt, path }),
    )
    .replaceAll(/\[([\w.-]+)\]\(([^)\s]+)\)/g, (_found, name, link) => `[${textOf(name, link, file)}](${link})`)
    .replaceAll(/(?<=\]\()[^)\s]+(?=\))/g, (link) => translate(link, file))
    .replaceAll(/\b(src|href)="([^"]+)"/g, (_found, name, link) => `${name}="${translate(link, file)}"`);
}

/** Returns the text of a page as the site has it. Throws if a link of it leads nowhere. */
export function convertPage(text, file) {
  // What is in a fence is code, and stays.
  const parts = text.split(/(^ *```[^]*?^ *```$)/m);
  return parts.map((part, index) => (index % 2 === 0 ? convertProse(part, file) : part)).join('');
}

/** Copies one page. */
export function stagePage(file) {
  const text = readFileSync(join(root, file), 'utf8');
  // Where there are no headings, a table gets the room of the outline.
  const head = /^## /m.test(text) ? '' : '---\naside: false\n---\n\n';
  writeFileSync(join(folder, pageOf(file)), head + convertPage(text, file));
}

/** Copies all pages, the pictures and the declarations. Returns the names of the pages. */
export function stagePages() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'docs', 'pictures'), join(folder, 'pictures'), { recursive: true });
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const files = [...docs.map((name) => `docs/${name}`), ...Object.keys(OTHERS)];
  for (const file of files) stagePage(file);

  // TypeDoc names a module by its file.
  rmSync(types, { recursive: true, force: true });
  for (const [specifier, file] of Object.entries(DECLARATIONS)) {
    const copy = join(types, `${specifier}.d.ts`);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(root, file), copy);
  }
  return files.map((file) => basename(pageOf(file), '.md'));
}

// Checks the site as it was built: the links of its pages, their anchors, and that each page can be found.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { Failure } from './cache.mjs';

const BASE = '/waitable-event/';

const decode = (text) => decodeURIComponent(text.replaceAll('&amp;', '&'));

/** Returns what a page links to, and the ids that links may lead to. */
function read(html) {
  const links = [...html.matchAll(/<(?:a|img|link|script)\b[^>]*?\s(?:href|src)="([^"]*)"/g)].map(([, link]) => link);
  const ids = new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => decode(id)));
  return { links, ids };
}

/**
 * Throws if a link of the site in `dist` leads nowhere, or if no page links to one of `pages`. Links to other sites are
 * not followed. Returns how much was checked.
 */
export function checkSite(dist, pages) {
  const files = readdirSync(dist, { recursive: true }).filter((file) => file.endsWith('.html'));
  const contents = new Map(
    files.map((file) => [file.replaceAll('\\', '/'), read(readFileSync(join(dist, file), 'utf8'))]),
  );
  const faults = new Map();
  const linked = new Set();
  let count = 0;
  for (const [file, { links }] of contents) {
    for (const link of links.filter((each) => !/^(?:\w+:|\/\/)/.test(each))) {
      count += 1;
      const fault = faultOf(link, file);
      // The sidebar is on every page: one of them is enough.
      if (fault !== undefined && !faults.has(link)) faults.set(link, `${file}: ${link}: ${fault}`);
    }
  }
  for (const page of pages) {
    if (!linked.has(`${page}.html`)) faults.set(page, `${page}.html: no page links to it`);
  }
  if (faults.size > 0) throw new Failure(`The site has faults:\n${[...faults.values()].join('\n')}`);
  return { files: files.length, links: count };

  /** Returns what is wrong with a link of `file`; undefined if it leads somewhere. */
  function faultOf(link, file) {
    const [path, anchor] = link.split('#');
    if (path.startsWith('/') && !path.startsWith(BASE)) return 'it leaves the site';
    const inside = path.startsWith('/') ? path.slice(BASE.length) : posix.join(posix.dirname(file), decode(path));
    let target = path === '' ? file : inside;
    if (target === '' || target.endsWith('/')) target = posix.join(target, 'index.html');
    if (!existsSync(join(dist, target)) && existsSync(join(dist, `${target}.html`))) target += '.html';
    if (!existsSync(join(dist, target))) return 'there is no such page';
    if (target !== file) linked.add(target);
    const hasAnchor = anchor === undefined || anchor === '' || contents.get(target)?.ids.has(decode(anchor));
    return hasAnchor ? undefined : 'the page has no such heading';
  }
}

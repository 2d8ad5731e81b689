'use strict';
/** Writes bench/report.html, and the pictures and the table in docs/. */

const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const { draw } = require('./charts');
const { inShort } = require('./environment');
const { FIGURE_HEADINGS, TARGET_HEADINGS, figureRows, sentence, targetRows } = require('./table');

const root = join(__dirname, '../..');

/** Comparisons that the README shows, on one core. */
const PICTURES = new Set([
  'round-trip-blocking',
  'round-trip-event-loop',
  'schedule-number',
  'schedule-workers',
  'payload-size',
  'tasks-by-number',
  'members',
  'memory-each',
]);

function escape(text) {
  return String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function htmlTable(headings, rows) {
  const keys = Object.keys(headings);
  const cells = (tag, row) => keys.map((key) => `<${tag} class="${key}">${escape(row[key])}</${tag}>`).join('');
  const classOf = ({ verdict }) => (verdict?.startsWith('met on') ? 'partly' : (verdict ?? '').replace(' ', '-'));
  const body = rows.map((row) => `<tr class="${classOf(row)}">${cells('td', row)}</tr>`).join('\n');
  return `<table><thead><tr>${cells('th', headings)}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

/** Returns both drawings of a comparison. The page shows the one that suits its theme. */
function drawings(comparison) {
  const [light, dark] = ['light', 'dark'].map((theme) => draw(comparison, theme));
  return light === undefined ? '' : `<figure><div class="light">${light}</div><div class="dark">${dark}</div></figure>`;
}

function section(comparisons, rows) {
  const [{ name, title, text }] = comparisons;
  const parts = comparisons.map((comparison) => {
    const own = rows.filter((row) => row.title === title && row.pin === comparison.pin);
    const figures = own.length > 0 ? `<div class="wide">${htmlTable(FIGURE_HEADINGS, own)}</div>` : '';
    return `<div><h3>${escape(comparison.pin)}</h3>\n${drawings(comparison)}\n${figures}</div>`;
  });
  const heading = `<h2>${escape(title)}</h2>\n<p>${escape(text)}</p>`;
  return `<section id="${name}">${heading}\n<div class="pins">${parts.join('\n')}</div></section>`;
}

const STYLE = `
:root { color-scheme: light dark; --text: #24292f; --muted: #6e7781; --line: #d0d7de; --back: #fff; }
:root { --good: #1a7f37; --bad: #cf222e; --partly: #9a6700; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
body { max-width: 96rem; margin: 2rem auto; padding: 0 1rem; }
p, nav { max-width: 60rem; }
p.verdict { font-size: 1.4rem; font-weight: 600; }
.pins { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); }
.pins > div { min-width: 0; }
.dark { display: none; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --muted: #9198a1; --line: #3d444d; --back: #0d1117; --good: #3fb950; --bad: #f85149; }
  :root { --partly: #d29922; }
  .dark { display: block; }
  .light { display: none; }
}
figure { margin: 0; }
figure svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
.what, .name { white-space: normal; }
.what { min-width: 16rem; }
.name { min-width: 7rem; }
th, td { text-align: left; padding: 0.2rem 0.8rem 0.2rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
.met td:first-child { color: var(--good); }
.missed td:first-child { color: var(--bad); font-weight: 600; }
.partly td:first-child { color: var(--partly); }
section { border-top: 1px solid var(--line); margin-top: 2rem; }
dt, .muted { color: var(--muted); }
nav a { margin-right: 1rem; }`;

/** Writes the page, and returns its path. */
function writeReport(run) {
  const { rows, missing } = figureRows(run);
  const names = [...new Set(run.comparisons.map(({ name }) => name))];
  const of = (name) => run.comparisons.filter((comparison) => comparison.name === name);
  const { versions } = run.environment;
  const known = Object.entries(versions).filter(([, version]) => version !== undefined);
  const file = join(root, 'bench/report.html');
  writeFileSync(
    file,
    `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>What a wake-up costs</title><style>${STYLE}</style></head><body>
<h1>What a wake-up costs</h1>
<p class="verdict">${escape(sentence(run))}</p>
<p>${escape(inShort(run.environment))}</p>
<p class="muted">${escape(known.map(([name, version]) => `${name} ${version}`).join(', '))}.
${run.extent.rounds} rounds${run.extent.quick ? ', the quick way' : ''}. The contenders of a comparison take turns.</p>
<nav>${names.map((name) => `<a href="#${name}">${escape(of(name)[0].title)}</a>`).join(' ')}</nav>
<h2>Targets</h2>
<p>The figures are medians of the quotients of rounds that follow each other. With ≤ they are costs, and less is better;
with ≥ they are speeds, and more is better. The range is that on one core. The limit, on one core
and on all, is the same quotient for a contender that does the least that anything must do.</p>
<div class="wide">${htmlTable(TARGET_HEADINGS, targetRows(run))}</div>
${missing.map((line) => `<p class="muted">${escape(line)}</p>`).join('\n')}
${names.map((name) => section(of(name), rows)).join('\n')}
</body></html>
`,
  );
  return file;
}

/** Renews docs/pictures/ and docs/results.md. Resolves with their paths. */
async function writePictures(run) {
  const folder = join(root, 'docs/pictures');
  mkdirSync(folder, { recursive: true });
  const files = [];
  for (const comparison of run.comparisons) {
    if (PICTURES.has(comparison.name) && comparison.pin === 'one core') {
      for (const theme of ['light', 'dark']) {
        const svg = draw(comparison, theme, inShort(run.environment));
        if (svg !== undefined) {
          const file = join(folder, `${comparison.name}-${theme}.svg`);
          writeFileSync(file, `${svg}\n`);
          files.push(file);
        }
      }
    }
  }
  files.push(await writeTable(run));
  return files;
}

/** Writes the table of targets as a page of the documentation. Resolves with its path. */
async function writeTable(run) {
  const { format, resolveConfig } = require('prettier');
  const file = join(root, 'docs/results.md');
  const keys = Object.keys(TARGET_HEADINGS);
  const line = (row) => `| ${keys.map((key) => row[key].replaceAll('|', '\\|')).join(' | ')} |`;
  const table = [TARGET_HEADINGS, Object.fromEntries(keys.map((key) => [key, '-'])), ...targetRows(run)].map(line);
  const text = `# Results

This is a run of \`npm run bench\` on ${inShort(run.environment)}.
\`npm run bench -- --pictures\` renews this page and the pictures. [performance.md](performance.md) says how to read it.

**${sentence(run)}**

${table.join('\n')}
`;
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), proseWrap: 'always', filepath: file }));
  return file;
}

module.exports = { writePictures, writeReport };

// Builds the documentation site, or serves it while it is written.
import { spawn } from 'node:child_process';
import { rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { Failure, root, runMain, say } from './support/cache.mjs';
import { installLocked } from './support/locked-packages.mjs';
import { checkSite } from './support/site-links.mjs';
import { stagePage, stagePages } from './support/site-pages.mjs';

const HELP = `Usage: npm run docs -- [options]

Builds the documentation site: the pages in docs/ and a few others of the repository, and the pages of the interface,
which TypeDoc makes of index.d.ts, pool.d.ts and testing.d.ts. The result is in site/dist. It fails on a warning, and on
a link, an anchor or a picture that is not there. The first run installs what only the site needs into
site/node_modules.

  --serve        serve the site on 127.0.0.1, and reload a page of docs/ when it changes
  --port NUMBER  the port to serve on (default: 5173)
  --help         this text`;

const site = join(root, 'site');
const dist = join(site, 'dist');
const typedoc = join(site, 'node_modules', 'typedoc', 'bin', 'typedoc');
const vitepress = join(site, 'node_modules', 'vitepress', 'bin', 'vitepress.js');

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        serve: { type: 'boolean', default: false },
        port: { type: 'string', default: '5173' },
        help: { type: 'boolean', default: false },
      },
    });
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
      throw new Error(`--port: '${values.port}' is not the number of a port`);
    }
    return values;
  } catch (error) {
    throw new Failure(`${error.message}\n\n${HELP}`);
  }
}

/** Runs a program of the site's, shows what it prints, and fails if a line of that is none of the `usual` ones. */
async function build(what, args, usual) {
  const child = spawn(process.execPath, args, { cwd: site, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      printed += text;
      process.stderr.write(text);
    });
  }
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...end) => resolve(end));
  });
  if (code !== 0) throw new Failure(`${what}: ${signal ?? `exit code ${code}`}`);
  // Not each warning calls itself one.
  const lines = stripVTControlCharacters(printed).split(/[\r\n]+/);
  const warning = lines.find((line) => line.trim() !== '' && !usual.test(line));
  if (warning !== undefined) throw new Failure(`${what} has a warning: ${warning.trim()}`);
}

/** Serves the site until the server ends. */
async function serve(port) {
  const folder = join(root, 'docs');
  watch(folder, (_event, name) => {
    if (!name?.endsWith('.md')) return;
    try {
      stagePage(`docs/${name}`);
    } catch (error) {
      console.error(error.message);
    }
  }).unref();
  const args = [vitepress, 'dev', site, '--port', port, '--host', '127.0.0.1'];
  const child = spawn(process.execPath, args, { cwd: site, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve(code ?? 0));
  });
}

async function main() {
  const { help, port, serve: isServed } = parse();
  if (help) {
    console.log(HELP);
    return 0;
  }
  installLocked(site);
  say('pages of docs/');
  const pages = stagePages();
  say('pages of the interface');
  await build('typedoc', [typedoc, '--options', join(site, 'typedoc.json')], /^\[info\] /);
  if (isServed) return serve(port);
  rmSync(dist, { recursive: true, force: true });
  say('site');
  await build(
    'vitepress',
    [vitepress, 'build', site],
    /^ *(?:vitepress v|[-✓] (?:building|rendering) |build complete)/,
  );
  const { files, links } = checkSite(dist, pages);
  say(`site/dist: ${files} pages, and each of their ${links} links leads somewhere.`);
  return 0;
}

await runMain(main);

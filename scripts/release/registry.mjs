// A registry of its own, on the loopback interface. It knows no other one, and each package that is published is there
// until it ends.
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../support/cache.mjs';
import { start } from './processes.mjs';

/** How long the registry may take to start, in milliseconds. */
const PATIENCE = 120_000;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** Starts the registry with its data in `folder`. Returns its URL, also without the protocol, and how to end it. */
export async function startRegistry(verdaccio, folder) {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const config = join(folder, 'config.yaml');
  // JSON is YAML as well.
  writeFileSync(
    config,
    JSON.stringify({
      storage: join(folder, 'storage'),
      web: { enable: false },
      uplinks: {},
      packages: { '**': { access: '$all', publish: '$all', unpublish: '$all' } },
      max_body_size: '50mb',
      log: { type: 'stdout', level: 'warn', format: 'pretty' },
    }),
  );
  const log = join(folder, 'log.txt');
  const output = openSync(log, 'w');
  const command = [process.execPath, verdaccio, '--config', config, '--listen', `127.0.0.1:${port}`];
  const child = start(command, { cwd: folder, stdio: ['ignore', output, output] });
  const url = `http://127.0.0.1:${port}/`;
  const end = Date.now() + PATIENCE;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > end) {
      throw new Failure(`The registry does not start:\n${readFileSync(log, 'utf8')}`);
    }
    await sleep(100);
  }
  const stop = async () => {
    const ended = new Promise((resolve) => {
      child.on('close', resolve);
    });
    child.kill();
    await ended;
  };
  return { url, address: `127.0.0.1:${port}/`, stop };
}

async function isReady(url) {
  try {
    return (await fetch(`${url}-/ping`)).ok;
  } catch {
    return false;
  }
}

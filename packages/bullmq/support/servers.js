'use strict';
/**
 * Servers for tests, examples and benchmarks: on a free port of the loopback interface, with their data in a temporary
 * folder. They end with the process that started them, however that ends.
 */

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync, closeSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/**
 * Kills the server when its standard input has a line, or ends: that is when the process ends that holds the other
 * end. Then the data is removed, too.
 */
const KEEPER = `folder=$1; shift; "$@" & pid=$!; echo $pid; left=; read -r line || left=1
kill -9 $pid 2> /dev/null; wait $pid; [ -z "$left" ] || rm -rf "$folder"`;
const DEADLINE = 60_000;
/** The user without privileges that each Linux has. */
const UNPRIVILEGED = 65_534;

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves with a port that was free a moment ago. */
async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

class Server {
  constructor(prefix) {
    this.folder = mkdtempSync(join(tmpdir(), prefix));
    this.pid = undefined;
    this.keeper = undefined;
  }

  /** Starts the server, on the same port and the same data when it ran before. Resolves when it answers. */
  async start() {
    this.port ??= await freePort();
    const deadline = performance.now() + DEADLINE;
    for (;;) {
      await this.spawn();
      while (performance.now() < deadline && this.keeper !== undefined) {
        if (await this.answers()) return this;
        this.releaseKeeper();
        await pause(20);
      }
      if (performance.now() >= deadline) throw new Error(`The server does not answer:\n${this.log()}`);
      // It has ended: after a SIGKILL, PostgreSQL refuses to start until its last process is gone.
      await pause(100);
    }
  }

  async spawn() {
    const log = openSync(join(this.folder, 'log'), 'a');
    const keeper = spawn('sh', ['-c', KEEPER, 'sh', this.folder, ...this.commandLine()], {
      stdio: ['pipe', 'pipe', log],
      cwd: this.folder,
      // Ctrl-C reaches the program that started this, which ends it.
      detached: true,
    });
    closeSync(log);
    keeper.stdin.on('error', () => undefined);
    const [pid] = await once(keeper.stdout, 'data');
    this.pid = Number(String(pid).split('\n')[0]);
    keeper.stdout.resume();
    this.keeper = keeper;
    keeper.once('exit', () => {
      if (this.keeper === keeper) this.keeper = undefined;
    });
  }

  /** A server that ends by itself leaves its keeper, which waits for a line. */
  releaseKeeper() {
    const state = readProcess(this.pid);
    if (state === undefined || state === 'Z') this.keeper?.stdin.end('keep\n');
  }

  /** Kills the server without a warning. Resolves when it is gone. */
  async kill() {
    const { keeper } = this;
    if (keeper === undefined) return;
    try {
      process.kill(this.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
    keeper.stdin.end('keep\n');
    if (keeper.exitCode === null) await once(keeper, 'exit');
    this.keeper = undefined;
  }

  /** Kills the server, and removes its data. */
  async stop() {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  log() {
    return readFileSync(join(this.folder, 'log'), 'utf8').slice(-2000);
  }
}

/** Returns the state letter of a process; undefined when it is gone. */
function readProcess(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
  } catch {
    try {
      process.kill(pid, 0);
      return '?';
    } catch {
      return undefined;
    }
  }
}

/** Redis or Valkey. `settings` are its own, such as `{ appendonly: 'yes' }`. */
class RedisServer extends Server {
  constructor(command, settings = { appendonly: 'yes', save: '' }, folder) {
    super('waitable-event-redis-');
    this.command = command;
    this.settings = settings;
    this.dataFolder = folder ?? this.folder;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  commandLine() {
    const fixed = { port: this.port, bind: '127.0.0.1', dir: this.dataFolder, logfile: join(this.folder, 'redis.log') };
    const settings = Object.entries({ ...fixed, ...this.settings }).flatMap(([key, value]) => [`--${key}`, `${value}`]);
    return [...this.command, ...settings];
  }

  answers() {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      const end = (answer) => {
        socket.destroy();
        resolve(answer);
      };
      socket.setTimeout(5000, () => end(false));
      socket.once('error', () => end(false));
      // A server that loads its data says so instead.
      socket.once('data', (data) => end(/^\+PONG|^-NOAUTH/.test(String(data))));
      socket.write('PING\r\n');
    });
  }
}

/** PostgreSQL, with a database `test` and BullMQ's tables in it. */
class PostgresServer extends Server {
  constructor(binaries, settings = {}) {
    super('waitable-event-postgres-');
    this.binaries = binaries;
    this.settings = settings;
    // PostgreSQL refuses to run as root.
    const isRoot = process.getuid?.() === 0;
    this.prefix = isRoot ? ['setpriv', `--reuid=${UNPRIVILEGED}`, `--regid=${UNPRIVILEGED}`, '--clear-groups'] : [];
    if (isRoot) chownSync(this.folder, UNPRIVILEGED, UNPRIVILEGED);
    writeFileSync(join(this.folder, 'password'), 'secret\n');
    this.run(
      'initdb',
      '-D',
      'data',
      '-U',
      'test',
      '-A',
      'scram-sha-256',
      '--pwfile=password',
      '--no-sync',
      '--locale=C',
      '-E',
      'UTF8',
    );
  }

  get url() {
    return `postgres://test:secret@127.0.0.1:${this.port}/postgres`;
  }

  run(program, ...args) {
    const [command, ...rest] = [...this.prefix, join(this.binaries, program), ...args];
    const { status, error, stderr } = spawnSync(command, rest, { cwd: this.folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
  }

  commandLine() {
    const fixed = { listen_addresses: '127.0.0.1', unix_socket_directories: '', port: this.port, max_connections: 200 };
    const settings = Object.entries({ ...fixed, ...this.settings }).flatMap(([key, value]) => [
      '-c',
      `${key}=${value}`,
    ]);
    return [...this.prefix, join(this.binaries, 'postgres'), '-D', 'data', ...settings];
  }

  async answers() {
    const { Client } = require('pg');
    const client = new Client({ connectionString: this.url, connectionTimeoutMillis: 5000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      if (!this.isMigrated) {
        await require('bullmq').runMigrations(client);
        this.isMigrated = true;
      }
      return true;
    } catch (error) {
      if (error.code === undefined || /^(?:ECONN|57P0)/.test(error.code)) return false;
      throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

module.exports = { PostgresServer, RedisServer, freePort };

'use strict';
/** Runs the processes of the contenders. Each is asked for one round at a time, so that only one of them measures. */

const { once } = require('node:events');
const { spawn } = require('node:child_process');
const { join } = require('node:path');
const { createInterface } = require('node:readline');

const { Skipped } = require('./skipped');

/** Exit code of `taskset` for a program that does not exist, as that of a shell. */
const NOT_FOUND = 127;

/** All running processes, so that an early exit can kill them. */
const living = new Set();

function killAll() {
  for (const child of living) {
    child.kill('SIGKILL');
  }
}

/** Starts a program, on one core if `core` is given. */
function start([program, ...args], { core, stdio, env }) {
  const line = core === undefined ? [program, ...args] : ['taskset', '-c', String(core), program, ...args];
  const child = spawn(line[0], line.slice(1), { stdio, serialization: 'advanced', env: { ...process.env, ...env } });
  living.add(child);
  child.once('close', () => living.delete(child));
  return child;
}

function notInstalled(program) {
  return new Skipped(`${program} is not installed`);
}

/** Base of both kinds of contenders: a process that answers, ends, or takes too long. */
class Contender {
  #answer = withResolvers();
  #errors = '';
  #ended = undefined;

  constructor(line, options) {
    const [program] = line;
    const child = start(line, options);
    this.child = child;
    child.stderr.on('data', (text) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    child.on('error', (error) => this.answered(error.code === 'ENOENT' ? notInstalled(program) : error));
    // 'close' comes after its output has been read to the end, so that the error has its reason.
    child.once('close', (code, signal) => {
      const reason = `it ended with ${signal ?? `exit code ${code}`}: ${this.#errors.trim()}`;
      // A program that cannot take part says so, and ends. It may do both before its first round.
      this.#ended ??= code === NOT_FOUND ? notInstalled(program) : new Error(reason);
      this.answered(this.#ended);
    });
  }

  /** Takes an answer of the process, or its failure. */
  answered(answer) {
    if (answer instanceof Error) {
      this.#answer.reject(answer);
    } else if (answer.skip !== undefined) {
      this.#ended = new Skipped(answer.skip);
      this.#answer.reject(this.#ended);
    } else {
      this.#answer.resolve(answer);
    }
  }

  /** Resolves with the next answer. Rejects if there is none within `deadline` milliseconds. */
  async next(deadline) {
    const timer = setTimeout(() => this.answered(new Error(`no answer within ${deadline / 1000} s`)), deadline);
    try {
      return await this.#answer.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Resolves with the samples of a round of `count` operations, in nanoseconds each. Of a contender with parts these
   * are the samples of each part.
   */
  async round(count, deadline) {
    if (this.#ended) {
      throw this.#ended;
    }
    this.#answer = withResolvers();
    this.ask(count);
    const { samples } = await this.next(deadline);
    return samples[Symbol.iterator]
      ? Float64Array.from(samples)
      : Object.fromEntries(Object.entries(samples).map(([part, own]) => [part, Float64Array.from(own)]));
  }

  /** Kills the process, and waits until it has ended. */
  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await gone;
    }
  }
}

/** A contender in JavaScript: contender.js calls its `setup()`. */
class NodeContender extends Contender {
  constructor(file, { name, env, flags = [] }, core) {
    const line = [process.execPath, ...flags, join(__dirname, 'contender.js'), file, name];
    super(line, { core, env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.child.on('message', (answer) => this.answered(answer));
  }

  ask(count) {
    this.child.send(count);
  }
}

/** A contender in another language: a program that answers a line with a line. */
class LineContender extends Contender {
  constructor({ program, fraction = 1 }, core) {
    super(program(), { core, stdio: ['pipe', 'pipe', 'pipe'] });
    this.fraction = fraction;
    // The end of the process reports this.
    this.child.stdin.on('error', () => {});
    createInterface({ input: this.child.stdout }).on('line', (line) => this.answered(JSON.parse(line)));
  }

  ask(count) {
    this.child.stdin.write(`${Math.ceil(count * this.fraction)}\n`);
  }
}

/** Starts a contender. Resolves when it is ready for its first round. */
async function open(file, contender, core, deadline) {
  if (contender.program) {
    return new LineContender(contender, core);
  }
  const opened = new NodeContender(file, contender, core);
  try {
    await opened.next(deadline);
  } catch (error) {
    await opened.end();
    throw error;
  }
  return opened;
}

/** Replaces Promise.withResolvers(), which Node 20 does not have. */
function withResolvers() {
  let resolve, reject;
  const promise = new Promise((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

module.exports = { killAll, open };

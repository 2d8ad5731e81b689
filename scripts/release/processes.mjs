// Child processes of a rehearsal: none outlives it, and Ctrl-C ends all of them.
import { spawn } from 'node:child_process';
import { Failure } from '../support/cache.mjs';

/** How long one program may take, in milliseconds. */
const LIMIT = 300_000;

const running = new Set();

/** Kills what still runs. */
export function endProcesses() {
  for (const child of running) child.kill('SIGKILL');
}

/** Starts a program that is ended with the rehearsal. */
export function start([command, ...args], options) {
  const child = spawn(command, args, options);
  running.add(child);
  child.on('close', () => running.delete(child));
  return child;
}

/** Runs a program to its end, and returns its exit code and what it has printed. */
export async function outcomeOf(commandLine, { cwd, env }) {
  const child = start(commandLine, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const timer = setTimeout(() => {
    stderr += `\nstill running after ${LIMIT / 1000} s`;
    child.kill('SIGKILL');
  }, LIMIT);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Failure(`${commandLine[0]}: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal, stdout, stderr });
    });
  });
}

/** Runs a program, and returns what it has printed. Throws if it fails. */
export async function succeed(commandLine, options) {
  const { code, stdout, stderr } = await outcomeOf(commandLine, options);
  if (code !== 0) {
    throw new Failure(`${commandLine.join(' ')} in ${options.cwd}: exit code ${code}\n${stdout}${stderr}`);
  }
  return stdout;
}

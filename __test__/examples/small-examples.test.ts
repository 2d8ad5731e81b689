/** The programs in examples/, on real descriptors. */

import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { text as bodyOf } from 'node:stream/consumers';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { Child, endedWith, runScript } from '../support/child';
import { finallyDo } from '../support/clean-up';
import { makeFifo, root, temporaryPath } from '../support/files';
import { report } from '../support/outcomes';
import { until } from '../support/threads';
import { within } from '../support/timing';

/** Starts an example, by its name. */
function start(name: string, ...args: string[]): Child {
  return new Child(process.execPath, [join(root, 'examples', name), ...args]);
}

/** Returns how many lines an example has. */
function lineCount(name: string): number {
  return readFileSync(join(root, 'examples', name), 'utf8').split('\n').length - 1;
}

/** Whether there is such a program. */
function has(command: string, ...args: string[]): boolean {
  const found = spawnSync(command, args).status === 0;
  if (!found) {
    report(`not tested: there is no ${command}`);
  }
  return found;
}

test('fifo.js reads what shells write into a FIFO, one after the other', async () => {
  const path = makeFifo();
  const child = start('fifo.js', path);
  await child.printed('reading');
  spawnSync('sh', ['-c', 'echo hello > "$0"; printf "good " > "$0"; echo bye > "$0"; echo quit > "$0"', path]);
  const { stdout, stderr } = endedWith(await child.ended, 0);
  expect(stdout.split('\n').slice(1, -1)).toEqual(['got "hello"', 'got "good bye"', 'got "quit"']);
  expect(stderr).toBe('');
});

test.each(['SIGINT', 'SIGTERM'] as const)('fifo.js is stopped by %s', async (signal) => {
  const path = makeFifo();
  const child = start('fifo.js', path);
  await child.printed('reading');
  writeFileSync(path, 'hello\n');
  await child.printed('got "hello"');
  child.kill(signal);
  endedWith(await child.ended, 0);
  expect(child.stderr).toBe('');
});

test.each([
  ['quit\n', 'good bye'],
  ['\u0004', 'the end'],
])('pty.js reads a pseudo-terminal, until %p', async (last, words) => {
  if (!has('script', '--version')) {
    return;
  }
  // Its own end is held open by this process, which types.
  const path = makeFifo();
  const keyboard = openSync(path, 'r+');
  const command = `"${process.execPath}" "${join(root, 'examples/pty.js')}"`;
  const child = new Child('script', ['-qec', command, temporaryPath('typescript')], {
    stdio: [keyboard, 'pipe', 'pipe'],
  });
  await child.printed('type something');
  writeSync(keyboard, 'hello\n');
  await child.printed('you typed hello');
  writeSync(keyboard, last);
  await child.printed(words);
  endedWith(await child.ended, 0);
  expect(child.stdout).not.toMatch(/Error/);
});

test('child-pipe.js prints what a child prints, to the last byte', async () => {
  const child = start(
    'child-pipe.js',
    'sh',
    '-c',
    'echo one; sleep 0.1; head -c 300000 /dev/zero | tr "\\0" x; echo; echo two',
  );
  const { stdout, stderr } = endedWith(await child.ended, 0);
  expect(stdout).toBe(`one\n${'x'.repeat(300_000)}\ntwo\n300009 bytes\n`);
  expect(stderr).toBe('');
});

test('child-pipe.js says so when there is no such command', async () => {
  const { stderr } = endedWith(await start('child-pipe.js', temporaryPath('nothing')).ended, 127);
  expect(stderr).toMatch(/ENOENT/);
});

test('udp.js receives datagrams, and answers each one', async () => {
  const child = start('udp.js', '0');
  await child.printed('listening');
  const port = Number(/port (\d+)/.exec(child.stdout)?.[1]);
  const socket = createSocket('udp4');
  finallyDo(() => void socket.close());
  const answers: string[] = [];
  socket.on('message', (answer) => answers.push(answer.toString()));
  for (const text of ['hello', 'x'.repeat(40_000), '', 'quit']) {
    await within(new Promise((resolve) => socket.send(text, port, '127.0.0.1', resolve)), 'sending');
  }
  const { stdout, stderr } = endedWith(await child.ended, 0);
  expect(stdout.split('\n').slice(1)).toEqual([
    '5 characters from 127.0.0.1: hello',
    `40000 characters from 127.0.0.1: ${'x'.repeat(40_000)}`,
    '0 characters from 127.0.0.1: ',
    '4 characters from 127.0.0.1: quit',
    '',
  ]);
  expect(stderr).toBe('');
  await until(() => answers.length === 4, 'four answers');
  expect(answers).toEqual(['5', '40000', '0', '4']);
});

test('inotify.js sees what happens in a directory', async () => {
  if (!has('python3', '-c', 'import ctypes; ctypes.CDLL(None).inotify_init1')) {
    return;
  }
  const directory = temporaryPath('watched');
  mkdirSync(directory);
  const child = start('inotify.js', directory);
  await child.printed('watching');
  writeFileSync(join(directory, 'spam'), 'eggs');
  writeFileSync(join(directory, 'stop'), '');
  rmSync(join(directory, 'stop'));
  const { stdout, stderr } = endedWith(await child.ended, 0);
  expect(stdout.split('\n').slice(1)).toEqual([
    'created spam',
    'written spam',
    'created stop',
    'written stop',
    'deleted stop',
    '',
  ]);
  expect(stderr).toBe('');
});

describe('worker.js', () => {
  test('reads a pipe without an end, until it has had enough', async () => {
    const command = `yes | "$0" "$1" /dev/stdin 3`;
    const child = new Child('sh', ['-c', command, process.execPath, join(root, 'examples/worker.js')]);
    const { stdout, stderr } = endedWith(await child.ended, 0);
    expect(stdout).toBe('line 1: y\nline 2: y\nline 3: y\nthe worker has ended with 0\n');
    expect(stderr).toBe('');
  });

  test('reads a file to its end', async () => {
    const path = temporaryPath('lines');
    writeFileSync(path, Array.from({ length: 20_000 }, (_, index) => `${index}\n`).join(''));
    const { stdout } = endedWith(await start('worker.js', path).ended, 0);
    const lines = stdout.split('\n').filter((line) => line.startsWith('line'));
    expect(lines).toHaveLength(20_000);
    expect(lines.at(-1)).toBe('line 20000: 19999');
  });
});

describe('a wrong descriptor', () => {
  test.each([
    ['fs.closeSync(fs.openSync("/", "r")), 63', 'EBADF'],
    ['-1', 'ERR_INVALID_ARG_VALUE'],
    ['0.5', 'ERR_INVALID_ARG_VALUE'],
    ['NaN', 'ERR_INVALID_ARG_VALUE'],
    ['"0"', 'ERR_INVALID_ARG_TYPE'],
    ['fs.openSync("/", "r")', 'EISDIR'],
  ])('%s throws with its code, and the process goes on and ends', async (fd, code) => {
    const source = `
      const fs = require('node:fs');
      const { FileDispatcher, Dispatcher, core } = require('waitable-event');
      const fd = (${fd});
      class Own extends Dispatcher { fileno() { return fd; } }
      for (const make of [() => new FileDispatcher(fd), () => new Own().addChannel(), () => core.add(new Own())]) {
        try { make(); } catch (error) { console.log(error.code); }
      }
      core.loop();
      setTimeout(core.stop, 20);
      core.run().then(() => console.log('stopped'));
    `;
    const { stdout } = await runScript({ source });
    expect(stdout).toBe(`${code}\n${code}\n${code}\nstopped\n`);
  });
});

describe('a mistake is one line, without a stack', () => {
  test.each([
    ['fifo.js', [], 2, /^usage: .*\n$/],
    ['fifo.js', ['/does/not/exist'], 1, /^ENOENT: .*\n$/],
    ['fifo.js', [__filename], 1, /^not a FIFO: .*\n$/],
    ['udp.js', ['99999'], 2, /^usage: .*\n$/],
    ['worker.js', ['/does/not/exist'], 1, /^ENOENT: .*\n$/],
    ['worker.js', [__filename, 'many'], 2, /^usage: .*\n$/],
  ])('%s %p', async (name, args, code, words) => {
    expect(endedWith(await start(name, ...args).ended, code).stderr).toMatch(words);
  });

  test('child-pipe.js on a full disk', async () => {
    const full = openSync('/dev/full', 'w');
    const child = new Child(process.execPath, [join(root, 'examples/child-pipe.js'), 'echo', 'words'], {
      stdio: ['ignore', full, 'pipe'],
    });
    expect(endedWith(await child.ended, 1).stderr).toMatch(/^ENOSPC: .*\n$/);
    closeSync(full);
  });
});

test('opentelemetry.js prints spans that hang together across threads', async () => {
  const { stdout, stderr } = endedWith(await start('opentelemetry.js').ended, 0);
  const [, traceId, id] = /^(\w+) root (\w+) request$/m.exec(stdout) ?? [];
  expect(stdout).toMatch(new RegExp(`^${traceId} ${id} \\w+ read$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^${traceId} ${id} \\w+ refuse no such sensor$`, 'm'));
  expect(stdout.split('\n')).toHaveLength(4);
  expect(stderr).toBe('');
});

test('jobs.js answers http requests beside a recurring job', async () => {
  const child = start('jobs.js');
  await child.printed('http');
  const response = await within(fetch(/http:\S+/.exec(child.stdout)?.[0] as string), 'an answer');
  expect(await response.text()).toMatch(/^\d+ ticks, the next one at /);
  child.kill('SIGTERM');
  expect(endedWith(await child.ended, 0).stderr).toBe('');
});

test.each([
  ['request.js', /^limit of the boiler: 80\nRangeError: no such device: toaster\n$/],
  ['sampling.js', /^1000 readings, \d+\.\d °C on average, \d+ wake-ups\n$/],
])('%s prints what it has got, and ends', async (name, words) => {
  const { stdout, stderr } = endedWith(await start(name).ended, 0);
  expect(stdout).toMatch(words);
  expect(stderr).toBe('');
});

test('pool.js counts primes in two workers', async () => {
  const { stdout, stderr } = endedWith(await start('pool.js', '30000').ended, 0);
  expect({ stdout, stderr }).toEqual({ stdout: '3245 primes below 30000\n', stderr: '' });
});

test.each([
  [[], '36 lines\n', 0, ''],
  [['/does/not/exist'], '', 1, /^ENOENT: .*\n$/],
])('synckit.js %p calls an asynchronous function synchronously', async (args, stdout, code, words) => {
  const ended = endedWith(await start('synckit.js', ...args).ended, code);
  expect(ended.stdout).toBe(stdout);
  expect(ended.stderr).toMatch(words);
});

test('http-pool.js answers all of 50 connections, and ends, when SIGTERM comes', async () => {
  const child = start('http-pool.js');
  await child.printed('http');
  const url = /http:\S+/.exec(child.stdout)?.[0] as string;
  const requests = Array.from({ length: 50 }, () =>
    request(url, { method: 'POST', headers: { expect: '100-continue' } }),
  );
  const answers = requests.map(async (each) => {
    const [response] = (await once(each, 'response')) as [IncomingMessage];
    return [response.statusCode, await bodyOf(response)];
  });
  const whenBegun = requests.map(async (each) => {
    each.flushHeaders();
    await once(each, 'continue');
  });
  await within(Promise.all(whenBegun), 'the begin of the requests');
  child.kill('SIGTERM');
  requests.forEach((each) => each.end('words'));
  const all = await within(Promise.all(answers), 'the answers');
  expect(all).toEqual(Array.from({ length: 50 }, () => [200, expect.stringMatching(/^[0-9a-f]{64}\n$/)]));
  expect(new Set(all.map(String)).size).toBe(1);
  const { stderr } = endedWith(await child.ended, 0);
  expect(stderr).toBe('');
});

describe('the list of examples', () => {
  const names = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.js'));

  test('names each of them', () => {
    const list = readFileSync(join(root, 'examples', 'README.md'), 'utf8');
    expect(names.filter((name) => !list.includes(`[${name}](${name})`))).toEqual([]);
  });

  test('has none that is long', () => {
    expect(names.filter((name) => lineCount(name) > 60)).toEqual([]);
    expect(['http-pool.js', 'synckit.js'].filter((name) => lineCount(name) > 40)).toEqual([]);
  });

  test.each(names)('%s --help says how to start it', async (name) => {
    const { stdout, stderr } = endedWith(await start(name, '--help').ended, 0);
    expect(stdout).toMatch(new RegExp(`^[A-Z][^]*node examples/${name}`));
    expect(stderr).toBe('');
  });
});

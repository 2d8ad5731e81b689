import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type TestServer, describeStore, found, makeServer } from './support/stores';
import { inTime, until } from './support/waiting';

const folder = join(__dirname, '..');

interface Program {
  child: ChildProcess;
  printed(): string;
  errors(): string;
  ended: Promise<number | null>;
}

/** Starts a program of the package. */
function start(args: string[], env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, printed: () => out, errors: () => err, ended };
}

/** Returns the lines of code in which two files differ. */
function differences(one: string, other: string): [removed: string[], added: string[]] {
  const [a, b] = [one, other].map((name) =>
    readFileSync(join(folder, 'examples', name), 'utf8')
      .split('\n')
      .filter((line) => !line.trim().startsWith('//')),
  ) as [string[], string[]];
  const without = (lines: string[], rest: string[]): string[] =>
    lines.filter((line) => !rest.includes(line)).map((line) => line.trim());
  return [without(a, b), without(b, a)];
}

describeStore('redis', 'the examples', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await makeServer('redis').start();
  });
  afterAll(() => server?.stop());

  const expected = '1 + 2 = 3\nresized to 1280\n';

  test('one process', async () => {
    const { child, printed, ended } = start(['examples/one-process/main.js']);
    await until('it has printed', () => printed().length >= expected.length);
    child.kill('SIGTERM');
    await inTime('it ends', ended);
    expect(printed()).toBe(expected);
  });

  test('many machines', async () => {
    const { child, printed, ended } = start(['examples/many-machines/main.js', server.url]);
    await until('it has printed', () => printed().length >= expected.length);
    child.kill('SIGTERM');
    await inTime('it ends', ended);
    expect(printed()).toBe(expected);
  });

  test('they differ in the lines that name the queue', () => {
    expect(differences('one-process/main.js', 'many-machines/main.js')).toEqual([
      ["new Worker(join(__dirname, 'worker.js'), { workerData: core.taskManager.handle });"],
      [
        "const { ClusterTaskManager } = require('waitable-event-bullmq');",
        "const cluster = await ClusterTaskManager.join(core.taskManager, { queue: 'images', connection: process.argv[2] });",
        "new Worker(join(__dirname, 'worker.js'), { workerData: cluster.handle });",
      ],
    ]);
    expect(differences('one-process/worker.js', 'many-machines/worker.js')).toEqual([
      ["const { TaskManager } = require('waitable-event');", 'const tasks = TaskManager.connect(workerData);'],
      [
        "const { ClusterTaskManager } = require('waitable-event-bullmq');",
        'const tasks = ClusterTaskManager.connect(workerData);',
      ],
    ]);
  });

  test("the recipe: BullMQ's own queue and worker", async () => {
    const { printed, errors, ended } = start(['examples/recipe.js'], { REDIS_URL: server.url });
    expect(await inTime('it ends', ended)).toBe(0);
    expect([printed(), errors()]).toEqual(['resized to 640\n', '']);
  });

  test('the main job on many processes, with a Redis that is killed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'waitable-event-files-'));
    for (let i = 0; i < 300; i++) {
      mkdirSync(join(directory, `${i % 7}`), { recursive: true });
      writeFileSync(join(directory, `${i % 7}`, `${i} ü`), `${i}`.repeat(i));
    }
    const env = { REDIS_SERVER: found.redis.command?.length === 1 ? String(found.redis.command[0]) : '' };
    const { printed, errors, ended } = start(['examples/sha256sum/main.mjs', directory], env);
    expect(await inTime('it ends', ended)).toBe(0);
    expect(printed().trim().split('\n').length).toBe(300);
    expect(errors()).toContain('Redis was killed');
    expect(errors()).toContain('sha256sum -c agrees with all 300 lines.');
    rmSync(directory, { recursive: true });
  });

  test('the command line checks a store', async () => {
    const good = start(['bin/waitable-event-bullmq.js', 'check', server.url]);
    expect(await inTime('it ends', good.ended)).toBe(0);
    expect(good.printed()).toMatch(
      /^good: it answers\ngood: it keeps .*\ngood: this machine's clock .*\ninfo: \w+ \d.*\ninfo: `appendfsync everysec`/,
    );
    const volatile = await makeServer('redis', { appendonly: 'no' }).start();
    const bad = start(['bin/waitable-event-bullmq.js', 'check', volatile.url]);
    expect(await inTime('it ends', bad.ended)).toBe(1);
    expect(bad.printed()).toContain('bad: Redis has no append-only file');
    await volatile.stop();
    const help = start(['bin/waitable-event-bullmq.js', '--help']);
    expect(await inTime('it ends', help.ended)).toBe(0);
    expect(help.printed()).toContain('migrate URL');
  });
});

/** `npx waitable-event doctor`, which says whether the package works here. */

import { cpSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { Child, type Ended } from '../support/child';
import { root, temporaryPath } from '../support/files';
import { refusingProgram } from '../support/refusing-program';

interface Finding {
  readonly subject: string;
  readonly status: string;
  readonly text: string;
  readonly advice?: string;
}

interface Report {
  readonly version: string;
  readonly exitCode: number;
  readonly verdict: string;
  readonly findings: readonly Finding[];
}

const program = join(root, 'lib', 'doctor.js');

/** Runs the program to its end. `before` is put before its command line. */
async function doctor(args: string[], env: NodeJS.ProcessEnv = {}, before: string[] = []): Promise<Ended> {
  const [command = '', ...rest] = [...before, process.execPath, program, ...args];
  return new Child(command, rest, { env: { ...process.env, ...env } }).ended;
}

/** Returns what the program reports, whose exit code is the reported one. */
async function examine(env: NodeJS.ProcessEnv = {}, before: string[] = []): Promise<Report> {
  const { code, stdout, stderr } = await doctor(['doctor', '--json', '--quick'], env, before);
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as Report;
  expect(report.exitCode).toBe(code);
  return report;
}

function find({ findings }: Report, subject: string): Finding | undefined {
  return findings.find((finding) => finding.subject === subject);
}

const SELF_TESTS = ['event', 'select', 'loop and tasks', 'terminate'].map((name) => `self-test: ${name}`);

describe('the doctor', () => {
  test('tries each part of the package, and says that it works', async () => {
    const report = await examine();
    expect(report.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(report.findings.filter(({ status }) => status === 'broken')).toEqual([]);
    expect(report.findings.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining(['runtime', 'platform', 'cores', 'binary', 'driver', 'poller', ...SELF_TESTS]),
    );
    expect(report.verdict).toMatch(/^It works/);
  });

  test('compares the speed with that of postMessage()', async () => {
    const { code, stdout } = await doctor(['doctor']);
    expect(stdout).toMatch(
      /^note +round trip +event \d+\.\d µs, to a worker that blocks \d+\.\d µs, postMessage\(\) \d+\.\d µs \(medians\)$/m,
    );
    expect(stdout).toMatch(/\n\nIt works[^\n]*\.\n$/);
    expect(code).toBeLessThanOrEqual(1);
  });

  test('prints no colours to what is no terminal', async () => {
    const { stdout } = await doctor(['doctor', '--quick'], { FORCE_COLOR: '1' });
    expect(stdout).not.toContain('\u001B');
    expect(stdout).toContain('It works');
  });

  test('names the driver, and why', async () => {
    expect(find(await examine({ WAITABLE_EVENT_DRIVER: 'thread' }), 'driver')?.text).toMatch(/^thread: /);
  });

  test('names a poller that was chosen', async () => {
    const report = await examine({ WAITABLE_EVENT_POLLER: 'poll' });
    expect(find(report, 'poller')).toEqual({
      subject: 'poller',
      status: 'ok',
      text: 'poll: WAITABLE_EVENT_POLLER says so',
    });
  });

  test('says what a wrong environment variable keeps from working', async () => {
    const report = await examine({ WAITABLE_EVENT_POLLER: 'nonsense' });
    expect(report.exitCode).toBe(2);
    expect(find(report, 'binary')?.text).toContain('WAITABLE_EVENT_POLLER');
    expect(find(report, SELF_TESTS[0] ?? '')).toBeUndefined();
  });

  test('reports few descriptors, and what fails for want of them', async () => {
    const report = await examine({}, ['sh', '-c', 'ulimit -n 32 && exec "$@"', 'sh']);
    expect(find(report, 'descriptors')).toMatchObject({
      status: 'limit',
      advice: expect.stringContaining('ulimit -n'),
    });
    expect(report.exitCode).toBeGreaterThanOrEqual(1);
  });

  test('says which package is missing, and what to do', async () => {
    const installed = temporaryPath('installed');
    cpSync(join(root, 'lib'), join(installed, 'lib'), { recursive: true });
    cpSync(join(root, 'package.json'), join(installed, 'package.json'));
    const { code, stdout } = await new Child(process.execPath, [join(installed, 'lib', 'doctor.js'), 'doctor']).ended;
    expect(code).toBe(2);
    expect(stdout).toMatch(/^BROKEN binary +ERR_BINDING_UNAVAILABLE: /m);
    expect(stdout).toContain('--omit=optional');
    expect(stdout).toMatch(/\n\nIt does not work\.\n$/);
  });

  test('prints its help', async () => {
    const { code, stdout, stderr } = await doctor(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: npx waitable-event doctor /);
  });

  test.each([[[]], [['patient']], [['doctor', '--jason']], [['doctor', 'again']]])(
    'refuses the arguments %j',
    async (args) => {
      const { code, stdout, stderr } = await doctor(args);
      expect([code, stdout]).toEqual([64, '']);
      expect(stderr).toMatch(/^Usage: /);
    },
  );
});

describe('the doctor, under a filter of system calls', () => {
  const refuse = refusingProgram();

  /** Examines what is left without a system call; undefined where that cannot be tried. */
  async function without(call: string): Promise<Report | undefined> {
    const path = refuse();
    return path === undefined ? undefined : examine({}, [path, call]);
  }

  test('names the fallback when there is no timerfd', async () => {
    const report = await without('timerfd_create');
    if (report === undefined) return;
    expect(report.exitCode).toBe(1);
    expect(find(report, 'poller')).toMatchObject({ status: 'limit', text: expect.stringMatching(/^poll, .*timerfd/) });
    for (const subject of SELF_TESTS) expect(find(report, subject)?.status).toBe('ok');
  });

  test('says what fails when timers cannot be set', async () => {
    const report = await without('timerfd_settime');
    if (report === undefined) return;
    expect(report.exitCode).toBe(2);
    expect(report.findings.at(-1)).toMatchObject({
      status: 'broken',
      text: expect.stringContaining('timerfd_settime'),
    });
  });
});

'use strict';
/** The samples, each of which restates one of BACpypes', and the help of all programs. */

const { readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

const { afterEach, expect, test } = require('@jest/globals');

const { ObjectType, PduType } = require('@bacnet-js/client');

const { ADDRESS, Program, RawClient, cleanUp, folder, requests, startDevice, until } = require('./support');

const samples = readdirSync(join(folder, 'samples'));

/** Starts a sample. */
const start = (name, ...args) => new Program(process.execPath, [join('samples', name), ...args]);

afterEach(cleanUp);

test('each prints its help, without a codec', async () => {
  const names = ['main.js', ...samples.map((name) => join('samples', name))];
  const programs = names.map((name) => new Program(process.execPath, [name, '--help']));
  for (const program of programs) {
    expect(await program.exit).toBe(0);
    expect(program.lines[0]).toMatch(/^Usage: node examples\/bacnet\//);
    expect(program.stderr).toBe('');
  }
});

test.each(samples)('%s is short', (name) => {
  expect(readFileSync(join(folder, 'samples', name), 'utf8').split('\n').length).toBeLessThanOrEqual(61);
});

test('recurring-task.js: two tasks, each of which fails once, and goes on', async () => {
  const program = start('recurring-task.js', '3');
  expect(await program.exit).toBe(0);
  for (const name of ['fast', 'slow']) {
    const own = program.lines.filter((line) => line.startsWith(name));
    expect(own).toEqual([`${name}: 2 to go`, `${name}: 1 to go`, `${name}: 0 to go`]);
    expect(program.stderr).toContain(`${name} has failed once`);
  }
});

test('deferred.js: one function fails, the others run, and tasks have their turn', async () => {
  const program = start('deferred.js');
  expect(await program.exit).toBe(0);
  expect(new Set(program.lines)).toEqual(
    new Set(['a task runs while a function defers itself: yes', 'the first', 'the third']),
  );
  expect(program.stderr).toContain('the second fails');
});

test.each(['exit', undefined])('console-command.js serves commands, until %p or the end', async (last) => {
  const program = start('console-command.js');
  for (const line of ['echo spam and eggs', 'ham', 'memory', ...(last === undefined ? [] : [last])])
    program.write(line);
  await program.printed('MB');
  if (last === undefined) program.child.stdin.end();
  expect(await program.exit).toBe(0);
  expect(program.lines.slice(0, 2)).toEqual(['spam and eggs', 'no such command: ham']);
});

test('threaded-read.js: threads block until their reads are answered', async () => {
  await startDevice();
  const program = start('threaded-read.js', ADDRESS);
  expect(await program.exit).toBe(0);
  for (const thread of [1, 2, 3]) {
    expect(program.lines).toContain(`thread ${thread} has read 0,1: 20`);
    expect(program.lines).toContain(`thread ${thread} has read 2,1: 21`);
    expect(program.lines).toContain(`thread ${thread} was refused 2,99: OBJECT: UNKNOWN_OBJECT`);
  }
  expect(program.stderr).toBe('');
});

test('cov-server.js tells of changes', async () => {
  const program = start('cov-server.js', ADDRESS);
  await program.printed('serving changes');
  const client = await RawClient.start('127.0.0.3');
  const input = { type: ObjectType.ANALOG_INPUT, instance: 1 };
  await client.ask(1, requests.subscribe(1, input, { process: 1, isConfirmed: false, lifetime: 60 }));
  await until(() => client.of(PduType.UNCONFIRMED_REQUEST).length > 4, 'notifications');
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});

test('mini-device.js is found', async () => {
  const program = start('mini-device.js', ADDRESS, '47808', '7');
  await program.printed('device 7 is there');
  const client = await RawClient.start('127.0.0.3');
  await client.send(requests.whoIs());
  await until(() => client.received.length > 0, 'I-Am');
  expect([...client.received[0].data.subarray(6, 8)]).toEqual([PduType.UNCONFIRMED_REQUEST, 0]);
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});

/** Arguments that the methods of a loop refuse. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FileDispatcher, RunLoop } from 'waitable-event';

import { codeOf, rejectionOf } from '../support/outcomes';

let loop: RunLoop;

beforeEach(() => {
  loop = new RunLoop();
});

afterEach(() => {
  jest.restoreAllMocks();
});

test.each([undefined, null, 5, 'channel', {}, { fileno: 5 }])('add(%p) is refused', (channel) => {
  expect(codeOf(() => loop.add(channel as never))).toBe('ERR_INVALID_ARG_TYPE');
});

describe('arguments of run(), runSync() and loop()', () => {
  test.each([
    ['spin', NaN, 'ERR_INVALID_ARG_VALUE'],
    ['spin', '1', 'ERR_INVALID_ARG_TYPE'],
    ['spin', 1n, 'ERR_INVALID_ARG_TYPE'],
    ['spin', {}, 'ERR_INVALID_ARG_TYPE'],
    ['stopOn', 'SIGTERM', 'ERR_INVALID_ARG_TYPE'],
    ['stopOn', {}, 'ERR_INVALID_ARG_TYPE'],
    ['stopOn', null, 'ERR_INVALID_ARG_TYPE'],
    ['stopOn', ['SIGSPAM'], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', ['SIGTERM', 'SIGKILL'], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', ['SIGSTOP'], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', ['toString'], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', [15], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', [null], 'ERR_INVALID_ARG_VALUE'],
    ['stopOn', [Object.create(null)], 'ERR_INVALID_ARG_VALUE'],
    ['signal', {}, 'ERR_INVALID_ARG_TYPE'],
    ['signal', 'abort', 'ERR_INVALID_ARG_TYPE'],
  ])('the option %s: %p is %s', async (name, value, code) => {
    const options = { [name]: value } as never;
    expect(await rejectionOf(loop.run(options))).toBe(code);
    // It has no signal, and would run.
    expect(name === 'signal' ? code : codeOf(() => loop.runSync(options))).toBe(code);
    expect(loop.running).toBe(false);
    loop.deferred(() => loop.stop());
    loop.runSync();
  });

  test.each([null, 'options', 1, true])('%p is refused as options', async (options) => {
    expect(await rejectionOf(loop.run(options as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => loop.runSync(options as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(codeOf(() => loop.loop(options as never))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test.each([
    ['timeout', NaN, 'ERR_INVALID_ARG_VALUE'],
    ['timeout', '1', 'ERR_INVALID_ARG_TYPE'],
    ['count', 1.5, 'ERR_INVALID_ARG_VALUE'],
    ['count', -1, 'ERR_INVALID_ARG_VALUE'],
    ['count', NaN, 'ERR_INVALID_ARG_VALUE'],
    ['count', '1', 'ERR_INVALID_ARG_TYPE'],
  ])('loop(): the option %s: %p is %s', (name, value, code) => {
    expect(codeOf(() => loop.loop({ [name]: value }))).toBe(code);
  });

  test.each([NaN, '1', null])('SPIN and enableSleeping(): %p is refused', (value) => {
    const code = typeof value === 'number' ? 'ERR_INVALID_ARG_VALUE' : 'ERR_INVALID_ARG_TYPE';
    expect(codeOf(() => loop.enableSleeping(value as never))).toBe(code);
    loop.SPIN = value as never;
    expect(codeOf(() => loop.runSync())).toBe(code);
  });

  test.each([[undefined], [null], [{}], [1], ['handle']])(
    'RunLoop.connect(%p), which is no handle, is ERR_INVALID_ARG_TYPE',
    (handle) => {
      expect(codeOf(() => RunLoop.connect(handle as never))).toBe('ERR_INVALID_ARG_TYPE');
    },
  );

  test.each([
    [{ stop: null }],
    [{ stop: { key: 1, state: new SharedArrayBuffer(4) } }],
    [{ stop: { key: 1.5, state: new ArrayBuffer(4) } }],
  ])('RunLoop.connect(%p) is ERR_INVALID_HANDLE', (handle) => {
    expect(codeOf(() => RunLoop.connect(handle as never))).toBe('ERR_INVALID_HANDLE');
  });
});

describe('new FileDispatcher() of what is no descriptor says what to pass', () => {
  test.each([
    ['a path', '/dev/null', 'a file descriptor, such as fs.openSync(path) returns'],
    ['nothing', undefined, 'a file descriptor'],
  ])('%s', (_what, fd, expected) => {
    const make = (): FileDispatcher => new FileDispatcher(fd as never, loop);
    expect(codeOf(make)).toBe('ERR_INVALID_ARG_TYPE');
    expect(make).toThrow(`Expected \`fd\` to be ${expected}, got `);
  });
});

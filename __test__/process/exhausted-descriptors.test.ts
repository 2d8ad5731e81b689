import { beforeAll, describe, expect, test } from '@jest/globals';

import { Child, endedWith } from '../support/child';
import { fixture } from '../support/files';

/** What fixtures/process/exhaust-descriptors.js prints: for each of its cases what happened. */
let cases: Record<string, unknown>;

beforeAll(async () => {
  const script = `ulimit -n 64 && exec '${process.execPath}' '${fixture('process/exhaust-descriptors.js')}'`;
  const ended = endedWith(await new Child('sh', ['-c', script]).ended, 0);
  cases = JSON.parse(ended.stdout) as Record<string, unknown>;
});

describe('when there are no descriptors left', () => {
  test('new WaitableEvent() throws EMFILE', () => {
    expect(cases['create']).toEqual({ code: 'EMFILE', name: 'SystemError', errno: -24, some: true });
  });

  test('it leaks nothing then', () => {
    expect(cases['leaked']).toBe(0);
  });

  test('with one left, it leaks nothing either', () => {
    expect(cases['oneLeft']).toEqual({ code: 'EMFILE', leaked: 0 });
  });

  test('what is open goes on working', () => {
    expect(cases['open']).toEqual([false, true, true, false]);
  });

  test('a first wait() that would sleep throws EMFILE; one that would not sleep works', () => {
    expect(cases['wait']).toEqual({ asleep: 'EMFILE', probing: false, set: true });
  });

  test('a first waitAsync() is rejected with EMFILE; one that need not wait works', () => {
    expect(cases['waitAsync']).toEqual({ asleep: 'EMFILE', probing: false, set: true });
  });

  test('selectAsync() is rejected with EMFILE', () => {
    expect(cases['selectAsync']).toBe('EMFILE');
    expect(cases['selectAsyncLater']).toBe('EMFILE');
  });

  test('all of it works once there are some again, and keeps the process alive', () => {
    expect(cases['afterwards']).toEqual({ create: true, wait: false, waitAsync: false, selectAsync: 0, leaked: 0 });
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  EventClosedError,
  InvalidArgTypeError,
  InvalidArgValueError,
  RunLoop,
  SystemError,
  WaitableEvent,
  type WaitAsyncOptions,
  type WaitableEventOptions,
  select,
  selectAsync,
} from 'waitable-event';

import { countDescriptors } from '../support/files';
import { codeOf, rejectionOf } from '../support/outcomes';

/** Something that is passed against its type. */
type Any = never;

let event: WaitableEvent;

beforeEach(() => {
  event = new WaitableEvent();
});

afterEach(() => {
  event.close();
});

const poisoned = {
  valueOf(): number {
    throw new Error('valueOf() was called');
  },
  toString(): string {
    throw new Error('toString() was called');
  },
};

const badTimeouts: [string, unknown, string][] = [
  ['NaN', Number.NaN, 'ERR_INVALID_ARG_VALUE'],
  ['a string', '100', 'ERR_INVALID_ARG_TYPE'],
  ['null', null, 'ERR_INVALID_ARG_TYPE'],
  ['a bigint', 100n, 'ERR_INVALID_ARG_TYPE'],
  ['a boolean', true, 'ERR_INVALID_ARG_TYPE'],
  ['an object', {}, 'ERR_INVALID_ARG_TYPE'],
  ['an object without a prototype', Object.create(null), 'ERR_INVALID_ARG_TYPE'],
  ['a Number object', Object(5), 'ERR_INVALID_ARG_TYPE'],
  ['an array', [5], 'ERR_INVALID_ARG_TYPE'],
  ['a symbol', Symbol('5'), 'ERR_INVALID_ARG_TYPE'],
  ['a function', () => 5, 'ERR_INVALID_ARG_TYPE'],
  ['an object that throws when it is converted', poisoned, 'ERR_INVALID_ARG_TYPE'],
];

/** What Node calls EBADF: on Windows, libuv has numbers of its own. */
const EBADF = process.platform === 'win32' ? -4083 : -9;

describe('an invalid timeout', () => {
  test.each(badTimeouts)('%s is refused by every wait', async (_name, timeout, code) => {
    expect(codeOf(() => event.wait(timeout as Any))).toBe(code);
    expect(codeOf(() => select([event], [], [], timeout as Any))).toBe(code);
    expect(await rejectionOf(event.waitAsync(timeout as Any))).toBe(code);
    expect(await rejectionOf(selectAsync([event], [], [], timeout as Any))).toBe(code);
  });

  test.each(badTimeouts)('%s is refused also when the event is set, and changes nothing', (_name, timeout, code) => {
    event.set();
    expect(codeOf(() => event.wait(timeout as Any))).toBe(code);
    expect(codeOf(() => select([event], [], [], timeout as Any))).toBe(code);
    expect(event.isSet()).toBe(true);
    event.clear();
    expect(codeOf(() => event.wait(timeout as Any))).toBe(code);
    expect(event.isSet()).toBe(false);
  });

  test('the message names the argument and what was passed', () => {
    expect(() => event.wait('soon' as Any)).toThrow(
      "Expected `timeout` to be a number of milliseconds, got the string 'soon'",
    );
    expect(() => event.wait(Number.NaN)).toThrow('got NaN');
  });

  test('the message says that options come second', async () => {
    const { signal } = new AbortController();
    await expect(event.waitAsync({ signal } as Any)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_TYPE',
      message: 'Expected `timeout` to be a number of milliseconds: options come second, got an instance of Object',
    });
  });
});

describe('invalid options', () => {
  test.each([null, 5, 'set', true, Symbol('set')])('new WaitableEvent(%p)', (options) => {
    const before = countDescriptors();
    expect(codeOf(() => new WaitableEvent(options as Any))).toBe('ERR_INVALID_ARG_TYPE');
    expect(countDescriptors()).toBe(before);
  });

  test.each([null, 1, 'true', {}])('new WaitableEvent({ set: %p })', (set) => {
    const before = countDescriptors();
    expect(codeOf(() => new WaitableEvent({ set } as WaitableEventOptions))).toBe('ERR_INVALID_ARG_TYPE');
    expect(countDescriptors()).toBe(before);
  });

  test.each([{}, 5])('new WaitableEvent({ loop: %p }) leaks nothing', (loop) => {
    const before = countDescriptors();
    expect(codeOf(() => new WaitableEvent({ loop: loop as Any }))).toMatch(/TypeError|ERR_INVALID_ARG_TYPE/);
    expect(countDescriptors()).toBe(before);
  });

  test.each([null, 5, 'ref', true])('waitAsync(0, %p)', async (options) => {
    expect(await rejectionOf(event.waitAsync(0, options as Any))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test.each([null, 5, {}, { aborted: false }])('waitAsync(0, { signal: %p })', async (signal) => {
    expect(await rejectionOf(event.waitAsync(0, { signal } as WaitAsyncOptions))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test.each([null, 0, 'no'])('waitAsync(0, { ref: %p })', async (ref) => {
    expect(await rejectionOf(event.waitAsync(0, { ref: ref as Any }))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test.each([
    [-1, 'ERR_INVALID_ARG_VALUE'],
    [1.5, 'ERR_INVALID_ARG_VALUE'],
    [Number.NaN, 'ERR_INVALID_ARG_VALUE'],
    [2 ** 31, 'ERR_INVALID_ARG_VALUE'],
    ['1', 'ERR_INVALID_ARG_TYPE'],
    [undefined, 'ERR_INVALID_ARG_TYPE'],
  ])('recv(%p)', (size, code) => {
    event.set();
    expect(codeOf(() => event.recv(size as Any))).toBe(code);
    expect(event.isSet()).toBe(true);
  });

  test.each([undefined, null, 5, {}, [1]])('send(%p)', (data) => {
    expect(codeOf(() => event.send(data as Any))).toBe('ERR_INVALID_ARG_TYPE');
    expect(event.isSet()).toBe(false);
  });
});

describe('a closed event', () => {
  const calls: [string, (closed: WaitableEvent) => unknown][] = [
    ['set', (closed) => closed.set()],
    ['clear', (closed) => closed.clear()],
    ['isSet', (closed) => closed.isSet()],
    ['wait', (closed) => closed.wait()],
    ['wait(0)', (closed) => closed.wait(0)],
    ['fileno', (closed) => closed.fileno()],
    ['writeFileno', (closed) => closed.writeFileno()],
    ['handle', (closed) => closed.handle],
    ['recv', (closed) => closed.recv(1)],
    ['read', (closed) => closed.read(1)],
    ['send', (closed) => closed.send('x')],
    ['write', (closed) => closed.write('x')],
    ['addChannel', (closed) => closed.addChannel(new RunLoop())],
    ['select', (closed) => select([closed], [], [], 0)],
  ];

  test.each(calls)('%s throws ERR_EVENT_CLOSED when this thread has closed it', (_name, call) => {
    event.close();
    expect(codeOf(() => call(event))).toBe('ERR_EVENT_CLOSED');
  });

  test.each(calls)('%s throws it too when it was set, and closed through another handle', (_name, call) => {
    event.set();
    void event.handle;
    WaitableEvent.open(event.handle).close();
    expect(codeOf(() => call(event))).toBe('ERR_EVENT_CLOSED');
  });

  test('waitAsync and selectAsync are rejected with it', async () => {
    event.close();
    expect(await rejectionOf(event.waitAsync())).toBe('ERR_EVENT_CLOSED');
    expect(await rejectionOf(event.waitAsync(0))).toBe('ERR_EVENT_CLOSED');
    expect(await rejectionOf(event.waitAsync(1))).toBe('ERR_EVENT_CLOSED');
    expect(await rejectionOf(selectAsync([event], [], [], 0))).toBe('ERR_EVENT_CLOSED');
  });

  test('iterating it ends immediately', async () => {
    event.close();
    let rounds = 0;
    for await (const _ of event) {
      rounds += 1;
    }
    expect(rounds).toBe(0);
  });

  test('bad arguments are still bad arguments', () => {
    event.close();
    expect(codeOf(() => event.wait('x' as Any))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('close() gives both descriptors back, once, and may be repeated', () => {
    const before = countDescriptors();
    const other = new WaitableEvent();
    expect(countDescriptors()).toBe(before + 2);
    expect(other.closed).toBe(false);
    other.close();
    expect(other.closed).toBe(true);
    expect(countDescriptors()).toBe(before);
    const [read, write] = [new WaitableEvent(), new WaitableEvent()];
    other.close();
    other.handleClose();
    expect(countDescriptors()).toBe(before + 4);
    expect([read.isSet(), write.isSet()]).toEqual([false, false]);
    read.close();
    write.close();
  });

  test('`using` closes it at the end of its block', () => {
    let inside: WaitableEvent;
    {
      using scoped = new WaitableEvent({ set: true });
      inside = scoped;
      expect(scoped.closed).toBe(false);
    }
    expect(inside.closed).toBe(true);
    expect(inside[Symbol.dispose]()).toBeUndefined();
  });
});

describe('errors', () => {
  test('are errors of this realm, with a name, a code and a stack', () => {
    const caught: unknown[] = [];
    event.close();
    for (const call of [
      () => event.set(),
      () => event.wait('x' as Any),
      () => event.wait(Number.NaN),
      () => select([9999], []),
    ]) {
      try {
        call();
      } catch (error) {
        caught.push(error);
      }
    }
    const [closed, type, value, system] = caught as [EventClosedError, TypeError, RangeError, SystemError];
    expect(closed).toBeInstanceOf(Error);
    expect(closed).toBeInstanceOf(EventClosedError);
    expect(type).toBeInstanceOf(TypeError);
    expect(type).toBeInstanceOf(InvalidArgTypeError);
    expect(value).toBeInstanceOf(RangeError);
    expect(value).toBeInstanceOf(InvalidArgValueError);
    expect(system).toBeInstanceOf(SystemError);
    expect(system).toMatchObject({ code: 'EBADF', errno: EBADF, name: 'SystemError', syscall: expect.any(String) });
    expect([closed.name, type.name, value.name]).toEqual([
      'EventClosedError',
      'InvalidArgTypeError',
      'InvalidArgValueError',
    ]);
    expect(closed.stack).toContain('invalid-arguments.test');
    expect(closed).not.toBeInstanceOf(SystemError);
  });
});

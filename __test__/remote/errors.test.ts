/** What a handler throws, as its caller in another thread gets it. */

import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as facade from 'waitable-event';
import { QueueFullError, SystemError, TaskManager, UnknownTaskError } from 'waitable-event';

import { Owner } from '../support/remote/task-managers';
import { within } from '../support/timing';

let owner: Owner;
let remote: facade.RemoteTaskManager;

beforeEach(() => {
  owner = new Owner();
  remote = TaskManager.connect(owner.manager.handle);
});

afterEach(() => remote.close());

async function callFromHere(): Promise<unknown> {
  const result = await remote.call('fail');
  return result;
}

/** Throws something in a handler; returns what arrives. */
async function transfer(make: () => unknown): Promise<Error & Record<string, unknown>> {
  owner.manager.define('fail', () => {
    throw make();
  });
  return within(
    remote.call('fail').then(
      () => Promise.reject(new Error('the call has succeeded')),
      (error: Error & Record<string, unknown>) => error,
    ),
    'the call',
  );
}

describe('the name of an error', () => {
  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', ''])('may be %p', async (name) => {
    const error = await transfer(() => Object.defineProperty(new Error('m'), 'name', { value: name }));
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.message]).toEqual([name, 'm']);
  });

  test('of the class is kept beside the class of the language', async () => {
    class HttpError extends RangeError {
      override name = 'HttpError';
    }
    const error = await transfer(() => new HttpError('m'));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.name).toBe('HttpError');
    expect(Object.keys(error)).toEqual([]);
  });
});

describe('an error of this package', () => {
  const classes = Object.entries(facade).filter(
    ([, value]) => typeof value === 'function' && value.prototype instanceof Error,
  ) as unknown as [name: string, errorClass: new (...args: unknown[]) => Error][];

  test.each(classes)('%s is an instance of its class', async (name, errorClass) => {
    const sent = name === 'SystemError' ? new SystemError(-2, 'open') : new errorClass('a', 'b', 'c');
    const error = await transfer(() => sent);
    expect(error).toBeInstanceOf(errorClass);
    expect(Object.getPrototypeOf(error)).toBe(errorClass.prototype);
    expect([error.name, error.message, error['code']]).toEqual([
      name,
      sent.message,
      (sent as Error & { code: string }).code,
    ]);
    expect(Object.keys(error).toSorted()).toEqual(Object.keys(sent).toSorted());
  });

  test('that the manager itself answers with is one, too', async () => {
    await expect(remote.call('unknown')).rejects.toBeInstanceOf(UnknownTaskError);
  });

  test('is one within another error', async () => {
    const error = await transfer(() => new Error('m', { cause: new QueueFullError() }));
    expect(error.cause).toBeInstanceOf(QueueFullError);
  });

  test('is not every error with its code', async () => {
    const error = await transfer(() => Object.assign(new TypeError('m'), { code: 'ERR_INVALID_ARG_TYPE' }));
    expect(Object.getPrototypeOf(error)).toBe(TypeError.prototype);
    expect(error['code']).toBe('ERR_INVALID_ARG_TYPE');
  });
});

describe('an error that contains others', () => {
  test('an AggregateError keeps them', async () => {
    const error = await transfer(() => new AggregateError([new RangeError('one'), 'two', new QueueFullError()], 'm'));
    expect(error).toBeInstanceOf(AggregateError);
    const errors = error['errors'] as unknown[];
    expect(errors).toHaveLength(3);
    expect(errors[0]).toBeInstanceOf(RangeError);
    expect(errors[1]).toBe('two');
    expect(errors[2]).toBeInstanceOf(QueueFullError);
    expect(Object.keys(error)).toEqual([]);
  });

  test('one that contains itself arrives as such', async () => {
    const error = await transfer(() => {
      const self = new Error('self');
      const all = new AggregateError([self, self], 'm', { cause: self });
      self.cause = all;
      return all;
    });
    const [first, second] = error['errors'] as Error[];
    expect(first).toBe(second);
    expect(first).toBe(error.cause);
    expect(first?.cause).toBe(error);
  });

  test('an endless chain ends', async () => {
    const error = await transfer(() => {
      const makeEndless = (): Error =>
        Object.defineProperty(new Error('m'), 'cause', { get: makeEndless, configurable: true });
      return makeEndless();
    });
    expect(error.message).toBe('m');
  });
});

describe('properties of an error', () => {
  test('that are own and can be cloned arrive', async () => {
    const error = await transfer(() =>
      Object.assign(new Error('m'), {
        status: 404,
        headers: new Map([['a', 1]]),
        response: { body: [1] },
        original: new RangeError('original'),
        all: [new TypeError('first'), 2],
        handler: () => {},
        ['__proto__x']: 1,
      }),
    );
    expect(Object.keys(error)).toEqual(['status', 'headers', 'response', 'original', 'all', '__proto__x']);
    expect(error).toMatchObject({ status: 404, response: { body: [1] } });
    expect(inspect(error['headers'])).toBe("Map(1) { 'a' => 1 }");
    expect(error['original']).toBeInstanceOf(RangeError);
    expect((error['all'] as unknown[])[0]).toBeInstanceOf(TypeError);
  });

  test('of any name and with any getter do no harm', async () => {
    const error = await transfer(() => {
      const thrown = new Error('m');
      for (const name of ['__proto__', 'constructor', 'toString', 'value', 'list', 'name']) {
        Object.defineProperty(thrown, name, { value: `own ${name}`, enumerable: true });
      }
      return Object.defineProperty(thrown, 'broken', {
        enumerable: true,
        get: () => {
          throw new Error('getter');
        },
      });
    });
    expect(Object.getPrototypeOf(error)).toBe(Error.prototype);
    expect(Object.keys(error)).toEqual(['__proto__', 'constructor', 'toString', 'value', 'list']);
    expect(error.name).toBe('own name');
  });
});

test('a DOMException is one', async () => {
  const error = await transfer(() => new DOMException('m', 'AbortError'));
  expect(Object.prototype.toString.call(error)).toBe('[object DOMException]');
  expect(error).toBeInstanceOf(DOMException);
  expect([error.name, error.message, error['code']]).toEqual(['AbortError', 'm', 20]);
  const cause = (await transfer(() => new Error('m', { cause: AbortSignal.abort().reason as unknown }))).cause;
  expect(cause).toBeInstanceOf(DOMException);
});

describe('the stack', () => {
  test('has the handler, and below it the caller', async () => {
    owner.manager.define('fail', function failingHandler() {
      throw new Error('m');
    });
    const error = await callFromHere().catch((thrown: unknown) => thrown as Error);
    expect((error as Error).stack).toMatch(/^Error: m\n[^]*failingHandler[^]*\n {4}at (?:async )?callFromHere/);
  });

  test('of an error that does not come from the other thread is not changed', async () => {
    const reason = new Error('reason');
    const { stack } = reason;
    owner.manager.define('never', () => new Promise(() => {}));
    const controller = new AbortController();
    const call = remote.call('never', undefined, { signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(reason.stack).toBe(stack);
  });
});

import { inspect } from 'node:util';

import { beforeEach, describe, expect, test } from '@jest/globals';
import { TaskManager } from 'waitable-event';

import { Owner, Producer, RemoteOwner } from '../support/remote/task-managers';
import { TIME_LIMIT, until } from '../support/threads';
import { within } from '../support/timing';

const MEGABYTE = 1 << 20;

function throwing(error: Error, property: string): Error {
  return Object.defineProperty(error, property, {
    get() {
      throw new Error(`no ${property}`);
    },
  });
}

/** Nothing that can be cloned or put into text. */
function withoutText(): unknown {
  return Object.assign(Object.create(null) as object, { call: () => {} });
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const DEEPLY = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity };

describe.each(['call', 'callSync'] as const)('%s()', (way) => {
  let owner: Owner;
  let producer: Producer;

  beforeEach(() => {
    owner = new Owner();
    producer = new Producer(owner.manager.handle);
  });

  test('returns what the handler returns', async () => {
    owner.manager.define('double', (value: number) => 2 * value);
    expect(await producer.do(way, 'double', 21)).toBe(42);
  });

  test('returns what the promise of the handler resolves with', async () => {
    owner.manager.define('later', async (value: number) => {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      return [value];
    });
    expect(await producer.do(way, 'later', 1)).toEqual([1]);
  });

  test('returns what a foreign thenable resolves with', async () => {
    owner.manager.define('thenable', () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is the point
      then: (resolve: (value: string) => void) => resolve('then'),
    }));
    expect(await producer.do(way, 'thenable')).toBe('then');
  });

  test.each(['throws', 'rejects'])('throws what the handler %s: message, name, stack, code and cause', async (how) => {
    owner.manager.define('fail', () => {
      class CustomError extends Error {
        override readonly name = 'CustomError';
        readonly code = 'E_CUSTOM';
      }
      const error = new CustomError('outer', { cause: new TypeError('inner', { cause: { plain: 1 } }) });
      if (how === 'throws') {
        throw error;
      }
      return Promise.reject(error);
    });
    const thrown = await producer.fails(way, 'fail');
    expect(thrown).toMatchObject({ name: 'CustomError', message: 'outer', code: 'E_CUSTOM' });
    expect(thrown.stack).toMatch(/outer\n\s+at .*call-results\.test/);
    const cause = thrown.cause as Error;
    expect([cause.message, cause.cause]).toEqual(['inner', { plain: 1 }]);
    // The caller has the error; onError is not called.
    expect(owner.errors).toEqual([]);
    expect(owner.manager.stats().failed).toBe(1);
  });

  test('throws errors of the standard classes', async () => {
    owner.manager.define('fail', () => {
      throw new RangeError('range');
    });
    expect(await producer.fails(way, 'fail')).toMatchObject({ name: 'RangeError', message: 'range' });
  });

  test.each(['text', 7, null, undefined, { object: [1] }])('throws %p, which is no error, unchanged', async (value) => {
    owner.manager.define('fail', () => {
      throw value;
    });
    const remote = TaskManager.connect(owner.manager.handle);
    const outcome = await within(
      remote.call('fail').then(
        () => 'resolved',
        (error: unknown) => [error],
      ),
      'the call',
    );
    expect(outcome).toEqual([value]);
    remote.close();
  });

  test.each<[what: string, text: string, thrown: () => unknown]>([
    ['an error whose stack cannot be read', 'message', () => throwing(new Error('message'), 'stack')],
    ['an error whose message cannot be read', '(it has no text)', () => throwing(new Error('message'), 'message')],
    [
      'an error whose name has no text',
      'm',
      () => Object.assign(new Error('m'), { name: Object.create(null) as object }),
    ],
    ['a cause that cannot be cloned', 'outer', () => new Error('outer', { cause: withoutText() })],
    ['what cannot be cloned and has no text', '(it has no text)', withoutText],
    ['a proxy that is revoked', '(it has no text)', revoked],
  ])('throws as much as can be cloned of %s', async (_what, text, make) => {
    const fail = (): never => {
      throw make();
    };
    owner.manager.define('throws', fail);
    owner.manager.define('rejects', async () => fail());
    for (const name of ['throws', 'rejects']) {
      expect(await producer.do('textOfError', way, name)).toBe(text);
    }
    expect(await producer.do(way, 'echo', 1)).toBe(1);
  });

  test('throws an error that cannot be read for want of stack, and the owner goes on', async () => {
    // Workers have a larger stack than this one has left.
    owner.manager.define('deep', () => 'read');
    expect(await producer.do('sendDeepest', way, 'deep')).toMatch(/^(read|RangeError)$/);
    await producer.do('sendDeepest', 'schedule', 'deep');
    expect(await producer.do(way, 'echo', 1)).toBe(1);
  });

  test('throws ERR_UNKNOWN_TASK for a name without a handler', async () => {
    const thrown = await producer.fails(way, 'unknown');
    expect(thrown.code).toBe('ERR_UNKNOWN_TASK');
    expect(thrown.message).toBe('No handler is defined for the task "unknown"');
    expect(owner.errors).toEqual([]);
  });

  test('throws a DataCloneError for a result that cannot be cloned', async () => {
    owner.manager.define('symbol', () => Symbol('s'));
    owner.manager.define('function', async () => () => {});
    expect((await producer.fails(way, 'symbol')).name).toBe('DataCloneError');
    expect((await producer.fails(way, 'function')).name).toBe('DataCloneError');
    expect(await producer.do(way, 'echo', 1)).toBe(1);
  });

  test('throws a DataCloneError for a payload that cannot be cloned, and schedules nothing', async () => {
    const names = await producer.do<string[]>('uncloneable', way);
    expect(names).toEqual(names.map(() => 'DataCloneError'));
    expect(await producer.do(way, 'echo', 1)).toBe(1);
    expect(owner.manager.stats().run).toBe(1);
  });

  test('fails after its timeout, and its late answer reaches no other call', async () => {
    const ends: ((value: string) => void)[] = [];
    const signals: AbortSignal[] = [];
    owner.manager.define('slow', (_payload, context) => {
      signals.push(context.signal);
      return new Promise<string>((resolve) => ends.push(resolve));
    });
    for (let round = 0; round < 3; round += 1) {
      // On a busy machine the timeout may pass before the handler begins: then the call is cancelled, and tried again.
      const deadline = Date.now() + TIME_LIMIT;
      do {
        const thrown = await producer.fails(way, 'slow', round, { timeout: 5 });
        expect(thrown.code).toBe('ERR_CALL_TIMEOUT');
        // On a busy machine it may be that the manager has not even read the call.
        const hint = '. Its manager does not read what is sent to it: its loop does not run, or its thread is busy';
        const message = 'The call of "slow" had no result within 5 ms';
        expect([message, message + hint]).toContain(thrown.message);
        // When this is answered, the owner has seen all that came before.
        expect(await producer.do(way, 'echo', round)).toBe(round);
      } while (signals.length === round && Date.now() < deadline);
      await until(() => signals[round]?.aborted === true, 'the signal of the handler to be aborted');
      expect(signals[round]?.reason).toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
      ends[round]?.('late');
      // The next call has its own answer.
      expect(await producer.do(way, 'echo', round)).toBe(round);
    }
  });

  test('with a timeout of 0 fails immediately', async () => {
    owner.manager.define('slow', () => new Promise(() => {}));
    expect((await producer.fails(way, 'slow', 0, { timeout: 0 })).code).toBe('ERR_CALL_TIMEOUT');
    expect((await producer.fails(way, 'slow', 0, { timeout: -1 })).code).toBe('ERR_CALL_TIMEOUT');
  });

  test('returns a result that comes before the timeout', async () => {
    expect(await producer.do(way, 'echo', 1, { timeout: 20_000 })).toBe(1);
  });

  test('moves buffers that are transferred', async () => {
    const [length, result] = await producer.do<[number, { bytes: Uint8Array }]>('transfer', way, 'echo', 3 * MEGABYTE);
    expect(length).toBe(0);
    expect(result.bytes).toHaveLength(3 * MEGABYTE);
    expect(result.bytes.every((byte) => byte === 7)).toBe(true);
  });

  test('carries payloads of many megabytes in both directions', async () => {
    const remote = await RemoteOwner.start(way === 'call' ? 'run' : 'runSync');
    const mine = TaskManager.connect(remote[1]);
    const bytes = Buffer.alloc(3 * MEGABYTE, 'a pattern of no power of two');
    const text = 'ä'.repeat(4 * MEGABYTE);
    const rows = Array.from({ length: 50_000 }, (_, index) => ({ index, name: `row ${index}`, when: new Date(index) }));
    for (const payload of [bytes, text, rows, [bytes, { text }]]) {
      const result = await within(Promise.resolve(mine[way]('echo', payload)), 'the echo');
      // Buffers arrive as plain Uint8Arrays, whatever they are in.
      // By value: how V8 lays out what is equal differs from version to version.
      expect(inspect(result, DEEPLY) === inspect(structuredClone(payload), DEEPLY)).toBe(true);
    }
    mine.close();
  });

  test('carries results of many megabytes from a promise, also when all come together', async () => {
    owner.manager.define('bytes', async (size: number) => {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      return new Uint8Array(size).fill(size & 0xff);
    });
    for (const size of [MEGABYTE / 2, MEGABYTE - 1, MEGABYTE, MEGABYTE + 1, 5 * MEGABYTE + 3]) {
      const result = await producer.do<Uint8Array>(way, 'bytes', size);
      expect([result.length, result[0], result.at(-1)]).toEqual([size, size & 0xff, size & 0xff]);
    }
  });

  test('returns the bytes as they were when the handler returned them', async () => {
    const buffer = new Uint8Array(6 * MEGABYTE);
    owner.manager.define('reused', (value: number) => {
      setImmediate(() => buffer.fill(99));
      return buffer.fill(value);
    });
    const result = await producer.do<Uint8Array>(way, 'reused', 5);
    expect(result.indexOf(99)).toBe(-1);
    expect(result.every((byte) => byte === 5)).toBe(true);
  });

  test('throws ERR_TASK_MANAGER_CLOSED when the manager is closed', async () => {
    await producer.do('connect');
    owner.manager.close();
    expect((await producer.fails(way, 'echo')).code).toBe('ERR_TASK_MANAGER_CLOSED');
  });

  test('throws ERR_TASK_MANAGER_CLOSED when the connection is closed', async () => {
    await producer.do('closeTwice');
    const thrown = await producer.fails(way, 'echo');
    expect(thrown).toMatchObject({ code: 'ERR_TASK_MANAGER_CLOSED', name: 'TaskManagerClosedError' });
  });
});

/** Async handlers and deferred functions: a rejected promise is what a throw is. */

import { AsyncLocalStorage } from 'node:async_hooks';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FileDispatcher, RunLoop, core } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { Pipe } from '../support/pipe';
import { runIn, startLoop } from '../support/run-loop/loops';
import { fdOf, makeUrgentSocket } from '../support/sockets';
import { until } from '../support/threads';

const handlers = ['handleRead', 'handleWrite', 'handleExpt', 'handleClose'] as const;

let loop: RunLoop;
let unhandled: unknown[];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => {
  loop = startLoop();
  unhandled = [];
  process.on('unhandledRejection', onUnhandled);
});

afterEach(() => {
  process.off('unhandledRejection', onUnhandled);
  jest.restoreAllMocks();
});

/** Makes a channel on which a handler is due. */
async function makeChannel<T extends FileDispatcher>(
  name: (typeof handlers)[number],
  channelClass: new (fd: number, loop: RunLoop) => T,
): Promise<T | undefined> {
  if (name === 'handleExpt') {
    const socket = await makeUrgentSocket('');
    return socket === undefined ? undefined : new channelClass(fdOf(socket), loop);
  }
  const pipe = new Pipe();
  const channel = new channelClass(name === 'handleWrite' ? pipe.writer : pipe.reader, loop);
  if (name === 'handleRead') {
    pipe.write('spam');
  } else if (name === 'handleClose') {
    pipe.close(pipe.writer);
  }
  return channel;
}

describe.each(handlers)('%s()', (name) => {
  test.each(['the handler', 'the event handler'])('a rejection of %s goes to handleError()', async (which) => {
    const crash = new Error('crash');
    const errors: unknown[] = [];
    class Crashing extends FileDispatcher {
      override handleError(error: unknown): void {
        errors.push(error);
        this.close();
      }
    }
    const member = which === 'the event handler' && name !== 'handleClose' ? `${name}Event` : name;
    Object.defineProperty(Crashing.prototype, member, {
      value: async (): Promise<void> => {
        await Promise.resolve();
        throw crash;
      },
    });
    if ((await makeChannel(name, Crashing)) === undefined) {
      return;
    }
    await until(() => errors.length > 0 || unhandled.length > 0, 'handleError()');
    expect(errors[0]).toBe(crash);
    expect(unhandled).toEqual([]);
  });
});

test('a rejection that means that the peer is gone is handleClose()', async () => {
  const log: string[] = [];
  class Gone extends FileDispatcher {
    override async handleRead(): Promise<void> {
      this.recv(100);
      await Promise.resolve();
      throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
    }

    override handleClose(): void {
      log.push('close');
      this.close();
    }
  }
  await makeChannel('handleRead', Gone);
  await until(() => log.length > 0, 'handleClose()');
  expect(log).toEqual(['close']);
});

test('a rejection of handleError() is printed, and the channel leaves the loop', async () => {
  const print = jest.spyOn(console, 'error').mockImplementation(() => {});
  const second = new Error('second');
  class Hopeless extends FileDispatcher {
    override handleRead(): void {
      throw new Error('first');
    }

    override async handleError(): Promise<void> {
      await Promise.resolve();
      throw second;
    }
  }
  const channel = await makeChannel('handleRead', Hopeless);
  await until(() => print.mock.calls.length > 0, 'the report');
  expect(print.mock.calls[0]).toEqual(['uncaught exception while closing the channel Hopeless', second]);
  channel?.close();
});

test('the channel is asked what it wants when the promise is settled', async () => {
  const pipe = new Pipe();
  const log: string[] = [];
  class Slow extends FileDispatcher {
    #isBusy = false;

    override readable(): boolean {
      return !this.#isBusy;
    }

    override async handleRead(): Promise<void> {
      this.#isBusy = true;
      const text = this.recv(1).toString();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      log.push(text);
      this.#isBusy = false;
    }
  }
  const channel = new Slow(pipe.reader, loop);
  finallyDo(() => channel.close());
  pipe.write('spam');
  await until(
    () => log.length === 4,
    () => `four bytes: ${log.join('')}`,
  );
  expect(log.join('')).toBe('spam');
});

describe('deferred()', () => {
  test('a rejection is printed, as a throw is', async () => {
    const print = jest.spyOn(console, 'error').mockImplementation(() => {});
    const crash = new Error('crash');
    loop.deferred(() => Promise.reject(crash));
    await until(() => print.mock.calls.length > 0 || unhandled.length > 0, 'the report');
    expect(print.mock.calls).toEqual([['error in a deferred function', crash]]);
    expect(unhandled).toEqual([]);
  });

  test.each(['run', 'runSync'] as const)('keeps the async context, with %s()', async (way) => {
    const storage = new AsyncLocalStorage<string>();
    const other = new RunLoop();
    const stores: (string | undefined)[] = [];
    const note = (): void => void stores.push(storage.getStore());
    storage.run('first', () => other.deferred(note));
    storage.run('second', () =>
      other.deferred(() => {
        note();
        other.deferred(() => {
          note();
          other.stop();
        });
      }),
    );
    other.deferred(note);
    await storage.run('outer', () => runIn(way, other));
    expect(stores).toEqual(['first', 'second', undefined, 'second']);
    core.runOnce();
  });
});

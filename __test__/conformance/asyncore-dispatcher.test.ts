/**
 * Restated from CPython: the tests of asyncore's dispatchers (Lib/test/test_asyncore.py), case by case, under their
 * names.
 */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Dispatcher } from 'waitable-event';

import { report } from '../support/outcomes';
import { Pipe, writeSync } from '../support/pipe';
import { Recorder, Stage, ways } from '../support/run-loop/channels';
import { fdOf, makeSockets, makeUrgentSocket } from '../support/sockets';

class Plain extends Dispatcher {
  fileno(): number {
    return 0;
  }
}

let printed: string[];

beforeEach(() => {
  printed = [];
  jest
    .spyOn(console, 'error')
    .mockImplementation((...words: unknown[]) => void printed.push(words.map(String).join(' ')));
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('DispatcherTests', () => {
  test('test_basic: a dispatcher wants to be read, and written when it has a handleWrite() of its own', () => {
    class Writer extends Plain {
      override handleWrite(): void {}
    }
    expect(new Plain().readable()).toBe(true);
    expect(new Plain().writable()).toBe(false);
    expect(new Writer().readable()).toBe(true);
    expect(new Writer().writable()).toBe(true);
  });

  test('test_log_info: a message with its type, which is info unless it is said', () => {
    const channel = new Plain();
    channel.logInfo('Have you got anything without spam?', 'EGGS');
    channel.logInfo("Why can't she have egg bacon spam and sausage?");
    channel.logInfo("THAT'S got spam in it!", 'SPAM', 'and', 1);
    expect(printed).toEqual([
      'EGGS: Have you got anything without spam?',
      "info: Why can't she have egg bacon spam and sausage?",
      "SPAM: THAT'S got spam in it! and 1",
    ]);
  });

  test('test_unhandled: unhandled events are warnings, which are printed only when nothing is ignored', () => {
    const channel = new Plain();
    const call = (): void => {
      channel.handleExpt();
      channel.handleRead();
      channel.handleWrite();
      channel.handleClose();
    };
    call();
    expect(printed).toEqual([]);
    channel.ignoreLogTypes = new Set();
    call();
    expect(printed).toEqual([
      'warning: unhandled incoming priority event',
      'warning: unhandled read event',
      'warning: unhandled write event',
      'warning: unhandled close event',
    ]);
  });
});

describe.each(ways)('HelperFunctionTests, with %s()', (way) => {
  let stage: Stage;
  let log: string[];

  beforeEach(() => {
    stage = new Stage(way);
    log = [];
  });

  test('test_readwrite: POLLIN is handleRead() and nothing else', async () => {
    const { reader, writer } = new Pipe();
    const channel = new Recorder(reader, stage.loop, log);
    writeSync(writer, 'spam');
    await stage.until(() => log.length > 0, 'handleRead()');
    await stage.passes(2);
    expect(log).toEqual(['read']);
    expect(channel.received).toBe('spam');
  });

  test('test_readwrite: POLLOUT is handleWrite() and nothing else, in every pass', async () => {
    const { writer } = new Pipe();
    const channel = new Recorder(writer, stage.loop, log);
    channel.wantsToRead = false;
    channel.wantsToWrite = true;
    stage.loop.update(channel);
    await stage.passes(3);
    expect(log).toEqual(['write', 'write', 'write']);
  });

  test('test_readwrite: POLLHUP is handleClose() and nothing else, once', async () => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.reader, stage.loop, log);
    pipe.close(pipe.writer);
    await stage.until(() => channel.isClosed, 'handleClose()');
    await stage.passes(2);
    expect(log).toEqual(['close']);
  });

  test('test_readwrite: POLLERR is handleClose() and nothing else, if writable() is false', async () => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.writer, stage.loop, log);
    pipe.close(pipe.reader);
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(log).toEqual(['close']);
  });

  test('test_readwrite, test_handle_expt: POLLPRI is handleExpt()', async () => {
    const socket = await makeUrgentSocket('');
    if (socket === undefined) {
      report('not tested: there is no perl to send urgent data');
      return;
    }
    const channel = new Recorder(fdOf(socket), stage.loop, log);
    await stage.until(() => log.length > 0, 'handleExpt()');
    channel.close();
    await stage.passes(1);
    expect(log).toEqual(['expt']);
  });

  test('the order is read, write, exceptional', async () => {
    const socket = await makeUrgentSocket('spam');
    if (socket === undefined) {
      report('not tested: there is no perl to send urgent data');
      return;
    }
    const channel = new Recorder(fdOf(socket), stage.loop, log);
    channel.wantsToWrite = true;
    stage.loop.update(channel);
    await stage.passes(1);
    expect(log).toEqual(['read', 'write', 'expt']);
  });

  test('the order is read, write, close: the end comes after the last byte, in as many passes as it takes', async () => {
    const [near, far] = await makeSockets();
    const channel = new Recorder(fdOf(near), stage.loop, log);
    channel.wantsToWrite = true;
    channel.chunk = 2;
    stage.loop.update(channel);
    writeSync(fdOf(far), 'spam');
    far.destroy();
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(channel.received).toBe('spam');
    // The last read finds the end, and calls handleClose() itself.
    expect(log).toEqual(['read', 'write', 'read', 'write', 'read', 'close']);
  });

  test('what is written into a pipe before it is closed is read to the last byte', async () => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.reader, stage.loop, log);
    channel.chunk = 3;
    writeSync(pipe.writer, 'spam, eggs');
    pipe.close(pipe.writer);
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(channel.received).toBe('spam, eggs');
    expect(log).toEqual(['read', 'read', 'read', 'read', 'close']);
  });

  test('POLLERR with POLLOUT: a writer is called, and then its end', async () => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.writer, stage.loop, log);
    channel.wantsToWrite = true;
    stage.loop.update(channel);
    pipe.close(pipe.reader);
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(log).toEqual(['write', 'close']);
  });

  test.each(['handleReadEvent', 'handleWriteEvent', 'handleExptEvent', 'handleClose'] as const)(
    'test_readwriteexc: what %s() throws goes to handleError()',
    async (name) => {
      const pipe = new Pipe();
      const urgent = name === 'handleExptEvent' ? await makeUrgentSocket('') : undefined;
      if (name === 'handleExptEvent' && urgent === undefined) {
        report('not tested: there is no perl to send urgent data');
        return;
      }
      const thrown = new Error('crash');
      const errors: unknown[] = [];
      class Crashing extends Recorder {
        override handleError(error: unknown): void {
          errors.push(error);
          this.close();
        }
      }
      Crashing.prototype[name] = () => {
        throw thrown;
      };
      const fd = urgent === undefined ? (name === 'handleWriteEvent' ? pipe.writer : pipe.reader) : fdOf(urgent);
      const channel = new Crashing(fd, stage.loop, log);
      channel.wantsToWrite = name === 'handleWriteEvent';
      stage.loop.update(channel);
      writeSync(pipe.writer, name === 'handleReadEvent' ? 'spam' : '');
      if (name === 'handleClose') {
        pipe.close(pipe.writer);
      }
      await stage.until(() => errors.length > 0, 'handleError()');
      await stage.passes(2);
      expect(errors).toEqual([thrown]);
      expect(errors[0]).toBe(thrown);
      expect(log).toEqual([]);
    },
  );

  test.each(['ECONNRESET', 'ENOTCONN', 'ESHUTDOWN', 'ECONNABORTED', 'EPIPE', 'EBADF'])(
    'test_readwriteexc: %s, thrown by a handler, is the end and no error',
    async (code) => {
      const { writer } = new Pipe();
      const channel = new Recorder(writer, stage.loop, log);
      channel.wantsToWrite = true;
      channel.handleWrite = () => {
        throw Object.assign(new Error(code), { code });
      };
      stage.loop.update(channel);
      await stage.until(() => channel.isClosed, 'handleClose()');
      expect(log).toEqual(['close']);
    },
  );

  test.each(['EAGAIN', 'EIO', 'ENOSPC', 'ERR_INVALID_ARG_VALUE'])(
    'test_readwriteexc: %s, thrown by a handler, is an error',
    async (code) => {
      const { writer } = new Pipe();
      const channel = new Recorder(writer, stage.loop, log);
      channel.wantsToWrite = true;
      channel.handleWrite = () => {
        throw Object.assign(new Error(code), { code });
      };
      stage.loop.update(channel);
      await stage.until(() => channel.isClosed, 'handleError()');
      expect(log).toEqual([`error ${code}`]);
    },
  );

  test.each([undefined, null, 'spam', 42, Symbol('spam')])('test_readwriteexc: %p is an error too', async (thrown) => {
    const { writer } = new Pipe();
    const errors: unknown[] = [];
    const channel = new Recorder(writer, stage.loop, log);
    channel.wantsToWrite = true;
    channel.handleWrite = () => {
      throw thrown;
    };
    channel.handleError = (error) => {
      errors.push(error);
      channel.close();
    };
    stage.loop.update(channel);
    await stage.passes(2);
    expect(errors).toEqual([thrown]);
  });
});

describe.each(ways)('handle_error, with %s()', (way) => {
  test('by default it reports the error and closes the channel, and the others go on', async () => {
    const stage = new Stage(way);
    const pipe = new Pipe();
    class Failing extends Recorder {
      override handleRead(): void {
        throw new Error('no spam');
      }

      override handleError(error: unknown): void {
        Dispatcher.prototype.handleError.call(this, error);
      }
    }
    const log: string[] = [];
    const failing = new Failing(pipe.reader, stage.loop, log, 'failing');
    const other = new Pipe();
    const healthy = new Recorder(other.reader, stage.loop, log, 'healthy');
    writeSync(pipe.writer, 'spam');
    await stage.until(() => failing.isClosed, 'the channel to be closed');
    writeSync(other.writer, 'eggs');
    await stage.until(() => healthy.received !== '', 'the other one to go on');
    expect(printed).toEqual(['error: uncaptured exception, closing channel Failing Error: no spam']);
    expect(log).toEqual(['failing close', 'healthy read']);
  });

  test('what it throws itself is reported, the channel is taken out, and the others go on', async () => {
    const stage = new Stage(way);
    const pipe = new Pipe();
    const channel = new Recorder(pipe.reader, stage.loop);
    let calls = 0;
    channel.handleRead = () => {
      calls += 1;
      throw new Error('first');
    };
    channel.handleError = () => {
      throw new Error('second');
    };
    const other = new Recorder(pipe.writer, stage.loop);
    other.wantsToWrite = true;
    stage.loop.update(other);
    writeSync(pipe.writer, 'spam');
    await stage.passes(3);
    expect(calls).toBe(1);
    expect(other.log).toEqual(['write', 'write', 'write']);
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(/Recorder.*Error: second/);
    channel.close();
  });

  test.each(['readable', 'writable'] as const)('what %s() throws after a handler goes there too', async (name) => {
    const stage = new Stage(way);
    const pipe = new Pipe();
    const log: string[] = [];
    const channel = new Recorder(pipe.reader, stage.loop, log);
    const other = new Recorder(pipe.writer, stage.loop);
    other.wantsToWrite = true;
    stage.loop.update(other);
    channel.handleRead = () => {
      channel.recv(10);
      channel[name] = () => {
        throw new Error(name);
      };
    };
    writeSync(pipe.writer, 'spam');
    await stage.until(() => channel.isClosed, 'handleError()');
    expect(log).toEqual([`error ${name}`]);
    const before = other.log.length;
    await stage.passes(2);
    expect(other.log).toHaveLength(before + 2);
  });
});

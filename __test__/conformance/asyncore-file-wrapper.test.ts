/**
 * Restated from CPython: FileWrapperTest of asyncore (Lib/test/test_asyncore.py), for FileDispatcher. Its cases keep
 * their names; the others are about the same methods.
 */

import { closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FileDispatcher, core, select } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { countDescriptors, flagsOf, temporaryPath } from '../support/files';
import { codeOf } from '../support/outcomes';
import { Pipe, readSync, writeSync } from '../support/pipe';
import { Recorder, Stage } from '../support/run-loop/channels';
import { fdOf, makeSockets } from '../support/sockets';

const path = temporaryPath('testfn');

const content = "It's not dead, it's sleeping!";

let stage: Stage;

function open(flags: number = constants.O_RDONLY): number {
  const fd = openSync(path, flags);
  finallyDo(() => closeSync(fd));
  return fd;
}

beforeEach(() => {
  writeFileSync(path, content);
  stage = new Stage('loop');
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('FileWrapperTest', () => {
  test('test_recv: it works on a duplicate', () => {
    const fd = openSync(path, constants.O_RDONLY);
    const channel = new FileDispatcher(fd, stage.loop);
    closeSync(fd);
    expect(channel.fileno()).not.toBe(fd);
    expect(channel.recv(13).toString()).toBe("It's not dead");
    expect(channel.read(6).toString()).toBe(", it's");
    channel.close();
    expect(codeOf(() => channel.fileno())).toBe('EBADF');
  });

  test('test_send: both names write', () => {
    const channel = new FileDispatcher(open(constants.O_WRONLY | constants.O_APPEND), stage.loop);
    expect(channel.write('Come again?')).toBe(11);
    expect(channel.send(Buffer.from('I want to buy some cheese.'))).toBe(26);
    channel.close();
    expect(readFileSync(path, 'utf8')).toBe(`${content}Come again?I want to buy some cheese.`);
  });

  test('test_close_twice: also when the duplicate was closed from outside', () => {
    const channel = new FileDispatcher(open(), stage.loop);
    closeSync(channel.fileno());
    channel.close();
    expect(codeOf(() => channel.fileno())).toBe('EBADF');
    channel.close();
  });

  test('closing twice never closes a descriptor that has the number now (cpython #75163)', () => {
    const channel = new FileDispatcher(open(), stage.loop);
    const number = channel.fileno();
    channel.close();
    const others = Array.from({ length: 20 }, () => open());
    expect(others).toContain(number);
    channel.close();
    channel.handleClose();
    channel.recv(1);
    channel.send('x');
    expect(others.map((fd) => readSync(fd, Buffer.alloc(4)))).toEqual(others.map(() => 4));
  });

  test("closing it leaves the caller's descriptor open, and the caller can close that one first", () => {
    const { reader, writer } = new Pipe();
    const channel = new FileDispatcher(reader, stage.loop);
    channel.close();
    writeSync(writer, 'spam');
    expect(select([reader], [], [], 0)[0]).toEqual([reader]);
    expect(readSync(reader, Buffer.alloc(9))).toBe(4);
  });

  test('the duplicate is close-on-exec, and the two are non-blocking', () => {
    const fd = open();
    expect(flagsOf(fd).nonBlocking).toBe(false);
    const channel = new FileDispatcher(fd, stage.loop);
    expect(flagsOf(channel.fileno())).toEqual({ nonBlocking: true, closeOnExec: true });
    expect(flagsOf(fd).nonBlocking).toBe(true);
  });

  test('the position in the file is that of the caller', () => {
    const fd = open();
    readSync(fd, Buffer.alloc(5));
    const channel = new FileDispatcher(fd, stage.loop);
    expect(channel.recv(3).toString()).toBe('not');
  });
});

describe('new FileDispatcher(fd)', () => {
  test.each([
    [-1, 'ERR_INVALID_ARG_VALUE'],
    [1.5, 'ERR_INVALID_ARG_VALUE'],
    [NaN, 'ERR_INVALID_ARG_VALUE'],
    [Infinity, 'ERR_INVALID_ARG_VALUE'],
    [2 ** 31, 'ERR_INVALID_ARG_VALUE'],
    [19_999, 'EBADF'],
    ['0', 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [{ fd: '0' }, 'ERR_INVALID_ARG_TYPE'],
  ])('%p throws %s', (fd, code) => {
    const before = countDescriptors();
    expect(codeOf(() => new FileDispatcher(fd as number, stage.loop))).toBe(code);
    expect(countDescriptors()).toBe(before);
  });

  test('a directory throws EISDIR, and a closed one EBADF', () => {
    const directory = temporaryPath('directory');
    mkdirSync(directory);
    const fd = openSync(directory, constants.O_RDONLY);
    const before = countDescriptors();
    stage.loop.loop({ count: 0 });
    const made = countDescriptors() - before;
    expect(codeOf(() => new FileDispatcher(fd, stage.loop))).toBe('EISDIR');
    expect(countDescriptors()).toBe(before + made);
    closeSync(fd);
    expect(codeOf(() => new FileDispatcher(fd, stage.loop))).toBe('EBADF');
    stage.loop.loop();
  });

  test.each([{ loop: {} }, 'core', 1])('%p is no loop', (loop) => {
    const before = countDescriptors();
    expect(codeOf(() => new FileDispatcher(open(), loop as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(countDescriptors()).toBe(before + 1);
  });

  test('null joins no loop', () => {
    const channel = new FileDispatcher(open(), null);
    core.loop();
    expect(channel.recv(4)).toHaveLength(4);
    channel.close();
  });

  test('the loop is core, unless it is said', () => {
    const { reader, writer } = new Pipe();
    const read: string[] = [];
    class Once extends FileDispatcher {
      override writable(): boolean {
        return false;
      }

      override handleRead(): void {
        read.push(this.recv(9).toString());
        this.close();
      }
    }
    new Once(reader).addChannel();
    writeSync(writer, 'spam');
    core.loop();
    expect(read).toEqual(['spam']);
  });
});

describe('sizes and data', () => {
  test.each([
    [-1, 'ERR_INVALID_ARG_VALUE'],
    [0.5, 'ERR_INVALID_ARG_VALUE'],
    [2 ** 31, 'ERR_INVALID_ARG_VALUE'],
    ['1', 'ERR_INVALID_ARG_TYPE'],
  ])('recv(%p) throws %s', (size, code) => {
    const channel = new FileDispatcher(open(), stage.loop);
    expect(codeOf(() => channel.recv(size as number))).toBe(code);
  });

  test.each([undefined, null, 1, [1], {}])('send(%p) throws', (data) => {
    const channel = new FileDispatcher(new Pipe().writer, stage.loop);
    expect(codeOf(() => channel.send(data as never))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('recv(0) is empty and not the end; send() of nothing is 0', () => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.reader, stage.loop);
    expect(channel.recv(0)).toHaveLength(0);
    expect(channel.log).toEqual([]);
    expect(new Recorder(pipe.writer, stage.loop).send('')).toBe(0);
  });

  test('a Buffer of recv() is as long as what was read, and is not written into later', () => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.reader, stage.loop);
    writeSync(pipe.writer, 'spam');
    const first = channel.recv(100);
    writeSync(pipe.writer, 'eggs');
    channel.recv(100);
    expect(first.toString()).toBe('spam');
  });
});

describe('errors of recv() and send(), as dispatcher.recv and dispatcher.send', () => {
  test('EAGAIN: send() is 0, recv() throws', () => {
    const pipe = new Pipe();
    const reader = new Recorder(pipe.reader, stage.loop);
    const writer = new Recorder(pipe.writer, stage.loop);
    expect(codeOf(() => reader.recv(1))).toBe('EAGAIN');
    let sent = 0;
    for (let count = -1; count !== 0; sent += count) {
      count = writer.send(Buffer.alloc(10_000));
    }
    expect(sent).toBeGreaterThan(10_000);
    expect([...reader.log, ...writer.log]).toEqual([]);
  });

  test('EPIPE: send() is 0, after handleClose()', () => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.writer, stage.loop);
    pipe.close(pipe.reader);
    expect(channel.send('spam')).toBe(0);
    expect(channel.log).toEqual(['close']);
  });

  test('ECONNRESET: recv() is empty, after handleClose()', async () => {
    const [near, far] = await makeSockets();
    const channel = new Recorder(fdOf(near), stage.loop);
    writeSync(fdOf(near), 'which is not read');
    far.destroy();
    expect(channel.recv(10)).toHaveLength(0);
    expect(channel.log).toEqual(['close']);
  });

  test('EBADF: recv() is empty and send() is 0 on a closed channel, after handleClose()', () => {
    const channel = new Recorder(open(), stage.loop);
    channel.close();
    expect(channel.recv(10)).toHaveLength(0);
    expect(channel.send('spam')).toBe(0);
    expect(channel.log).toEqual(['close', 'close']);
  });

  test('EBADF: writing to what is only for reading is the end of it', () => {
    const channel = new Recorder(open(), stage.loop);
    expect(channel.send('spam')).toBe(0);
    expect(channel.log).toEqual(['close']);
  });

  test('the end of the file: recv() is empty, after handleClose()', () => {
    const channel = new Recorder(open(), stage.loop);
    expect(channel.recv(100).toString()).toBe(content);
    expect(channel.log).toEqual([]);
    expect(channel.recv(100)).toHaveLength(0);
    expect(channel.log).toEqual(['close']);
  });
});

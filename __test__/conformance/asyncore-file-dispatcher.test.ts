/** asyncore.file_dispatcher and file_wrapper, and the parts of BaseTestAPI that are about reading and writing. */

import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FileDispatcher, RunLoop, core, select } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { countDescriptors, flagsOf, temporaryPath } from '../support/files';
import { codeOf } from '../support/outcomes';
import { Pipe } from '../support/pipe';
import { Recorder, Stage, ways } from '../support/run-loop/channels';
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

  test('test_close_twice: also when somebody has closed the duplicate', () => {
    const channel = new FileDispatcher(open(), stage.loop);
    closeSync(channel.fileno());
    channel.close();
    expect(codeOf(() => channel.fileno())).toBe('EBADF');
    channel.close();
  });

  test("closing twice never closes somebody else's descriptor (cpython #75163)", () => {
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

describe('which descriptors it takes', () => {
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
    [{ fd: 0 }, 'ERR_INVALID_ARG_TYPE'],
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

  test.each([{}, null, 'core', 1])('%p is no loop', (loop) => {
    const before = countDescriptors();
    expect(codeOf(() => new FileDispatcher(open(), loop as never))).toBe('ERR_INVALID_ARG_TYPE');
    expect(countDescriptors()).toBe(before + 1);
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

  test('a Buffer of recv() is as long as what was read, and nobody writes into it later', () => {
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
    writeSync(fdOf(near), 'which nobody reads');
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

describe.each(ways)('file_dispatcher, with %s()', (way) => {
  beforeEach(() => {
    stage = new Stage(way);
  });

  test('test_dispatcher: a regular file is read, as with asyncore.loop(use_poll=True, count=2)', async () => {
    const data: string[] = [];
    class Reader extends FileDispatcher {
      override handleRead(): void {
        data.push(this.recv(29).toString());
      }
    }
    const fd = openSync(path, constants.O_RDONLY);
    const channel = new Reader(fd, stage.loop);
    closeSync(fd);
    expect(channel.writable()).toBe(true);
    await stage.passes(2);
    expect(data.join('')).toBe(content);
  });

  test('a regular file is always ready, and its end is handleClose()', async () => {
    const channel = new Recorder(open(), stage.loop);
    channel.chunk = 10;
    channel.wantsToWrite = true;
    stage.loop.update(channel);
    await stage.until(() => channel.isClosed, 'the end of the file');
    expect(channel.received).toBe(content);
    expect(channel.log).toEqual(['read', 'write', 'read', 'write', 'read', 'write', 'read', 'close']);
  });

  test('/dev/null is always ready too, and at its end from the start', async () => {
    const fd = openSync('/dev/null', 'r+');
    finallyDo(() => closeSync(fd));
    const channel = new Recorder(fd, stage.loop);
    await stage.until(() => channel.isClosed, 'the end of /dev/null');
    expect(channel.log).toEqual(['read', 'close']);
  });

  test('a regular file that wants nothing is left alone, until it does', async () => {
    const channel = new Recorder(open(), stage.loop);
    channel.wantsToRead = false;
    stage.loop.update(channel);
    await stage.passes(3);
    expect(channel.log).toEqual([]);
    channel.wantsToRead = true;
    stage.loop.update(channel);
    await stage.until(() => channel.received === content, 'the file to be read');
  });

  test('test_handle_error: handleError() gets what the handler threw', async () => {
    const channel = new Recorder(new Pipe().writer, stage.loop);
    channel.wantsToWrite = true;
    channel.handleWrite = () => {
      throw new RangeError('division by zero');
    };
    stage.loop.update(channel);
    await stage.until(() => channel.log.length > 0, 'handleError()');
    expect(channel.log).toEqual(['error division by zero']);
  });

  test('test_handle_close: handleClose() is called when the other end closes the connection', async () => {
    const [near, far] = await makeSockets();
    const channel = new Recorder(fdOf(near), stage.loop);
    far.destroy();
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(channel.log).toEqual(['read', 'close']);
  });

  test('test_handle_close_after_conn_broken: EPIPE and ECONNRESET are handleClose()', async () => {
    const [near, far] = await makeSockets(true);
    const client = new Recorder(fdOf(near), stage.loop);
    client.wantsToRead = false;
    client.wantsToWrite = true;
    client.handleWrite = () => void client.send(Buffer.alloc(128));
    stage.loop.update(client);
    const peer = new Recorder(fdOf(far), stage.loop);
    far.destroy();
    peer.handleRead = () => {
      peer.recv(128);
      peer.close();
    };
    await stage.until(() => client.isClosed, 'handleClose()');
    expect(client.log).toEqual(['close']);
  });

  test('DispatcherWithSendTests.test_send: writable() while there is something left to send', async () => {
    const pipe = new Pipe();
    const data = Buffer.alloc(300_000, "Suppose there isn't a 16-ton weight?");
    let left = data;
    let asked = 0;
    class Sender extends FileDispatcher {
      override readable(): boolean {
        return false;
      }

      override writable(): boolean {
        asked += 1;
        return left.length > 0;
      }

      override handleWrite(): void {
        left = left.subarray(this.send(left));
      }
    }
    const sender = new Sender(pipe.writer, stage.loop);
    const receiver = new Recorder(pipe.reader, stage.loop);
    await stage.until(() => receiver.received.length === data.length, 'everything to arrive');
    expect(receiver.received).toBe(data.toString());
    const before = asked;
    await stage.passes(3);
    expect(asked).toBe(before);
    left = Buffer.from('\n');
    stage.loop.update(sender);
    await stage.until(() => receiver.received.endsWith('\n'), 'the rest');
  });
});

describe('addChannel and delChannel', () => {
  test('a channel is in one loop at a time, and what it is in twice it is in once', () => {
    const { reader, writer } = new Pipe();
    const [first, second] = [new RunLoop(), new RunLoop()];
    const channel = new Recorder(reader, first);
    writeSync(writer, 'spam');
    channel.addChannel(first);
    channel.addChannel(second);
    first.loop({ timeout: 0 });
    expect(channel.log).toEqual([]);
    second.loop({ timeout: 0, count: 1 });
    expect(channel.log).toEqual(['read']);
    first.add(channel);
    second.loop();
    channel.delChannel();
    channel.delChannel();
    first.loop();
    channel.addChannel(second);
    channel.close();
    second.loop();
    expect(codeOf(() => channel.addChannel(first))).toBe('EBADF');
  });

  test('add() and remove() of the loop are the same thing', () => {
    const { reader } = new Pipe();
    const loop = new RunLoop();
    const channel = new Recorder(reader, loop);
    loop.remove(channel);
    loop.loop();
    loop.add(channel);
    expect(codeOf(() => loop.loop({ count: 1, timeout: 0 }))).toBeUndefined();
    new RunLoop().remove(channel);
    channel.close();
    loop.loop();
  });

  test('a descriptor is in a loop once', () => {
    const { reader } = new Pipe();
    class Twin extends Recorder {
      override fileno(): number {
        return reader;
      }
    }
    const twin = new Twin(reader, stage.loop);
    expect(codeOf(() => new Twin(reader, stage.loop))).toBe('EEXIST');
    twin.close();
    new Twin(reader, stage.loop).close();
  });
});

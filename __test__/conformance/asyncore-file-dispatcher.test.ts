/**
 * Restated from CPython: the cases of asyncore's tests (Lib/test/test_asyncore.py) that read and write in a loop. They
 * keep their names.
 */

import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { devNull } from 'node:os';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { FileDispatcher, RunLoop } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { temporaryPath } from '../support/files';
import { codeOf } from '../support/outcomes';
import { Pipe, writeSync } from '../support/pipe';
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
    // In asyncore it is writable; here it has no handleWrite() of its own.
    expect(channel.writable()).toBe(false);
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
    const fd = openSync(devNull, 'r+');
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

/** Hang-ups, errors and exceptional conditions of descriptors: which handler hears of which. */

import { createSocket } from 'node:dgram';

import { beforeEach, describe, expect, test } from '@jest/globals';
import { FileDispatcher } from 'waitable-event';

import { report } from '../support/outcomes';
import { Pipe, writeSync } from '../support/pipe';
import { Recorder, Stage, ways } from '../support/run-loop/channels';
import { fdOf, makeSockets, makeUrgentSocket } from '../support/sockets';

/** Calls `open` with a connected UDP socket whose peer is away. Node does not read from it any more. */
async function withLonelySocket<T>(open: (fd: number) => T): Promise<T> {
  const peer = createSocket('udp4');
  await new Promise<void>((resolve) => peer.bind(0, '127.0.0.1', resolve));
  const { port } = peer.address();
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => peer.close(resolve));
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  const { handle } = (socket as unknown as Record<symbol, { handle: { fd: number } }>)[state as symbol] as {
    handle: { fd: number };
  };
  const result = open(handle.fd);
  await new Promise<void>((resolve) => socket.close(resolve));
  return result;
}

let stage: Stage;
let log: string[];

describe.each(ways)('with %s()', (way) => {
  beforeEach(() => {
    stage = new Stage(way);
    log = [];
  });

  test('a channel that writes and does not want to read just now gets handleClose() after the last byte', async () => {
    const [near, far] = await makeSockets();
    const channel = new Recorder(fdOf(near), stage.loop, log);
    channel.wantsToRead = false;
    channel.wantsToWrite = true;
    writeSync(fdOf(far), 'spam');
    far.destroy();
    await stage.passes(3);
    expect(log).toEqual(['write', 'write', 'write']);
    channel.wantsToRead = true;
    channel.wantsToWrite = false;
    stage.loop.update(channel);
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(channel.received).toBe('spam');
    expect(log.slice(3)).toEqual(['read', 'read', 'close']);
  });

  test('one that has no bytes left and does not want to read gets handleClose()', async () => {
    const [near, far] = await makeSockets();
    const channel = new Recorder(fdOf(near), stage.loop, log);
    channel.wantsToRead = false;
    channel.wantsToWrite = true;
    far.destroy();
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(log.at(-1)).toBe('close');
  });

  test('one that wants nothing keeps its bytes, and the loop does not spin', async () => {
    const { reader, writer } = new Pipe();
    const pipe = new Pipe();
    const other = new Recorder(reader, stage.loop, log, 'other');
    const channel = new Recorder(pipe.reader, stage.loop, log);
    channel.wantsToRead = false;
    pipe.write('spam');
    pipe.close(pipe.writer);
    await stage.passes(2);
    writeSync(writer, 'x');
    await stage.until(() => other.received === 'x', 'the other channel');
    expect(log).toEqual(['other read']);
    channel.wantsToRead = true;
    stage.loop.update(channel);
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(channel.received).toBe('spam');
  });

  test('a handleExpt() of its own and no wish to read mean exceptional conditions alone', async () => {
    const socket = await makeUrgentSocket('spam');
    if (socket === undefined) {
      report('not tested: there is no perl to send urgent data');
      return;
    }
    class Urgent extends FileDispatcher {
      override readable(): boolean {
        return false;
      }

      override handleRead(): void {
        log.push('read');
      }

      override handleExpt(): void {
        log.push('expt');
        this.close();
      }
    }
    const channel = new Urgent(fdOf(socket), stage.loop);
    await stage.until(() => log.length > 0, 'handleExpt()');
    expect(log).toEqual(['expt']);
    expect(channel.writable()).toBe(false);
  });

  test('an error of a descriptor is read: recv() throws ECONNREFUSED, and the channel stays', async () => {
    class Client extends FileDispatcher {
      override handleRead(): void {
        log.push('read');
        this.recv(100);
      }

      override handleClose(): void {
        log.push('close');
        this.close();
      }

      override handleError(error: unknown): void {
        log.push((error as NodeJS.ErrnoException).code as string);
      }
    }
    const client = await withLonelySocket((fd) => new Client(fd, stage.loop));
    expect(client.send('spam')).toBe(4);
    await stage.until(() => log.length > 1, 'ECONNREFUSED');
    await stage.passes(2);
    expect(log).toEqual(['read', 'ECONNREFUSED']);
    client.send('eggs');
    await stage.until(() => log.length > 3, 'ECONNREFUSED again');
    expect(log.slice(2)).toEqual(['read', 'ECONNREFUSED']);
    client.close();
  });

  test('a channel without a handleRead() of its own gets the error itself', async () => {
    class Sender extends FileDispatcher {
      override handleError(error: unknown): void {
        log.push((error as NodeJS.ErrnoException).code as string);
        this.close();
      }
    }
    const sender = await withLonelySocket((fd) => new Sender(fd, stage.loop));
    sender.send('spam');
    await stage.until(() => log.length > 0, 'ECONNREFUSED');
    expect(log).toEqual(['ECONNREFUSED']);
  });
});

/** Descriptors that change under their channels, as those of a library that reconnects. */

import { closeSync, constants, openSync, readdirSync, readlinkSync } from 'node:fs';

import { beforeEach, describe, expect, test } from '@jest/globals';
import { Dispatcher, FileDispatcher, RunLoop, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { makeFifo } from '../support/files';
import { codeOf } from '../support/outcomes';
import { Pipe, takeLowerNumbers } from '../support/pipe';
import { Stage, ways } from '../support/run-loop/channels';

/** A channel over the connection of a library, which replaces it. */
class Connection extends Dispatcher {
  pipe = new Pipe();
  received = '';

  fileno(): number {
    return this.pipe.reader;
  }

  override handleRead(): void {
    this.received += this.pipe.read();
  }
}

function isEventfd(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventfd]';
  } catch {
    // The descriptor that has read the list.
    return false;
  }
}

/** Returns an eventfd: that of a loop that nothing else uses. */
function openEventfd(): number {
  const before = new Set(readdirSync('/proc/self/fd'));
  const owner = new RunLoop();
  const event = new WaitableEvent({ loop: owner });
  finallyDo(() => {
    owner.close();
    event.close();
  });
  return Number(readdirSync('/proc/self/fd').find((fd) => !before.has(fd) && isEventfd(fd)));
}

let stage: Stage;

describe.each(ways)('with %s()', (way) => {
  beforeEach(() => {
    stage = new Stage(way);
  });

  test('addChannel() of a member with another descriptor watches that one', async () => {
    const channel = new Connection();
    channel.addChannel(stage.loop);
    await stage.passes(1);
    const before = channel.pipe;
    channel.pipe = new Pipe();
    channel.addChannel(stage.loop);
    before.write('old');
    channel.pipe.write('new');
    await stage.until(() => channel.received.length > 0, 'handleRead()');
    await stage.passes(2);
    expect(channel.received).toBe('new');
  });

  test('so does one whose new descriptor has the number of the closed one', async () => {
    const channel = new Connection();
    channel.addChannel(stage.loop);
    await stage.passes(1);
    const { reader: number } = channel.pipe;
    takeLowerNumbers(number);
    channel.pipe.close(number);
    const fresh = new Pipe();
    expect(fresh.reader).toBe(number);
    channel.pipe = fresh;
    channel.addChannel(stage.loop);
    fresh.write('new');
    await stage.until(() => channel.received.length > 0, 'handleRead()');
    expect(channel.received).toBe('new');
  });

  test('so does one that a handler has replaced, as a library does that has lost its connection', async () => {
    const numbers: number[] = [];
    class Reconnecting extends Connection {
      override handleRead(): void {
        super.handleRead();
        numbers.push(this.pipe.reader);
        if (this.received === 'lost') {
          takeLowerNumbers(this.pipe.reader);
          this.pipe.close(this.pipe.reader);
          this.pipe = new Pipe();
          this.addChannel(stage.loop);
          this.pipe.write(' and found');
        }
      }
    }
    const channel = new Reconnecting();
    channel.addChannel(stage.loop);
    const { reader: number } = channel.pipe;
    channel.pipe.write('lost');
    await stage.until(() => channel.received === 'lost and found', 'handleRead()');
    expect(numbers).toEqual([number, number]);
  });

  test('the new descriptor is refused as for a new channel, and the channel can join again', async () => {
    const channel = new Connection();
    channel.addChannel(stage.loop);
    const { pipe } = channel;
    const closed = openSync(makeFifo(), constants.O_RDWR);
    closeSync(closed);
    channel.pipe = Object.assign(Object.create(pipe) as Pipe, { reader: closed });
    expect(codeOf(() => channel.addChannel(stage.loop))).toBe('EBADF');
    channel.pipe = pipe;
    channel.addChannel(stage.loop);
    pipe.write('spam');
    await stage.until(() => channel.received === 'spam', 'handleRead()');
  });

  test('addChannel() of a member that has not changed changes nothing', async () => {
    const event = new WaitableEvent({ set: true, loop: stage.loop });
    finallyDo(() => event.close());
    let calls = 0;
    event.handleRead = () => {
      calls += 1;
      event.clear();
    };
    event.addChannel(stage.loop);
    await stage.passes(1);
    event.addChannel(stage.loop);
    event.set();
    await stage.passes(1);
    expect(calls).toBe(2);
  });
});

test('a recv() that is too small for an eventfd is EINVAL, and the channel stays', () => {
  const loop = new RunLoop();
  finallyDo(() => loop.close());
  const log: string[] = [];
  class Counter extends FileDispatcher {
    size = 4;

    override handleRead(): void {
      log.push(`read ${this.recv(this.size).length}`);
    }

    override handleError(error: unknown): void {
      log.push((error as { code: string }).code);
      this.size = 8;
    }

    override handleClose(): void {
      log.push('close');
      this.close();
    }
  }
  const channel = new Counter(openEventfd(), loop);
  expect(channel.send(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))).toBe(8);
  loop.loop({ count: 2, timeout: 1000 });
  channel.close();
  expect(log).toEqual(['EINVAL', 'read 8']);
});

/**
 * Restated from bug reports about asyncore: channels that join and leave within a pass. A closed channel gets the event
 * of another one (cpython #75114), and a late close() closes a descriptor that is another channel's by then (cpython
 * #75163).
 */

import { closeSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type FileDispatcher, RunLoop, WaitableEvent } from 'waitable-event';

import { codeOf } from '../support/outcomes';
import { Pipe, takeLowerNumbers, writeSync } from '../support/pipe';
import { Recorder, Stage, ways } from '../support/run-loop/channels';
import { fdOf, makeSockets } from '../support/sockets';

let stage: Stage;
let log: string[];

/** A channel over a pipe that has something to read, which has the only descriptor of its end. */
function makeReady(name: string, text: string = 'spam'): Recorder {
  const pipe = new Pipe();
  writeSync(pipe.writer, text);
  const channel = new Recorder(pipe.reader, stage.loop, log, name);
  pipe.close(pipe.reader);
  return channel;
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(ways)('with %s()', (way) => {
  beforeEach(() => {
    stage = new Stage(way);
    log = [];
  });

  test('a channel that closes itself in handleRead() gets neither the write nor the close of that pass', async () => {
    const [near, far] = await makeSockets();
    const channel = new Recorder(fdOf(near), stage.loop, log);
    channel.wantsToWrite = true;
    stage.loop.update(channel);
    channel.handleRead = () => {
      log.push('read');
      channel.close();
    };
    writeSync(fdOf(far), 'spam');
    far.destroy();
    await stage.passes(3);
    expect(log).toEqual(['read']);
  });

  test('a channel that leaves the loop in handleRead() is not called again, and can join again', async () => {
    const channel = makeReady('a');
    channel.handleRead = () => {
      log.push('read');
      channel.delChannel();
    };
    await stage.passes(3);
    expect(log).toEqual(['read']);
    channel.addChannel(stage.loop);
    await stage.passes(3);
    expect(log).toEqual(['read', 'read']);
  });

  test('a channel that another one closes in the same pass is not called any more', async () => {
    const channels = ['a', 'b', 'c', 'd'].map((name) => makeReady(name));
    for (const channel of channels) {
      channel.handleRead = () => {
        channel.note('read');
        channels.filter((other) => other !== channel).forEach((other) => other.close());
      };
    }
    await stage.passes(1);
    expect(log).toHaveLength(1);
    await stage.passes(2);
    expect(new Set(log).size).toBe(1);
  });

  test('a channel that is closed and replaced gets no stale event, nor does the new one with the same number', async () => {
    const channels = ['a', 'b', 'c'].map((name) => makeReady(name));
    const replaced: number[] = [];
    const fresh: Recorder[] = [];
    for (const channel of channels) {
      channel.handleRead = () => {
        channel.note('read');
        for (const other of channels.filter((one) => one !== channel)) {
          const number = other.fileno();
          // An end that is not ready, in the very place of one that is.
          const quiet = new Pipe();
          takeLowerNumbers(number);
          other.close();
          const next = new Recorder(quiet.reader, stage.loop, log, 'fresh');
          replaced.push(number);
          fresh.push(next);
        }
        channel.delChannel();
      };
    }
    await stage.passes(4);
    expect(log).toHaveLength(1);
    expect(fresh.map((channel) => channel.fileno())).toEqual(replaced);
    expect(fresh.every((channel) => !channel.isClosed)).toBe(true);
  });

  test('a descriptor that was closed under its channel, and is another channel now, reports to that one alone', async () => {
    const stale = makeReady('stale');
    const { reader, writer } = new Pipe();
    writeSync(writer, 'spam');
    const number = stale.fileno();
    takeLowerNumbers(number);
    closeSync(number);
    const fresh = new Recorder(reader, stage.loop, log, 'fresh');
    expect(fresh.fileno()).toBe(number);
    stale.delChannel();
    await stage.passes(3);
    expect(log).toEqual(['fresh read']);
    expect(fresh.received).toBe('spam');
  });

  test('a descriptor that was closed under its channel spins nothing, and changing what it wants is EBADF', async () => {
    const channel = makeReady('a');
    closeSync(channel.fileno());
    await stage.passes(3);
    expect(log).toEqual([]);
    channel.wantsToWrite = true;
    expect(codeOf(() => stage.loop.update(channel))).toBe('EBADF');
    channel.close();
    await stage.passes(1);
  });

  test('a channel that closes its descriptor in a handler is called once more, as with POLLNVAL', async () => {
    const channel = makeReady('a');
    channel.handleRead = () => {
      channel.note('read');
      closeSync(channel.fileno());
      channel.wantsToWrite = true;
    };
    await stage.until(() => channel.isClosed, 'handleClose()');
    expect(log).toEqual(['a read', 'a close']);
  });

  test('channels that join during a pass are called in the next one', async () => {
    const first = makeReady('first');
    let second: Recorder | undefined;
    first.handleRead = () => {
      first.note('read');
      first.recv(10);
      second = makeReady('second');
    };
    await stage.passes(1);
    expect(log).toEqual(['first read']);
    await stage.passes(1);
    expect(log).toEqual(['first read', 'second read']);
    expect(second?.received).toBe('spam');
  });

  test('a pass within a handler: a channel that it has served is called once more, and finds EAGAIN, as in asyncore', async () => {
    const channels = ['a', 'b'].map((name) => makeReady(name));
    for (const channel of channels) {
      channel.handleRead = () => {
        channel.note(codeOf(() => channel.recv(10)) ?? 'read');
        stage.loop.loop({ timeout: 0, count: 1 });
      };
    }
    await stage.passes(3);
    const served = log.filter((entry) => entry.endsWith('read'));
    expect(served.toSorted()).toEqual(['a read', 'b read']);
    expect(log.slice(2)).toEqual([served[1]?.replace('read', 'EAGAIN')]);
  });

  test('readable() is respected: what was not wanted waits', async () => {
    const channel = makeReady('a');
    channel.wantsToRead = false;
    stage.loop.update(channel);
    await stage.passes(3);
    expect(log).toEqual([]);
    channel.wantsToRead = true;
    stage.loop.update(channel);
    await stage.until(() => channel.received === 'spam', 'the bytes that waited');
  });

  test('readable() is asked again after a handler', async () => {
    const channel = makeReady('a', 'spam, spam');
    channel.chunk = 2;
    channel.handleRead = () => {
      Recorder.prototype.handleRead.call(channel);
      channel.wantsToRead = channel.log.length < 3;
    };
    await stage.passes(6);
    expect(channel.received).toBe('spam, ');
  });

  test('writable() is asked again after a handler, and at update()', async () => {
    const channel = new Recorder(new Pipe().writer, stage.loop, log, 'a');
    await stage.passes(2);
    channel.wantsToWrite = true;
    await stage.passes(2);
    expect(log).toEqual([]);
    stage.loop.update(channel);
    channel.handleWrite = () => {
      channel.note('write');
      channel.wantsToWrite = log.length < 2;
    };
    await stage.passes(5);
    expect(log).toEqual(['a write', 'a write']);
  });

  test('a channel that wants nothing hears of no end before the last byte', async () => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.reader, stage.loop, log, 'a');
    channel.wantsToRead = false;
    stage.loop.update(channel);
    writeSync(pipe.writer, 'spam');
    pipe.close(pipe.writer);
    await stage.passes(3);
    expect(log).toEqual([]);
    channel.wantsToRead = true;
    stage.loop.update(channel);
    await stage.until(() => channel.isClosed, 'the end');
    expect(channel.received).toBe('spam');
    expect(log).toEqual(['a read', 'a close']);
  });

  test('one that wanted nothing from the start is in the loop all the same', async () => {
    const { reader, writer } = new Pipe();
    class Quiet extends Recorder {
      override readable(): boolean {
        return (this.wantsToRead as boolean | undefined) === true && this.received !== 'spam';
      }
    }
    const channel = new Quiet(reader, stage.loop, log, 'a');
    writeSync(writer, 'spam');
    await stage.until(() => channel.received === 'spam', 'the bytes');
    await stage.passes(2);
    expect(log).toEqual(['a read']);
    channel.close();
    new Quiet(reader, stage.loop, log, 'b').close();
    stage.loop.loop();
  });

  test('an event is read in every pass while it is set', async () => {
    let reads = 0;
    class Counting extends WaitableEvent {
      override handleRead(): void {
        reads += 1;
        if (reads === 3) {
          this.clear();
        }
      }
    }
    const event = new Counting({ set: true, loop: stage.loop });
    await stage.passes(5);
    expect(reads).toBe(3);
    event.set();
    await stage.until(() => reads > 3, 'the next set()');
    event.clear();
    event.delChannel();
    event.set();
    await stage.passes(2);
    expect(reads).toBe(4);
    event.addChannel(stage.loop);
    await stage.passes(1);
    expect(reads).toBe(5);
    event.close();
    stage.loop.loop();
  });
});

test('a member that is closed by its own class after its descriptor keeps nothing awake', () => {
  const loop = new RunLoop();
  const { reader, writer } = new Pipe();
  class Backwards extends Recorder {
    override close(): void {
      const isFirst = !this.isClosed;
      if (isFirst) {
        closeSync(this.fileno());
      }
      super.close();
    }
  }
  const channel: FileDispatcher = new Backwards(reader, loop);
  writeSync(writer, 'spam');
  channel.close();
  loop.loop();
  expect(codeOf(() => channel.fileno())).toBe('EBADF');
});

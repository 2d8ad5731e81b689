/** Channels on which nothing happens: the loop sleeps, or says who keeps it from that. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Dispatcher, FileDispatcher, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { Pipe, readSync, writeSync } from '../support/pipe';
import { Stage, ways } from '../support/run-loop/channels';
import { countPasses } from '../support/run-loop/loops';
import { fdOf, makeSockets } from '../support/sockets';

/** More passes than a channel may be idle for. */
const MANY = 1500;

let stage: Stage;
let printed: string[];

beforeEach(() => {
  printed = [];
  jest.spyOn(console, 'error').mockImplementation((...words: unknown[]) => void printed.push(words.join(' ')));
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** The reports that name a class. */
function reportsOf(name: string): string[] {
  return printed.filter((line) => line.includes(name));
}

class Quiet extends FileDispatcher {
  override handleRead(): void {}
}

test('a reader whose descriptor has room and no data lets run() sleep', async () => {
  stage = new Stage('run');
  const [near] = await makeSockets();
  const channel = new Quiet(fdOf(near), stage.loop);
  const count = countPasses(stage.loop);
  const ended = stage.loop.run();
  // So many iterations of Node's event loop would be as many passes of a loop that does not sleep.
  for (let left = 200; left > 0; left -= 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  stage.loop.stop();
  await ended;
  expect(count.passes).toBeLessThan(20);
  channel.close();
});

describe.each(ways)('with %s()', (way) => {
  beforeEach(() => {
    stage = new Stage(way);
  });

  test.each(['handleRead', 'handleReadEvent'])('a channel that does nothing in %s() is reported once', async (name) => {
    const { reader, writer } = new Pipe();
    class Lazybones extends FileDispatcher {}
    Object.defineProperty(Lazybones.prototype, name, { value: () => {}, writable: true });
    const channel = new Lazybones(reader, stage.loop);
    writeSync(writer, 'spam');
    await stage.passes(3 * MANY);
    expect(reportsOf('Lazybones')).toEqual([
      expect.stringMatching(/the channel Lazybones was ready in \d+ passes running/),
    ]);
    channel.close();
  });

  test('a writer that writes nothing, and an event that is not cleared, are reported', async () => {
    const { writer } = new Pipe();
    class Writer extends FileDispatcher {
      override handleWrite(): void {}
    }
    class Doorbell extends WaitableEvent {}
    const channels = [new Writer(writer, stage.loop), new Doorbell({ set: true, loop: stage.loop })];
    await stage.passes(2 * MANY);
    expect(reportsOf('Writer')).toHaveLength(1);
    expect(reportsOf('Doorbell')).toHaveLength(1);
    channels.forEach((channel) => channel.close());
  });

  test('channels that read, write or clear in every pass are not', async () => {
    const pipes = [new Pipe(), new Pipe(), new Pipe()] as const;
    class Reader extends FileDispatcher {
      override handleRead(): void {
        this.recv(1);
        writeSync(pipes[0].writer, 'x');
      }
    }
    class Writer extends FileDispatcher {
      override handleWrite(): void {
        this.send('x');
        pipes[1].read(1);
      }
    }
    class Clearing extends WaitableEvent {
      override handleRead(): void {
        this.clear();
        this.set();
      }
    }
    class Foreign extends Dispatcher {
      fileno(): number {
        return pipes[2].reader;
      }

      override handleRead(): void {
        // It reads without this package.
        readSync(pipes[2].reader, Buffer.alloc(1));
      }
    }
    writeSync(pipes[0].writer, 'x');
    writeSync(pipes[2].writer, 'x'.repeat(4 * MANY));
    const foreign = new Foreign();
    foreign.addChannel(stage.loop);
    const event = new Clearing({ set: true, loop: stage.loop });
    const channels = [new Reader(pipes[0].reader, stage.loop), new Writer(pipes[1].writer, stage.loop), event, foreign];
    finallyDo(() => channels.forEach((channel) => channel.close()));
    await stage.passes(2 * MANY);
    expect(printed).toEqual([]);
  });
});

/** New channels: a loop asks them for the first time when their constructors have returned. */

import { closeSync } from 'node:fs';

import { beforeEach, describe, expect, test } from '@jest/globals';
import { FileDispatcher, RunLoop, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf } from '../support/outcomes';
import { Pipe, writeSync } from '../support/pipe';
import { Stage, ways } from '../support/run-loop/channels';
import { startLoop } from '../support/run-loop/loops';
import { until } from '../support/threads';

/** What readable() and writable() return is in private fields, which the constructor of the base class cannot see. */
class Queue extends FileDispatcher {
  readonly #out: string[] = ['spam'];
  public asked = 0;
  readonly received: string[] = [];
  readonly #wantsToRead = true;

  override readable(): boolean {
    this.asked += 1;
    return this.#wantsToRead;
  }

  override writable(): boolean {
    return this.#out.length > 0;
  }

  override handleRead(): void {
    this.received.push(this.recv(100).toString());
  }

  override handleWrite(): void {
    this.send(this.#out.shift() as string);
  }
}

let stage: Stage;

describe.each(ways)('with %s()', (way) => {
  beforeEach(() => {
    stage = new Stage(way);
  });

  test('private fields answer readable() and writable()', async () => {
    const { reader, writer } = new Pipe();
    const sender = new Queue(writer, stage.loop);
    const receiver = new Queue(reader, stage.loop);
    expect([sender.asked, receiver.asked]).toEqual([0, 0]);
    await stage.until(() => receiver.received.length > 0, 'what the other channel sends');
    expect(receiver.received).toEqual(['spam']);
  });

  test('a channel that wants nothing is asked once, and is called when update() says that it wants to write', async () => {
    const { writer, reader } = new Pipe();
    let [asked, wants] = [0, false];
    const log: string[] = [];
    class Lazy extends FileDispatcher {
      override readable(): boolean {
        asked += 1;
        return false;
      }

      override writable(): boolean {
        return wants;
      }

      override handleWrite(): void {
        log.push('write');
        wants = false;
      }
    }
    const channel = new Lazy(writer, stage.loop);
    await stage.passes(3);
    expect([asked, log]).toEqual([1, []]);
    wants = true;
    stage.loop.update(channel);
    await stage.until(() => log.length > 0, 'handleWrite()');
    expect(reader).toBeGreaterThan(0);
  });

  test('what readable() throws the first time goes to handleError()', async () => {
    const { reader } = new Pipe();
    const errors: unknown[] = [];
    class Failing extends FileDispatcher {
      override readable(): boolean {
        throw new RangeError('not yet');
      }

      override handleError(error: unknown): void {
        errors.push((error as Error).message);
        this.close();
      }
    }
    const channel = new Failing(reader, stage.loop);
    await stage.passes(2);
    expect(errors).toEqual(['not yet']);
    expect(codeOf(() => channel.fileno())).toBe('EBADF');
  });

  test('a channel that joins within a handler is asked after it, in the same pass', async () => {
    const { reader, writer } = new Pipe();
    let second: Queue | undefined;
    class First extends WaitableEvent {
      override handleRead(): void {
        this.clear();
        second = new Queue(reader, stage.loop);
        expect(second.asked).toBe(0);
      }
    }
    const first = new First({ set: true, loop: stage.loop });
    finallyDo(() => first.close());
    writeSync(writer, 'eggs');
    await stage.until(() => second !== undefined && second.received.length > 0, 'the new channel');
    expect(second?.received).toEqual(['eggs']);
  });
});

describe('a loop that sleeps in run()', () => {
  test('asks a channel that joins, and calls it', async () => {
    const loop = startLoop();
    const { reader, writer } = new Pipe();
    await new Promise((resolve) => loop.deferred(() => setImmediate(resolve)));
    const channel = new Queue(reader, loop);
    finallyDo(() => channel.close());
    writeSync(writer, 'spam');
    await until(() => channel.received.length > 0, 'the bytes');
    expect(channel.received).toEqual(['spam']);
  });
});

describe('addChannel()', () => {
  test('throws immediately for a descriptor that is not open', () => {
    const { reader } = new Pipe();
    const loop = new RunLoop();
    class Stale extends Queue {
      override fileno(): number {
        return this.stale;
      }

      stale = 0;
    }
    const channel = new Stale(reader, null);
    const closed = new FileDispatcher(reader, null);
    channel.stale = closed.fileno();
    closeSync(channel.stale);
    expect(codeOf(() => channel.addChannel(loop))).toBe('EBADF');
    expect(channel.asked).toBe(0);
  });

  test('null joins no loop', () => {
    const { reader } = new Pipe();
    const loop = new RunLoop();
    const channel = new Queue(reader, null);
    const event = new WaitableEvent({ loop: null });
    // Without channels it returns.
    loop.loop();
    channel.addChannel(loop);
    loop.loop({ count: 1, timeout: 0 });
    expect(channel.asked).toBe(1);
    channel.close();
    event.close();
  });
});

/**
 * A channel that is always ready, or a function that defers itself, delays neither timers nor tasks nor other channels.
 */

import { closeSync, openSync } from 'node:fs';
import { type Server, createServer, get } from 'node:http';
import { type AddressInfo } from 'node:net';

import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RunLoop, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { report } from '../support/outcomes';
import { Pipe, writeSync } from '../support/pipe';
import { Recorder } from '../support/run-loop/channels';
import { after } from '../support/run-loop/loops';
import { TIMEOUT_FACTOR } from '../support/threads';
import { since, within } from '../support/timing';

const INTERVAL = 5;
const TICKS = 200;
/**
 * The most a timer may be late. Without a fault it is a few milliseconds, unless the machine is busy with something
 * else.
 */
const LIMIT = 2000 * TIMEOUT_FACTOR;

let loop: RunLoop;
let calls: number;

/** An event that is always set, and counts its calls. */
class Flood extends WaitableEvent {
  reads = 0;

  override handleRead(): void {
    this.reads += 1;
    calls += 1;
  }
}

const floods = {
  'an event that is always set': () => {
    const flood = new Flood({ set: true, loop });
    finallyDo(() => flood.close());
  },
  'a function that defers itself': () => {
    const again = (): void => {
      calls += 1;
      loop.deferred(again);
    };
    again();
  },
  'a regular file': () => {
    const fd = openSync(__filename, 'r');
    const channel = new Recorder(fd, loop);
    closeSync(fd);
    finallyDo(() => channel.close());
    channel.handleRead = () => {
      calls += 1;
    };
  },
  'all of them, many times': () => {
    for (let index = 0; index < 100; index += 1) {
      floods['an event that is always set']();
      floods['a function that defers itself']();
    }
    floods['a regular file']();
  },
};

const names = Object.keys(floods) as (keyof typeof floods)[];

/** The most that one of Node's timers is late, of many. */
async function measureTimers(): Promise<number> {
  let worst = 0;
  for (let tick = 0; tick < TICKS; tick += 1) {
    const before = process.hrtime.bigint();
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    worst = Math.max(worst, since(before) - INTERVAL);
  }
  return worst;
}

/** The most that a task is late. */
function measureTasks(onEnd: (worst: number) => void): void {
  let worst = 0;
  let tick = 0;
  const next = (): void => {
    const before = process.hrtime.bigint();
    after(loop, INTERVAL, () => {
      worst = Math.max(worst, since(before) - INTERVAL);
      tick += 1;
      if (tick === TICKS) {
        onEnd(worst);
      } else {
        next();
      }
    });
  };
  next();
}

async function isPunctual(what: string, measure: () => Promise<number>): Promise<boolean> {
  const worst = await measure();
  report(`${what}: at most ${worst.toFixed(1)} ms late, ${calls} calls meanwhile`);
  return worst <= LIMIT && calls > TICKS;
}

beforeEach(() => {
  // Each flood leads to a warning, with a stack that takes its time.
  const error = jest.spyOn(console, 'error').mockImplementation(() => {});
  finallyDo(() => error.mockRestore());
  loop = new RunLoop();
  finallyDo(() => loop.stop());
  calls = 0;
});

test('timers, tasks and http are on time without a flood', async () => {
  const worst = await measureTimers();
  report(`timers, without a flood: at most ${worst.toFixed(1)} ms late`);
  expect(worst).toBeGreaterThanOrEqual(0);
});

describe.each(names)('flooded by %s', (name) => {
  test("Node's timers are not late in run()", async () => {
    floods[name]();
    const running = loop.run();
    expect(await isPunctual(`timers, ${name}`, measureTimers)).toBe(true);
    loop.stop();
    await within(running, 'run()');
  });

  test("Node's http server answers in run()", async () => {
    let server: Server | undefined;
    await new Promise<void>((resolve) => {
      server = createServer((request, response) => response.end(`${request.url} is answered`)).listen(
        0,
        '127.0.0.1',
        resolve,
      );
    });
    finallyDo(() => server?.close());
    const { port } = (server as unknown as Server).address() as AddressInfo;
    floods[name]();
    const running = loop.run();
    const before = process.hrtime.bigint();
    for (let index = 0; index < 30; index += 1) {
      const answer = new Promise<string>((resolve, reject) => {
        get({ host: '127.0.0.1', port, path: `/${index}`, agent: false }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => resolve(text));
        }).on('error', reject);
      });
      expect(await within(answer, 'an answer')).toBe(`/${index} is answered`);
    }
    report(`http, ${name}: 30 requests in ${since(before).toFixed(0)} ms, ${calls} calls meanwhile`);
    expect(calls).toBeGreaterThan(30);
    loop.stop();
    await within(running, 'run()');
  });

  test('tasks are not late in run()', async () => {
    floods[name]();
    const punctual = await isPunctual(`tasks in run(), ${name}`, async () => {
      let worst = Infinity;
      measureTasks((measured) => {
        worst = measured;
        loop.stop();
      });
      await within(loop.run(), 'run()');
      return worst;
    });
    expect(punctual).toBe(true);
  });

  test('tasks are not late in runSync()', async () => {
    floods[name]();
    const punctual = await isPunctual(`tasks in runSync(), ${name}`, () => {
      let worst = Infinity;
      measureTasks((measured) => {
        worst = measured;
        loop.stop();
      });
      loop.runSync();
      return Promise.resolve(worst);
    });
    expect(punctual).toBe(true);
  });
});

describe.each(['a member of a loop', 'an event that is awaited'] as const)(
  '%s that is always ready and slow',
  (kind) => {
    const SLOW = 20;

    /** Takes its time. */
    function work(): void {
      const before = process.hrtime.bigint();
      while (since(before) < SLOW) {
        // as a handler that computes something
      }
      calls += 1;
    }

    test("lets Node's event loop make a turn after a call or two", async () => {
      const event = new WaitableEvent({ set: true });
      finallyDo(() => event.close());
      let ended: Promise<void>;
      const state = { isOver: false };
      if (kind === 'a member of a loop') {
        event.addChannel(loop);
        event.handleRead = work;
        ended = loop.run();
      } else {
        const consume = async (): Promise<void> => {
          while (!state.isOver) {
            const wait = event.waitAsync();
            event.set();
            await wait;
            event.clear();
            work();
          }
        };
        event.clear();
        ended = consume();
      }
      const between: number[] = [];
      // On a busy machine the second driver's thread may not run for many turns.
      const turns = async (): Promise<void> => {
        for (let before = 0; before < 10; before = calls) {
          before = calls;
          await new Promise((resolve) => setTimeout(resolve, 1));
          between.push(calls - before);
        }
      };
      finallyDo(() => {
        state.isOver = true;
      });
      await within(turns(), 'ten calls');
      state.isOver = true;
      loop.stop();
      await within(ended, 'the end');
      // By the second driver it is two, one for each of its functions.
      expect(Math.max(...between)).toBeLessThanOrEqual(3);
    });
  },
);

describe.each(['run', 'runSync'] as const)('members and %s()', (way) => {
  test('of more members than one batch carries, all of them always ready, each has its turn', async () => {
    const members = Array.from({ length: 1000 }, () => new Flood({ set: true, loop }));
    finallyDo(() => members.forEach((member) => member.close()));
    // One that is quiet at first.
    const pipe = new Pipe();
    const quiet = new Recorder(pipe.reader, loop);
    finallyDo(() => quiet.close());
    let passes = 0;
    const step = (): void => {
      passes += 1;
      if (passes === 8) {
        writeSync(pipe.writer, 'spam');
      }
      if (passes === 16) {
        loop.stop();
      }
      loop.deferred(step);
    };
    loop.deferred(step);
    await (way === 'run' ? within(loop.run(), 'run()') : loop.runSync());
    const reads = members.map((member) => member.reads);
    // 1001 in batches of 256: each comes once in four or five passes.
    expect(Math.min(...reads)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...reads)).toBeLessThanOrEqual(5);
    expect(quiet.received).toBe('spam');
  });

  test('a channel that always has something to read does not keep another one waiting', async () => {
    const pipe = new Pipe();
    const flood = new Flood({ set: true, loop });
    finallyDo(() => flood.close());
    const quiet = new Recorder(pipe.reader, loop);
    finallyDo(() => quiet.close());
    let at = 0;
    after(loop, 5, () => {
      at = calls;
      writeSync(pipe.writer, 'spam');
    });
    quiet.handleRead = () => loop.stop();
    await (way === 'run' ? within(loop.run(), 'run()') : loop.runSync());
    expect(calls - at).toBeLessThanOrEqual(2);
  });

  test('what one batch does not carry of closed events does not take the turn of the other members', async () => {
    // With the waker, which the closed events call, as many as one poll of the kernel reports.
    const members = Array.from({ length: 255 }, () => new Flood({ set: true, loop }));
    const closing = Array.from({ length: 2 }, () => new WaitableEvent({ loop }));
    finallyDo(() => [...members, ...closing].forEach((member) => member.close()));
    const turns: number[] = [];
    const step = (): void => {
      turns.push(calls);
      calls = 0;
      if (turns.length === 2) {
        // As another thread does, of which the loop learns by its waker.
        closing.forEach(({ handle }) => WaitableEvent.open(handle).close());
      }
      if (turns.length === 5) {
        loop.stop();
      }
      loop.deferred(step);
    };
    loop.deferred(step);
    await (way === 'run' ? within(loop.run(), 'run()') : loop.runSync());
    expect(turns).toEqual(turns.map(() => members.length));
  });
});

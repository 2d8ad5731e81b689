/** Passes of run() within one turn of the reactor, which spins for a loop that is ready again. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Dispatcher, FileDispatcher, RunLoop, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { Pipe, readSync, writeSync } from '../support/pipe';
import { after } from '../support/run-loop/loops';
import { within } from '../support/timing';

/** This many passes take several turns of the reactor. */
const PASSES = 1000;

let loop: RunLoop;
let passes: number;
let onPass: (pass: number) => void;

beforeEach(() => {
  loop = new RunLoop();
  passes = 0;
  onPass = () => {};
});

afterEach(() => {
  loop.stop();
});

/** An event in the loop, and how often it was called. */
class Counted extends WaitableEvent {
  calls = 0;
  isWanted = true;

  constructor(set: boolean = false) {
    super();
    this.addChannel(loop);
    finallyDo(() => this.close());
    if (set) {
      this.set();
    }
  }

  override readable(): boolean {
    return this.isWanted;
  }

  override handleRead(): void {
    this.calls += 1;
  }
}

/** What counts the passes: it is always ready. */
class Clockwork extends FileDispatcher {
  override writable(): boolean {
    return false;
  }

  override handleRead(): void {
    count();
  }
}

function count(): void {
  passes += 1;
  onPass(passes);
  if (passes === PASSES) {
    loop.stop();
  }
}

/** Members that are always ready: an event, whose state word says so, and a pipe, of which only the kernel knows. */
const floods = {
  event(): Dispatcher {
    const event = new Counted(true);
    event.handleRead = count;
    return event;
  },
  pipe(): Dispatcher {
    const { reader, writer } = new Pipe();
    writeSync(writer, 'x');
    const channel = new Clockwork(reader, loop);
    finallyDo(() => channel.close());
    return channel;
  },
};

async function run(): Promise<void> {
  await within(loop.run(), `${PASSES} passes`);
}

describe.each(['event', 'pipe'] as const)('beside a flood of one %s', (kind) => {
  beforeEach(() => {
    floods[kind]();
  });

  test('an event that a task clears is not called: tasks come first', async () => {
    const event = new Counted();
    onPass = () => {
      event.set();
      after(loop, 0, () => event.clear());
    };
    await run();
    expect(event.calls).toBe(0);
  });

  test('a pipe that a task empties is not called', async () => {
    const { reader, writer } = new Pipe();
    let calls = 0;
    class Emptied extends FileDispatcher {
      override handleRead(): void {
        calls += 1;
      }
    }
    const channel = new Emptied(reader, loop);
    finallyDo(() => channel.close());
    onPass = () => {
      writeSync(writer, 'x');
      after(loop, 0, () => readSync(reader, Buffer.alloc(1)));
    };
    await run();
    expect(calls).toBe(0);
  });

  test('an event that is set is called in the next pass, beside however many', async () => {
    const events = Array.from({ length: 20 }, () => new Counted());
    const late: number[] = [];
    events.forEach((event, index) => {
      event.handleRead = () => {
        event.clear();
        late.push(passes - (index + 1) * 10);
      };
    });
    onPass = (pass) => {
      if (pass % 10 === 0) {
        events[pass / 10 - 1]?.set();
      }
    };
    await run();
    expect(late).toHaveLength(events.length);
    // The flood itself may be called before or after it in that pass.
    expect(Math.max(...late)).toBeLessThanOrEqual(1);
  });

  test('a pipe that is written to is called in the next pass, also beside an event whose readable() is false', async () => {
    const unwanted = new Counted(true);
    unwanted.isWanted = false;
    loop.update(unwanted);
    const { reader, writer } = new Pipe();
    const late: number[] = [];
    class Written extends Clockwork {
      override handleRead(): void {
        late.push(passes - Number(this.recv(9).toString()));
      }
    }
    const channel = new Written(reader, loop);
    finallyDo(() => channel.close());
    onPass = (pass) => {
      if (pass % 10 === 0) {
        writeSync(writer, String(pass));
      }
    };
    await run();
    expect(late.length).toBeGreaterThanOrEqual(PASSES / 10 - 1);
    expect(Math.max(...late)).toBeLessThanOrEqual(1);
  });

  test('an event is not called while its readable() is false', async () => {
    const event = new Counted(true);
    event.isWanted = false;
    loop.update(event);
    const calls: number[] = [];
    onPass = (pass) => {
      calls[pass] = event.calls;
      if (pass === 300 || pass === 600) {
        event.isWanted = !event.isWanted;
        loop.update(event);
      }
    };
    await run();
    expect(calls[300]).toBe(0);
    expect(calls[600]).toBeGreaterThan(250);
    expect(event.calls - (calls[600] as number)).toBeLessThanOrEqual(1);
  });

  test('an event that is set through its descriptor is called soon', async () => {
    const event = new Counted();
    let calledAt = 0;
    event.handleRead = () => {
      event.clear();
      calledAt = passes;
    };
    onPass = (pass) => {
      if (pass === 100) {
        writeSync(event.writeFileno(), 'x');
      }
    };
    await run();
    expect(calledAt).toBeGreaterThanOrEqual(100);
    expect(calledAt).toBeLessThanOrEqual(140);
  });

  test('an event that is closed from elsewhere is called soon', async () => {
    const event = new Counted();
    let calledAt = 0;
    event.handleClose = () => {
      calledAt = passes;
      event.close();
    };
    onPass = (pass) => {
      if (pass === 100) {
        WaitableEvent.open(event.handle).close();
      }
    };
    await run();
    expect(calledAt).toBeGreaterThanOrEqual(100);
    expect(calledAt).toBeLessThanOrEqual(140);
  });

  test('another loop of the thread has its turns', async () => {
    const other = new RunLoop();
    const event = new WaitableEvent();
    event.set();
    event.addChannel(other);
    let calls = 0;
    event.handleRead = () => {
      calls += 1;
      if (calls === 10) {
        other.stop();
      }
    };
    // As long as the other one takes.
    onPass = () => {
      passes = other.running ? 1 : passes;
    };
    await Promise.all([run(), within(other.run(), '10 passes of the other loop')]);
    event.close();
    expect(calls).toBe(10);
  });

  test('a loop that is run again calls nothing for what was ready before', async () => {
    const event = new Counted();
    onPass = (pass) => {
      if (pass === 100) {
        event.set();
        loop.stop();
      }
    };
    await run();
    event.clear();
    const { calls } = event;
    await run();
    expect(event.calls).toBe(calls);
  });
});

test.each(['event', 'pipe'] as const)(
  'a loop that was ready often, and then not, sleeps and wakes: a flood of one %s',
  async (kind) => {
    const flood = floods[kind]();
    const event = new Counted();
    const ROUNDS = 20;
    let wakeUps = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      passes = 0;
      flood.addChannel(loop);
      // Out of the loop, which has nothing to do then: it sleeps when the timer fires.
      onPass = (pass) => {
        if (pass === 100 + round) {
          flood.delChannel();
          setTimeout(() => event.set(), 2);
        }
      };
      event.handleRead = () => {
        event.clear();
        wakeUps += 1;
        loop.stop();
      };
      await within(loop.run(), `the wake-up of round ${round}`);
    }
    expect(wakeUps).toBe(ROUNDS);
  },
);

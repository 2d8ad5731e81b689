/** What happens between two passes is seen in the next one, however a loop has learnt what is ready. */

import { describe, expect, test } from '@jest/globals';
import { OneShotTask, RunLoop, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { Pipe } from '../support/pipe';
import { Recorder } from '../support/run-loop/channels';
import { within } from '../support/timing';

const DAY = 86_400_000;
/** In which passes something happens: early, and when the loop knows how busy it is. */
const PASSES = [1, 2, 9, 80];
const LAST_PASS = 160;

/**
 * How many passes late it may be seen. In `run()`, a loop of events alone reads their words, which do not tell that one
 * is closed; the kernel is asked in at most the 32nd round.
 */
const LATE: Record<string, number> = { 'run: an event is closed, as by another thread': 33 };

/** An event that tells when it is called. */
class Told extends WaitableEvent {
  constructor(
    loop: RunLoop | undefined,
    readonly tell: () => void,
  ) {
    super(loop === undefined ? {} : { loop });
    finallyDo(() => this.close());
  }

  override handleRead(): void {
    this.clear();
    this.tell();
  }

  override handleClose(): void {
    super.handleClose();
    this.tell();
  }
}

/** How busy a loop is. Each pass also has a deferred function, so none sleeps. */
const LOOPS: Record<string, (loop: RunLoop) => void> = {
  'with nothing else': () => {},
  'with an event that is always set': (loop) => {
    const flood = new WaitableEvent({ set: true, loop });
    finallyDo(() => flood.close());
  },
  'with an event that is always set and a task on the wall clock': (loop) => {
    LOOPS['with an event that is always set']?.(loop);
    loop.taskManager.installTask(new OneShotTask(), { when: Date.now() + DAY });
  },
  'with a pipe that is always ready': (loop) => {
    const pipe = new Pipe();
    pipe.write();
    const channel = new Recorder(pipe.reader, loop);
    channel.handleRead = () => {};
    finallyDo(() => channel.close());
  },
};

/** Prepares something that `tell` will be called for. Returns what makes it happen. */
const CHANGES: Record<string, (loop: RunLoop, tell: () => void) => () => void> = {
  'an event is set': (loop, tell) => {
    const event = new Told(loop, tell);
    return () => event.set();
  },
  'an event is closed, as by another thread': (loop, tell) => {
    const { handle } = new Told(loop, tell);
    return () => WaitableEvent.open(handle).close();
  },
  'a byte comes': (loop, tell) => {
    const pipe = new Pipe();
    const channel = new Recorder(pipe.reader, loop);
    finallyDo(() => channel.close());
    channel.handleRead = () => {
      channel.recv(10);
      tell();
    };
    return () => pipe.write();
  },
  'a channel joins that is ready': (loop, tell) => {
    const event = new Told(undefined, tell);
    event.set();
    return () => event.addChannel(loop);
  },
};

/** On Windows a connection stands for the pipe, and a byte may be on its way for longer than a pass. */
const SEEN = Object.keys(CHANGES).filter((change) => process.platform !== 'win32' || change !== 'a byte comes');
const CASES = Object.keys(LOOPS).flatMap((busy) => SEEN.map((change) => [change, busy] as const));

describe.each(['run', 'runSync'] as const)('%s()', (way) => {
  test.each(CASES)('when %s, in a loop %s', async (change, busy) => {
    const seen: number[] = [];
    const loop = new RunLoop();
    finallyDo(() => loop.close());
    LOOPS[busy]?.(loop);
    let pass = 0;
    const happen = PASSES.map(() => CHANGES[change]?.(loop, () => seen.push(pass)));
    const step = (): void => {
      pass += 1;
      if (PASSES.includes(pass)) {
        happen[PASSES.indexOf(pass)]?.();
      }
      if (pass === LAST_PASS) {
        loop.stop();
      }
      loop.deferred(step);
    };
    loop.deferred(step);
    await (way === 'run' ? within(loop.run(), 'run()') : loop.runSync());
    expect(seen.length).toBe(PASSES.length);
    const late = seen.map((seenIn, index) => seenIn - (PASSES[index] as number));
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(LATE[`${way}: ${change}`] ?? 0);
  });
});

/**
 * What two threads tell each other by words in shared memory, in every order in which one of them is interrupted by the
 * other: before each of its atomic operations, and after the last, the other one does all that it has to do. Both are
 * in this thread, so each order is had exactly.
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { handleTrigger, sourceOf } from '../support/hidden-members';
import { RingReader, RingWriter, makeRingMemory } from '../support/internals';
import { codeOf } from '../support/outcomes';
import { Owner, Producer } from '../support/remote/task-managers';
import { until } from '../support/threads';

type Operation = 'add' | 'and' | 'exchange' | 'load' | 'or' | 'store';

const OPERATIONS: readonly Operation[] = ['add', 'and', 'exchange', 'load', 'or', 'store'];

const originals = Object.fromEntries(OPERATIONS.map((operation) => [operation, Atomics[operation]]));

const SLOTS = 4;

/** Called before each atomic operation. */
let onOperation: (() => void) | undefined;

beforeAll(() => {
  for (const operation of OPERATIONS) {
    const original = originals[operation] as (...args: unknown[]) => unknown;
    Object.assign(Atomics, {
      [operation]: (...args: unknown[]) => {
        onOperation?.();
        return original(...args);
      },
    });
  }
});

afterAll(() => {
  Object.assign(Atomics, originals);
});

/**
 * Calls `run`, and `interrupt` before its atomic operation number `at`, or after the last one. Returns how many it has.
 */
function interrupted(run: () => void, at: number, interrupt: () => void): number {
  let count = 0;
  const countOperation = (): void => {
    if (count === at) {
      onOperation = undefined;
      interrupt();
      onOperation = countOperation;
    }
    count += 1;
  };
  onOperation = countOperation;
  try {
    run();
  } finally {
    onOperation = undefined;
  }
  if (count <= at) {
    interrupt();
  }
  return count;
}

/** Calls `run`, and `interrupt` before each of its atomic operations, from number `at` on. Returns how many it has. */
function interruptedFrom(run: () => void, at: number, interrupt: () => void): number {
  let count = 0;
  const countOperation = (): void => {
    count += 1;
    if (count > at) {
      onOperation = undefined;
      interrupt();
      onOperation = countOperation;
    }
  };
  onOperation = countOperation;
  try {
    run();
  } finally {
    onOperation = undefined;
  }
  return count;
}

/** At how many places something was interrupted. */
let places = 0;

/**
 * Calls `attempt` for each place at which something can be interrupted that has `count` of them. Returns the places
 * after which something `isLost`.
 */
function everywhere(attempt: (at: number) => { count: number; isLost: boolean }): number[] {
  const losses: number[] = [];
  for (let at = 0, last = 0; at <= last; at += 1) {
    const { count, isLost } = attempt(at);
    last = count;
    places += 1;
    if (isLost) {
      losses.push(at);
    }
  }
  return losses;
}

/** A manager whose loop is driven by the test, step by step, and a connection to it. */
class Pair {
  readonly log: unknown[] = [];
  sent = 0;
  readonly #manager = new TaskManager({ loop: new RunLoop() });
  readonly #remote = TaskManager.connect(this.#manager.handle);
  readonly #trigger = WaitableEvent.open(this.#manager.handle.trigger);
  readonly #source = sourceOf(this.#manager);
  #isAsleep = false;

  constructor() {
    this.#manager.define('log', (payload) => this.log.push(payload));
    finallyDo(() => [this.#remote, this.#trigger, this.#manager].forEach((closing) => closing.close()));
  }

  /** The other thread schedules something. */
  send(): void {
    this.#remote.schedule('log', this.sent);
    this.sent += 1;
  }

  /** Something else wakes the loop. */
  pass(): void {
    this.#isAsleep = false;
    this.#source.runDue();
  }

  /** The trigger wakes the loop, if it is set. */
  wakeUp(): void {
    if (this.#trigger.isSet()) {
      this.#isAsleep = false;
      handleTrigger(this.#manager);
    }
  }

  /** The loop has nothing more to do. */
  goToSleep(): void {
    this.#isAsleep = this.#source.beforeSleep();
  }

  /** Makes one iteration of the loop. */
  turn(): void {
    this.wakeUp();
    this.pass();
    this.goToSleep();
  }

  /** Goes on until the loop sleeps and nothing wakes it. */
  settle(): void {
    while (!this.#isAsleep || this.#trigger.isSet()) {
      this.turn();
    }
  }
}

const BEFORE = {
  'that was awake': (pair: Pair) => pair.pass(),
  'that was woken': (pair: Pair) => {
    pair.send();
    pair.wakeUp();
  },
  'that was woken and has got more': (pair: Pair) => {
    pair.send();
    pair.wakeUp();
    pair.send();
    pair.pass();
  },
  'that sleeps': (pair: Pair) => pair.goToSleep(),
  'that sleeps and is about to be woken': (pair: Pair) => {
    pair.goToSleep();
    pair.send();
  },
};

const CASES = Object.entries(BEFORE).flatMap(([name, before]) =>
  (['goToSleep', 'wakeUp', 'pass', 'turn'] as const).map((step) => ({ name, before, step })),
);

describe.each(CASES)('a manager $name, and $step():', ({ before, step }) => {
  function attempt(run: (pair: Pair) => number): { count: number; isLost: boolean } {
    const pair = new Pair();
    pair.settle();
    before(pair);
    const count = run(pair);
    pair.settle();
    return { count, isLost: pair.log.length !== pair.sent || pair.log.some((payload, index) => payload !== index) };
  }

  test('a task that interrupts it runs', () => {
    const losses = everywhere((at) =>
      attempt((pair) => {
        const send = (): void => pair.send();
        return interrupted(() => pair[step](), at, send);
      }),
    );
    expect(losses).toEqual([]);
  });

  test('a task whose schedule() it interrupts runs', () => {
    const losses = everywhere((at) =>
      attempt((pair) => {
        const send = (): void => pair.send();
        return interrupted(send, at, () => pair[step]());
      }),
    );
    expect(losses).toEqual([]);
  });
});

/** The full queue of a producer, and the consumer that takes all of it. */
class FullRing {
  isPushed = false;
  isWoken = false;
  readonly #producer: RingWriter;
  readonly #consumer: RingReader;

  constructor() {
    const memory = makeRingMemory({ slots: SLOTS, bytes: 64 });
    this.#producer = new RingWriter(memory);
    this.#consumer = new RingReader(memory);
    while (this.#producer.pushValue(0, 0, 0, 0, 0)) {
      // Until it is full.
    }
  }

  /** The producer says that it waits, and checks once more before it sleeps. */
  waitForRoom(): void {
    this.#producer.setWaiting(true);
    this.isPushed = this.#producer.pushValue(0, 0, 0, 0, 0);
  }

  makeRoom(): void {
    for (let slot = 0; slot < SLOTS; slot += 1) {
      this.#consumer.skip();
    }
    this.isWoken = this.#consumer.publish();
  }
}

test.each<['waitForRoom' | 'makeRoom', 'waitForRoom' | 'makeRoom']>([
  ['waitForRoom', 'makeRoom'],
  ['makeRoom', 'waitForRoom'],
])('%s(), interrupted by %s(): the producer finds room or is woken', (step, by) => {
  const losses = everywhere((at) => {
    const full = new FullRing();
    const count = interrupted(
      () => full[step](),
      at,
      () => full[by](),
    );
    return { count, isLost: !full.isPushed && !full.isWoken };
  });
  expect(losses).toEqual([]);
});

describe('a callSync() that waits for room, while the thread of its manager blocks for this one', () => {
  /** The longest that a reply is waited for that was lost. */
  const LOST_AFTER = 500;

  test('has its reply, wherever the manager makes room and replies', async () => {
    const owner = new Owner();
    let calls = 0;
    owner.manager.define('never', async () => {
      calls += 1;
      await new Promise(() => {});
    });
    const peer = new Producer(owner.manager.handle);
    await peer.do('connect');
    const deadlock = peer.fails('callSync', 'never');
    await until(() => calls > 0, 'the call of the other thread');
    await peer.blocked();
    const { threadId } = peer.worker;
    const loop = new RunLoop();
    finallyDo(() => loop.close());

    /** Makes a call that is interrupted from this place on. The attempt that finds a deadlock is the last one. */
    const attempt = (at: number): { count: number; isLost: boolean } => {
      const manager = new TaskManager({ loop, capacity: 2, onFull: 'block' });
      let hasRun = false;
      manager.define('echo', (payload: unknown) => {
        hasRun ||= payload === at;
        return payload;
      });
      // As if it were the other thread's.
      const remote = TaskManager.connect({ ...manager.handle, threadId });
      try {
        // The first one also makes the name known.
        remote.schedule('echo', 'before');
        loop.runOnce();
        remote.schedule('echo', 'before');
        remote.schedule('echo', 'before');
        let result: unknown;
        const call = (): void => {
          result = remote.callSync('echo', at, { timeout: LOST_AFTER });
        };
        let code: unknown;
        const count = interruptedFrom(
          () => {
            code = codeOf(call);
          },
          at,
          () => loop.runOnce(),
        );
        // No room was made before it looked for the last time: it was right to give up.
        const isDeadlock = code === 'ERR_WOULD_DEADLOCK' && !hasRun;
        return { count: isDeadlock ? 0 : count, isLost: result !== at && !isDeadlock };
      } finally {
        remote.close();
        manager.close();
      }
    };

    const before = places;
    expect(everywhere(attempt)).toEqual([]);
    expect((await deadlock).code).toBe('ERR_WOULD_DEADLOCK');
    expect(places - before).toBeGreaterThan(10);
  });
});

test('the tests above interrupt at many places', () => {
  // Two for each case would be none.
  expect(places).toBeGreaterThan(4 * CASES.length);
});

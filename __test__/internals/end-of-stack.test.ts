/** Payloads that are written and read where the stack ends: any call in there can throw. */

import { expect, test } from '@jest/globals';

import { PayloadWriter, RecordReader, RingWriter, makeRingMemory } from '../support/internals';

const ROUNDS = 40;
const PER_ROUND = 30;
const COUNT = ROUNDS * PER_ROUND;

/**
 * Calls `action` near the end of the stack, and ignores what it throws: in each round at the deepest frames in which it
 * can begin at all. The frames of different rounds are at different places, so that it ends at different calls.
 */
function atTheEndOfTheStack(action: () => void): void {
  for (let round = 0; round < ROUNDS; round += 1) {
    shift(round, () => descendAndAct(action));
  }
}

function shift(frames: number, action: () => void): void {
  if (frames === 0) {
    action();
  } else {
    shift(frames - 1, action);
  }
}

/** How often the action of this round has begun, which it counts itself: a call of it can fail before that. */
let begun = 0;

function descendAndAct(action: () => void): void {
  begun = 0;
  const descend = (): void => {
    try {
      descend();
    } catch {
      // The end.
    }
    if (begun < PER_ROUND) {
      try {
        action();
      } catch {
        // The stack was too short for it.
      }
    }
  };
  descend();
}

/** An object whose shape no other number has, with another one in it. */
function makeValue(number: number): object {
  return { [`outer${number}`]: { [`inner${number}`]: number }, tail: [`text ${number}`, { common: number }] };
}

function setUp(): { writer: InstanceType<typeof PayloadWriter>; reader: InstanceType<typeof RecordReader> } {
  const memory = makeRingMemory({ slots: 4096, bytes: 1 << 20 });
  return {
    writer: new PayloadWriter(new RingWriter(memory)),
    reader: new RecordReader(memory, () => undefined),
  };
}

test('what was written there, or only begun, does not change what is written later', () => {
  const { writer, reader } = setUp();
  const sent: number[] = [];
  let number = 0;
  let failures = 0;
  atTheEndOfTheStack(() => {
    begun += 1;
    number += 1;
    const mine = number;
    failures += 1;
    if (writer.push(0, 0, makeValue(mine), 0, mine)) {
      sent[sent.length] = mine;
    }
    failures -= 1;
  });
  expect(failures).toBeGreaterThan(0);
  expect(sent.length).toBeGreaterThan(0);
  const received: unknown[] = [];
  while (reader.available > 0) {
    received.push(reader.readPayload());
  }
  // A record may be in the ring although its caller was not told; none is in part.
  expect(received).toEqual(expect.arrayContaining(sent.map(makeValue)));
  expect(
    received.every((value) =>
      /^\{"outer\d+":\{"inner\d+":\d+\},"tail":\["text \d+",\{"common":\d+\}\]\}$/.test(JSON.stringify(value)),
    ),
  ).toBe(true);
  reader.publish();
  for (let again = 1; again <= number; again += 1) {
    expect(writer.push(0, 0, makeValue(again), 0, again)).toBe(true);
    expect(reader.readPayload()).toEqual(makeValue(again));
  }
});

test('what could not be read there does not change what is read later', () => {
  const { writer, reader } = setUp();
  for (let number = 1; number <= COUNT; number += 1) {
    expect(writer.push(0, 0, makeValue(number), 0, number)).toBe(true);
  }
  const received: unknown[] = [];
  let failures = 0;
  atTheEndOfTheStack(() => {
    begun += 1;
    failures += 1;
    const payload = reader.readPayload();
    failures -= 1;
    received[received.length] = payload;
    if (received.length % 10 === 0) {
      reader.publish();
    }
  });
  expect(failures).toBeGreaterThan(0);
  expect(received.length).toBeGreaterThan(0);
  while (reader.available > 0) {
    received.push(reader.readPayload());
  }
  const numbers = received.map((value) => Number(JSON.stringify(value).match(/\d+/u)?.[0]));
  expect(received).toEqual(numbers.map(makeValue));
  reader.publish();
  expect(reader.owesRoom).toBe(false);
  for (let again = 1; again <= COUNT; again += 1) {
    expect(writer.push(0, 0, makeValue(again), 0, again)).toBe(true);
    expect(reader.readPayload()).toEqual(makeValue(again));
  }
});

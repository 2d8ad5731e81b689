/** How events are compared, and that only their handles go to other threads. */

import { isDeepStrictEqual } from 'node:util';
import * as workerThreads from 'node:worker_threads';

import { afterEach, describe, expect, test } from '@jest/globals';
import { RunLoop, TaskManager, WaitableEvent } from 'waitable-event';

const events: WaitableEvent[] = [];

function makeEvent(): WaitableEvent {
  const event = new WaitableEvent();
  events.push(event);
  return event;
}

afterEach(() => events.splice(0).forEach((event) => event.close()));

test('a deep comparison tells two events apart, and an event is equal to itself', () => {
  const [a, b] = [makeEvent(), makeEvent()];
  expect(a).toEqual(a);
  expect(a).not.toEqual(b);
  expect([isDeepStrictEqual(a, b), isDeepStrictEqual({ a }, { a })]).toEqual([false, true]);
});

const isMarked = 'markAsUncloneable' in workerThreads;

describe(`postMessage() of an object that has a handle, on a Node that ${isMarked ? 'can' : 'cannot'} refuse it`, () => {
  test.each([
    ['an event', () => makeEvent(), 'none'],
    // Its methods are bound to it, and a function cannot be cloned in any case.
    ['a loop', () => new RunLoop(), 'DataCloneError'],
    ['a manager', () => new TaskManager({ loop: new RunLoop() }), 'none'],
  ])('%s', (_what, make, unmarked) => {
    const object = make();
    let name = 'none';
    try {
      structuredClone({ object });
    } catch (error) {
      ({ name } = error as Error);
    }
    expect(name).toBe(isMarked ? 'DataCloneError' : unmarked);
  });
});

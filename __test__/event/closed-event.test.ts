import { describe, expect, test } from '@jest/globals';
import { TaskManager, WaitableEvent, core, selectAsync } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf, rejectionOf } from '../support/outcomes';
import { within } from '../support/timing';

function makeEvent(): WaitableEvent {
  const event = new WaitableEvent();
  finallyDo(() => event.close());
  return event;
}

/** Returns an event that was awaited, and then closed. */
async function makeClosed(): Promise<WaitableEvent> {
  const event = makeEvent();
  expect(await event.waitAsync(1)).toBe(false);
  event.close();
  return event;
}

describe('a closed event', () => {
  test('that is awaited leaves its successor alone', async () => {
    const closed = await makeClosed();
    const successor = makeEvent();
    const wait = successor.waitAsync();
    const refused = rejectionOf(closed.waitAsync());
    successor.set();
    expect(await within(wait, 'the successor')).toBe(true);
    expect(await refused).toBe('ERR_EVENT_CLOSED');
  });

  test('that is awaited before its successor leaves it alone', async () => {
    const closed = await makeClosed();
    const successor = makeEvent();
    const refused = rejectionOf(closed.waitAsync(10_000));
    const wait = successor.waitAsync();
    successor.set();
    expect(await within(wait, 'the successor')).toBe(true);
    expect(await refused).toBe('ERR_EVENT_CLOSED');
  });

  test('is not set by its successor, however it is asked', async () => {
    const closed = await makeClosed();
    const successor = makeEvent();
    successor.set();
    for (const call of [
      () => closed.isSet(),
      () => closed.wait(0),
      () => closed.wait(10),
      () => closed.set(),
      () => closed.clear(),
      () => closed.recv(1),
      () => closed.fileno(),
      () => closed.writeFileno(),
      () => closed.handle,
      () => closed.addChannel(),
    ]) {
      expect(codeOf(call)).toBe('ERR_EVENT_CLOSED');
    }
    expect(await rejectionOf(closed.waitAsync(0))).toBe('ERR_EVENT_CLOSED');
    expect(await rejectionOf(selectAsync([closed], [], [], 10))).toBe('ERR_EVENT_CLOSED');
    closed.close();
    closed.delChannel();
    expect([successor.isSet(), successor.closed]).toEqual([true, false]);
  });

  test('ends an iteration whose body closes it, and another event opens meanwhile', async () => {
    const event = makeEvent();
    event.set();
    let rounds = 0;
    let successor: Promise<boolean> | undefined;
    for await (const _ of event) {
      rounds += 1;
      event.close();
      const next = makeEvent();
      successor = next.waitAsync();
      setImmediate(() => next.set());
    }
    expect(rounds).toBe(1);
    expect(await within(successor as Promise<boolean>, 'the successor')).toBe(true);
  });

  test('is refused by selectAsync(), and the event that waits in its place is woken', async () => {
    const closed = await makeClosed();
    const successor = makeEvent();
    const wait = selectAsync([successor]);
    const refused = rejectionOf(selectAsync([successor, closed]));
    successor.set();
    expect((await within(wait, 'selectAsync()'))[0]).toEqual([successor]);
    expect(await refused).toBe('ERR_EVENT_CLOSED');
  });

  test('of a closed connection leaves the events that open after it alone', async () => {
    const manager = new TaskManager({ loop: core });
    finallyDo(() => manager.close());
    for (let round = 0; round < 20; round += 1) {
      const remote = TaskManager.connect(manager.handle);
      const refused = rejectionOf(remote.call('nothing'));
      remote.close();
      const events = [makeEvent(), makeEvent(), makeEvent(), makeEvent()];
      const waits = events.map((event) => event.waitAsync());
      events.forEach((event) => event.set());
      expect(await within(Promise.all(waits), 'the events')).toEqual([true, true, true, true]);
      expect(await refused).toBe('ERR_TASK_MANAGER_CLOSED');
      events.forEach((event) => event.close());
    }
  });

  test('in whose place thousands were opened is none of them', async () => {
    const closed = await makeClosed();
    const answers = new Set<string | undefined>();
    for (let round = 0; round < 10_000; round += 1) {
      const event = new WaitableEvent({ set: true });
      answers.add(codeOf(() => closed.isSet()));
      event.close();
    }
    expect([...answers]).toEqual(['ERR_EVENT_CLOSED']);
  });
});

test('an event that another reference closes while it joins a loop is refused with ERR_EVENT_CLOSED', () => {
  class Closing extends WaitableEvent {
    override fileno(): number {
      const fd = super.fileno();
      other.close();
      return fd;
    }
  }
  const event = new Closing();
  const other = WaitableEvent.open(event.handle);
  expect(codeOf(() => event.addChannel())).toBe('ERR_EVENT_CLOSED');
  expect(event.closed).toBe(true);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FileDispatcher, RunLoop, type Selectable, WaitableEvent, select, selectAsync } from 'waitable-event';

import { runScript } from '../support/child';
import { outcomes, startWaiters } from '../support/event/waiters';
import { codeOf, rejectionOf } from '../support/outcomes';
import { Pipe, takeLowerNumbers } from '../support/pipe';
import { since, within } from '../support/timing';

/** Something that is passed against its type. */
type Any = never;

type Lists = [Selectable[], Selectable[], Selectable[]];
type Select = (
  readers: Iterable<Selectable>,
  writers?: Iterable<Selectable>,
  exceptional?: Iterable<Selectable>,
  timeout?: number,
) => Promise<Lists>;

let event: WaitableEvent;
let pipe: Pipe;

beforeEach(() => {
  event = new WaitableEvent();
  pipe = new Pipe();
});

afterEach(() => {
  event.close();
});

const NONE: Lists = [[], [], []];

/** Calls select as it is, with what it throws as a rejection. */
const blocking: Select = async (...args) => select(...args);
const awaiting: Select = async (...args) => within(selectAsync(...args), 'selectAsync()');

describe.each([
  ['select', blocking],
  ['selectAsync', awaiting],
])('%s', (_name, waitFor) => {
  test('returns the very members that are ready, in their order', async () => {
    const other = new WaitableEvent({ set: true });
    const object = { fileno: () => pipe.reader };
    event.set();
    pipe.write();
    const readers = [other, pipe.reader, object, event];
    const [ready, writable, exceptional] = await waitFor(readers, [], []);
    expect(ready).toHaveLength(4);
    readers.forEach((member, index) => expect(ready[index]).toBe(member));
    expect([writable, exceptional]).toEqual([[], []]);
    other.clear();
    const [some] = await waitFor(readers);
    expect(some).toHaveLength(3);
    readers.slice(1).forEach((member, index) => expect(some[index]).toBe(member));
    other.close();
  });

  test('takes any iterable, and does not touch it', async () => {
    event.set();
    const members = new Set([event, pipe.reader]);
    const [ready] = await waitFor(members, new Set(), [].values(), 10);
    expect(ready).toHaveLength(1);
    expect(ready[0]).toBe(event);
    expect(members.size).toBe(2);
  });

  test('returns a member as often as it is in the list', async () => {
    pipe.write();
    expect(await waitFor([pipe.reader, pipe.reader], [pipe.writer, pipe.writer, pipe.writer], [])).toEqual([
      [pipe.reader, pipe.reader],
      [pipe.writer, pipe.writer, pipe.writer],
      [],
    ]);
  });

  test('one descriptor may be in several lists', async () => {
    const lists = [pipe.reader, pipe.writer];
    expect(await waitFor(lists, lists, lists, 1000)).toEqual([[], [pipe.writer], []]);
    pipe.write();
    expect(await waitFor(lists, lists, lists)).toEqual([[pipe.reader], [pipe.writer], []]);
  });

  test('a full pipe is not writable until it is read from', async () => {
    expect(await waitFor([], [pipe.writer])).toEqual([[], [pipe.writer], []]);
    pipe.fill();
    expect(await waitFor([], [pipe.writer], [], 5)).toEqual(NONE);
    pipe.read();
    expect(await waitFor([], [pipe.writer], [], 1000)).toEqual([[], [pipe.writer], []]);
  });

  test('a pipe that was hung up is readable, also when it is empty', async () => {
    expect(await waitFor([pipe.reader], [], [], 1)).toEqual(NONE);
    pipe.close(pipe.writer);
    expect(await waitFor([pipe.reader])).toEqual([[pipe.reader], [], []]);
  });

  test('a pipe whose read side is closed is writable: the write reports it', async () => {
    pipe.fill();
    expect(await waitFor([], [pipe.writer], [], 1)).toEqual(NONE);
    pipe.close(pipe.reader);
    expect(await waitFor([], [pipe.writer])).toEqual([[], [pipe.writer], []]);
  });

  test.each([
    ['writers', 1],
    ['exceptional', 2],
  ])('a hang-up that a member of `%s` is not asked about ends nothing', async (_list, index) => {
    pipe.close(pipe.writer);
    const lists: Lists = [[], [], []];
    lists[index]?.push(pipe.reader);
    // Nor does it spin meanwhile: it would every time, while V8 collects garbage now and then.
    let spent = Infinity;
    for (let attempt = 0; attempt < 5 && spent >= 90_000; attempt += 1) {
      const before = process.hrtime.bigint();
      const usage = process.cpuUsage();
      expect(await waitFor(...lists, 100)).toEqual(NONE);
      expect(since(before)).toBeGreaterThanOrEqual(100);
      const { user, system } = process.cpuUsage(usage);
      spent = user + system;
    }
    expect(spent).toBeLessThan(90_000);
  });

  test('an event that is set is never writable or exceptional', async () => {
    event.set();
    for (const lists of [
      [[], [event], []],
      [[], [], [event]],
    ] as Lists[]) {
      const before = process.hrtime.bigint();
      expect(await waitFor(...lists, 30)).toEqual(NONE);
      expect(since(before)).toBeGreaterThanOrEqual(30);
    }
    expect(await waitFor([event], [event], [event])).toEqual([[event], [], []]);
  });

  test('regular files and /dev/null are always ready to be read and written', async () => {
    const file = openSync(__filename, 'r');
    const nothing = openSync(devNull, 'r+');
    expect(await waitFor([file, event, nothing], [nothing, file])).toEqual([[file, nothing], [nothing, file], []]);
    expect(await waitFor([event, file], [], [], 0)).toEqual([[file], [], []]);
    closeSync(file);
    closeSync(nothing);
  });

  test('a regular file never has an exceptional condition, and that is no error', async () => {
    const file = openSync(__filename, 'r');
    const before = process.hrtime.bigint();
    expect(await waitFor([event], [], [file], 30)).toEqual(NONE);
    expect(since(before)).toBeGreaterThanOrEqual(30);
    closeSync(file);
  });

  test.each([0, -1, -Infinity])('with the timeout %p it checks once and does not wait', async (timeout) => {
    expect(await waitFor([event, pipe.reader], [], [], timeout)).toEqual(NONE);
    event.set();
    expect(await waitFor([event, pipe.reader], [], [], timeout)).toEqual([[event], [], []]);
  });

  test.each([0.05, 0.5, 1.7, 20.25, 50])('with the timeout %p it is never early', async (timeout) => {
    for (let round = 0; round < 3; round += 1) {
      const before = process.hrtime.bigint();
      expect(await waitFor([event], [], [pipe.reader], timeout)).toEqual(NONE);
      expect(since(before)).toBeGreaterThanOrEqual(timeout);
    }
  });

  test('with nothing to wait for it is a timer', async () => {
    const before = process.hrtime.bigint();
    expect(await waitFor([], [], [], 20)).toEqual(NONE);
    expect(since(before)).toBeGreaterThanOrEqual(20);
    expect(await waitFor([], [], [], 0)).toEqual(NONE);
  });

  test('a descriptor that is not open is EBADF', async () => {
    pipe.close(pipe.reader);
    for (const lists of [
      [[pipe.reader], [], []],
      [[], [pipe.reader], []],
      [[], [], [pipe.reader]],
      [[event, 1_000_000], [], []],
      [[2 ** 31 - 1], [], []],
    ] as Lists[]) {
      expect(await rejectionOf(waitFor(...lists, 1000))).toBe('EBADF');
    }
  });

  test.each([-1, 1.5, Number.NaN, Infinity, 2 ** 31, -(2 ** 31)])('%p is no descriptor', async (fd) => {
    expect(await rejectionOf(waitFor([fd]))).toBe('ERR_INVALID_ARG_VALUE');
    expect(await rejectionOf(waitFor([], [event, fd]))).toBe('ERR_INVALID_ARG_VALUE');
    expect(await rejectionOf(waitFor([], [], [{ fileno: () => fd }]))).toBe('ERR_INVALID_ARG_VALUE');
  });

  test.each([['5'], [null], [undefined], [true], [5n], [{}], [{ fileno: 5 }], [Symbol('fd')], [() => 5]])(
    'a member that is %p is refused',
    async (member) => {
      event.set();
      expect(await rejectionOf(waitFor([event, member as Any]))).toBe('ERR_INVALID_ARG_TYPE');
      expect(await rejectionOf(waitFor([], [], [member as Any]))).toBe('ERR_INVALID_ARG_TYPE');
      expect(await rejectionOf(waitFor([], [], [{ fileno: () => member as Any }]))).toMatch(/^ERR_INVALID_ARG_TYPE$/);
    },
  );

  test.each([5, null, {}, 'list', true])('a list that is %p is refused', async (list) => {
    expect(await rejectionOf(waitFor(list as Any))).toBe('ERR_INVALID_ARG_TYPE');
    expect(await rejectionOf(waitFor([], list as Any))).toBe('ERR_INVALID_ARG_TYPE');
    expect(await rejectionOf(waitFor([], [], list as Any))).toBe('ERR_INVALID_ARG_TYPE');
  });

  test('what a fileno() throws comes through', async () => {
    const failing = {
      fileno: () => {
        throw new TypeError('no number today');
      },
    };
    expect(await rejectionOf(waitFor([failing]))).toBe('TypeError: no number today');
  });

  test('a closed event is ERR_EVENT_CLOSED', async () => {
    event.close();
    expect(await rejectionOf(waitFor([event], [], [], 0))).toBe('ERR_EVENT_CLOSED');
  });
});

describe('select in a worker', () => {
  test('is woken by a set(), by set(); clear(), and by a byte', async () => {
    for (const change of [
      () => event.set(),
      () => {
        event.clear();
        event.set();
        event.clear();
      },
    ]) {
      event.clear();
      const waiters = await startWaiters(event, ['select', 'selectAsync', 'select']);
      change();
      expect(await outcomes(waiters)).toEqual([true, true, true]);
    }
  });

  test('ends with ERR_EVENT_CLOSED when another thread closes the event', async () => {
    const waiters = await startWaiters(event, ['select', 'selectAsync']);
    event.close();
    expect(await outcomes(waiters)).toEqual(['ERR_EVENT_CLOSED', 'ERR_EVENT_CLOSED']);
  });
});

describe('selectAsync only', () => {
  test('resolves as soon as one member is ready', async () => {
    const wait = selectAsync([event, pipe.reader], [], [], 10_000);
    await new Promise((resolve) => setImmediate(resolve));
    pipe.write();
    expect(await within(wait, 'selectAsync()')).toEqual([[pipe.reader], [], []]);
    const next = selectAsync([event], [], []);
    await new Promise((resolve) => setImmediate(resolve));
    event.set();
    expect(await within(next, 'selectAsync()')).toEqual([[event], [], []]);
  });

  test('many of them may wait for the same descriptors', async () => {
    const waits = Array.from({ length: 20 }, () => selectAsync([event, pipe.reader], [], [], 10_000));
    await new Promise((resolve) => setImmediate(resolve));
    pipe.write();
    event.set();
    for (const [ready] of await within(Promise.all(waits), 'selectAsync()')) {
      expect(ready.length).toBeGreaterThanOrEqual(1);
    }
  });

  test('data that was read elsewhere before this thread polled ends nothing', async () => {
    const wait = selectAsync([pipe.reader], [], [], 60);
    const before = process.hrtime.bigint();
    await new Promise((resolve) => setImmediate(resolve));
    pipe.write();
    pipe.read();
    expect(await wait).toEqual(NONE);
    expect(since(before)).toBeGreaterThanOrEqual(50);
  });

  test('what a handler of a run loop has read in the same turn ends nothing', async () => {
    const other = new Pipe();
    const loop = new RunLoop();
    const read: string[] = [];
    class Reader extends FileDispatcher {
      override handleRead(): void {
        read.push(this.recv(1).toString(), other.read());
        loop.stop();
      }
    }
    const reader = new Reader(pipe.reader);
    reader.addChannel(loop);
    const running = loop.run();
    const wait = selectAsync([other.reader], [], [], 60);
    await new Promise((resolve) => setImmediate(resolve));
    // In this order, so that the loop has its turn first. But poll() and a set on Windows report by number: there the
    // wait may have ended.
    pipe.write();
    other.write('y');
    const mayHaveEnded = process.platform === 'win32' || process.env['WAITABLE_EVENT_POLLER'] === 'poll';
    expect([NONE, ...(mayHaveEnded ? [[[other.reader], [], []]] : [])]).toContainEqual(await wait);
    await within(running, 'the loop');
    expect(read).toEqual(['x', 'y']);
    reader.close();
  });

  test('a number that is another descriptor since the last wait is watched anew', async () => {
    // The next pipe has the number on most systems at once. One that has another number stays open, and takes that one
    // from the pipes after it.
    let timesAgain = 0;
    for (let [current, tries] = [pipe, 0]; timesAgain < 3 && tries < 100; tries += 1) {
      const { reader } = current;
      const wait = selectAsync([reader], [], [], 10_000);
      current.write();
      expect(await within(wait, 'selectAsync()')).toEqual([[reader], [], []]);
      takeLowerNumbers(reader);
      current.close(reader);
      current = new Pipe();
      timesAgain += Number(current.reader === reader);
      expect(await selectAsync([current.reader], [], [], 0)).toEqual(NONE);
    }
    expect(timesAgain).toBe(3);
  });

  test.each(['has ended', 'goes on'])('a number of an event that was closed, for which a wait %s', async (former) => {
    // Awaits the event itself, too: the number is watched by a duplicate then.
    const set = event.waitAsync();
    const number = event.fileno();
    const first = selectAsync([number], [], [], 60_000);
    await new Promise((resolve) => setImmediate(resolve));
    event.set();
    expect(await within(set, 'waitAsync()')).toBe(true);
    expect(await within(first, 'selectAsync()')).toEqual([[number], [], []]);
    event.clear();
    const controller = new AbortController();
    const pending = former === 'goes on' ? selectAsync([number], [], [], 60_000, { signal: controller.signal }) : NONE;
    takeLowerNumbers(number);
    event.close();
    const next = new Pipe();
    expect(next.reader).toBe(number);
    expect(await selectAsync([number], [], [], 60)).toEqual(NONE);
    const second = selectAsync([number], [], [], 60_000);
    await new Promise((resolve) => setImmediate(resolve));
    next.write();
    expect(await within(second, 'selectAsync()')).toEqual([[number], [], []]);
    controller.abort();
    await Promise.allSettled([pending]);
  });

  test('a process that holds the former descriptor of a number ends nothing', async () => {
    const child = spawn(process.execPath, ['-e', 'process.send(0); setInterval(() => {}, 1e3)'], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc', pipe.reader],
    });
    await within(once(child, 'message'), 'the child');
    const first = selectAsync([pipe.reader], [], [], 10_000);
    pipe.write();
    expect(await within(first, 'selectAsync()')).toEqual([[pipe.reader], [], []]);
    takeLowerNumbers(pipe.reader);
    pipe.close(pipe.reader);
    const next = new Pipe();
    expect(next.reader).toBe(pipe.reader);
    // The former one is ready still, and the kernel knows it by the same number.
    expect(await selectAsync([next.reader], [], [], 60)).toEqual(NONE);
    const second = selectAsync([next.reader], [], [], 10_000);
    next.write();
    expect(await within(second, 'selectAsync()')).toEqual([[next.reader], [], []]);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  test('waits for a descriptor as often as one likes', async () => {
    for (let round = 0; round < 5000; round += 1) {
      const wait = selectAsync([pipe.reader], [], [], 10_000);
      pipe.write();
      expect(await wait).toEqual([[pipe.reader], [], []]);
      expect(pipe.read()).toBe('x');
    }
  });

  test('is rejected with EBADF when a member was closed meanwhile and another one is ready', async () => {
    const other = new Pipe();
    const wait = rejectionOf(selectAsync([pipe.reader, other.reader], [], [], 10_000));
    await new Promise((resolve) => setImmediate(resolve));
    other.close(other.reader);
    other.close(other.writer);
    pipe.write();
    expect(await wait).toBe('EBADF');
    // Nothing else has come to harm.
    expect(await selectAsync([pipe.reader])).toEqual([[pipe.reader], [], []]);
  });

  test('waits for many events without a warning', async () => {
    // Of a process of its own: jest does not show a test all warnings.
    const source = `
      const { WaitableEvent, selectAsync } = require('waitable-event');
      const events = Array.from({ length: 30 }, () => new WaitableEvent());
      selectAsync(events).then(([[event]]) => console.log(events.indexOf(event)));
      setImmediate(() => events[7].set());
    `;
    const { stdout, stderr } = await runScript({ source });
    expect([stdout, stderr]).toEqual(['7\n', '']);
  });

  test('does not wait when its arguments are wrong', async () => {
    for (const options of [null, 5, { signal: {} }]) {
      expect(await rejectionOf(selectAsync([event], [], [], undefined, options as Any))).toBe('ERR_INVALID_ARG_TYPE');
    }
  });
});

test('the results of select() may be taken apart as they are typed', () => {
  event.set();
  const [[first], [second], [third]] = select([event], [pipe.writer], []);
  expect([first, second, third]).toEqual([event, pipe.writer, undefined]);
  expect(codeOf(() => select(undefined as Any))).toBe('ERR_INVALID_ARG_TYPE');
});

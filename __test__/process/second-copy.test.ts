import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as first from 'waitable-event';

import { runScript } from '../support/child';
import { root } from '../support/files';
import { codeOf, rejectionOf } from '../support/outcomes';
import { within } from '../support/timing';

type Package = typeof first;

/** The facade, evaluated once more; the native half is there only once. */
function load(): Package {
  let copy: Package | undefined;
  jest.isolateModules(() => {
    copy = require('waitable-event') as Package;
  });
  return copy as Package;
}

describe('a facade that is loaded twice in one thread', () => {
  let second: Package;

  beforeAll(() => {
    second = load();
  });

  test('has classes of its own', () => {
    expect(second.WaitableEvent).not.toBe(first.WaitableEvent);
    expect(new second.WaitableEvent()).not.toBeInstanceOf(first.WaitableEvent);
  });

  test('opens the events of the first by their handles', () => {
    const event = new first.WaitableEvent();
    const other = second.WaitableEvent.open(event.handle);
    other.set();
    expect([event.isSet(), event.wait(), event.fileno()]).toEqual([true, true, other.fileno()]);
    event.clear();
    expect([other.isSet(), other.wait(1)]).toEqual([false, false]);
    event.close();
    expect(other.closed).toBe(true);
    expect(codeOf(() => other.set())).toBe('ERR_EVENT_CLOSED');
  });

  test('both can await the same event, and each its own', async () => {
    const event = new first.WaitableEvent();
    const other = second.WaitableEvent.open(event.handle);
    const waits = [event.waitAsync(), other.waitAsync(), event.waitAsync(10_000), other.waitAsync(10_000)];
    event.set();
    expect(await within(Promise.all(waits), 'both copies')).toEqual([true, true, true, true]);
    event.clear();
    const [early, late] = [other.waitAsync(5), event.waitAsync(10)];
    expect(await Promise.all([early, late])).toEqual([false, false]);
    const closed = [rejectionOf(event.waitAsync()), rejectionOf(other.waitAsync())];
    other.close();
    expect(await Promise.all(closed)).toEqual(['ERR_EVENT_CLOSED', 'ERR_EVENT_CLOSED']);
  });

  test('each can select what the other made', async () => {
    const event = new first.WaitableEvent({ set: true });
    expect(second.select([event], [], [], 1000)[0]).toEqual([event]);
    expect((await second.selectAsync([event], [], [], 1000))[0]).toEqual([event]);
    event.clear();
    const wait = second.selectAsync([event], [], [], 10_000);
    await event.waitAsync(1);
    event.set();
    expect((await within(wait, 'selectAsync()'))[0]).toEqual([event]);
    event.close();
  });

  test('each recognises the errors of the other', () => {
    const event = new first.WaitableEvent();
    event.close();
    const caught = [
      () => event.set(),
      () => event.wait(Number.NaN),
      () => first.WaitableEvent.open({} as first.EventHandle),
    ].map((call) => {
      try {
        return call();
      } catch (error) {
        return error;
      }
    });
    const [closed, value, handle] = caught;
    expect(closed).toBeInstanceOf(second.EventClosedError);
    expect(value).toBeInstanceOf(second.InvalidArgValueError);
    expect(handle).toBeInstanceOf(second.InvalidHandleError);
    expect(closed).not.toBeInstanceOf(second.InvalidHandleError);
    for (const nothing of [null, undefined, 5, 'EventClosedError', {}, new Error('closed')]) {
      expect(nothing instanceof second.EventClosedError).toBe(false);
    }
  });

  test('it can be loaded again and again', () => {
    for (let round = 0; round < 20; round += 1) {
      const { WaitableEvent } = load();
      const event = new WaitableEvent();
      event.set();
      expect(event.wait(0)).toBe(true);
      event.close();
    }
  });
});

describe('a package that is installed twice', () => {
  let directory: string;

  beforeAll(() => {
    // Another file of the native half: another library, with a registry of its own.
    directory = mkdtempSync(join(tmpdir(), 'waitable-event-'));
    const target = join(directory, 'node_modules', 'waitable-event');
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(root)) {
      if (name === 'package.json' || name.endsWith('.node')) {
        copyFileSync(join(root, name), join(target, name));
      }
    }
    cpSync(join(root, 'lib'), join(target, 'lib'), { recursive: true });
  });

  afterAll(() => {
    // Windows removes no module that is loaded.
    if (process.platform !== 'win32') rmSync(directory, { recursive: true });
  });

  test('has events of its own, and recognises the errors of the other one', async () => {
    const source = `
      const { createRequire } = require('node:module');
      const one = require('waitable-event');
      const two = createRequire(${JSON.stringify(join(directory, 'index.js'))})('waitable-event');
      const code = (call) => { try { call(); return 'none'; } catch (error) { return error; } };
      (async () => {
        const event = new one.WaitableEvent();
        const refused = code(() => two.WaitableEvent.open(event.handle));
        const own = new two.WaitableEvent();
        const waits = Promise.all([event.waitAsync(10000), own.waitAsync(10000), two.selectAsync([event], [], [], 10000)]);
        event.set();
        own.set();
        const [a, b, [[c]]] = await waits;
        event.close();
        const closed = code(() => event.set());
        console.log(JSON.stringify([
          one !== two, refused.code, refused instanceof one.InvalidHandleError, a, b, c === event,
          closed instanceof two.EventClosedError, own.isSet(), own.wait(),
        ]));
      })();
    `;
    const { stdout } = await runScript({ source });
    expect(JSON.parse(stdout)).toEqual([true, 'ERR_INVALID_HANDLE', true, true, true, true, true, true, true]);
  });

  test('works from a folder outside of the package', () => {
    const other = createRequire(join(directory, 'index.js'))('waitable-event') as Package;
    const event = new other.WaitableEvent({ set: true });
    expect(event.wait()).toBe(true);
    event.close();
  });
});

describe('another realm', () => {
  test('values of a vm context are taken as what they are', async () => {
    const source = `
      const vm = require('node:vm');
      const { WaitableEvent, EventClosedError } = require('waitable-event');
      const event = new WaitableEvent();
      const context = vm.createContext({ event, WaitableEvent, EventClosedError, AbortController, structuredClone, print: console.log });
      vm.runInContext(\`
        (async () => {
          const copy = WaitableEvent.open({ key: event.handle.key, state: event.handle.state });
          copy.set();
          const options = { signal: new AbortController().signal, ref: true };
          const seen = [event.isSet(), await copy.waitAsync(5, options)];
          event.close();
          try { copy.set(); } catch (error) { seen.push(error instanceof EventClosedError, error.code); }
          print(JSON.stringify(seen));
        })();
      \`, context);
    `;
    expect(JSON.parse((await runScript({ source })).stdout)).toEqual([true, true, true, 'ERR_EVENT_CLOSED']);
  });
});

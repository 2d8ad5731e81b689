import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RunLoop, WaitableEvent, select } from 'waitable-event';

import { Child, endedWith } from '../support/child';
import { outcomes, startWaiters } from '../support/event/waiters';
import { report } from '../support/outcomes';
import { countPasses } from '../support/run-loop/loops';
import { within } from '../support/timing';

let event: WaitableEvent;

beforeEach(() => {
  event = new WaitableEvent();
});

afterEach(() => {
  event.close();
});

const hasPython = spawnSync('python3', ['-c', 'print(1)']).status === 0;
if (!hasPython) {
  report('There is no python3 here: the other language is JavaScript, in another Node');
}

/** A child process in another language that has the write side as its descriptor 3, and writes to it. */
function startWriter(python: string, javascript: string): Child {
  const [command, ...args] = hasPython ? ['python3', '-c', python] : [process.execPath, '-e', javascript];
  return new Child(command, args, { stdio: ['ignore', 'pipe', 'pipe', event.writeFileno()] });
}

function startRinging(): Child {
  return startWriter(`import os; os.write(3, b"x")`, `require('fs').writeSync(3, 'x')`);
}

describe('a child process that has the write side', () => {
  test('wakes an awaiting parent', async () => {
    const wait = event.waitAsync();
    const child = startRinging();
    expect(await within(wait, 'waitAsync()')).toBe(true);
    expect(event.isSet()).toBe(true);
    endedWith(await child.ended, 0);
  });

  test('wakes every way to wait, in every thread', async () => {
    const mine = [event.waitAsync(), WaitableEvent.open(event.handle).waitAsync()];
    const waiters = await startWaiters(event, ['wait', 'waitAsync', 'select', 'selectAsync', 'wait']);
    const child = startRinging();
    expect(await outcomes(waiters)).toEqual([true, true, true, true, true]);
    expect(await within(Promise.all(mine), 'waitAsync()')).toEqual([true, true]);
    endedWith(await child.ended, 0);
  });

  test('wakes iterations, which clear the event', async () => {
    const waiters = await startWaiters(event, ['iterate', 'wait', 'iterate']);
    endedWith(await startRinging().ended, 0);
    expect(await outcomes(waiters)).toEqual([true, true, true]);
    expect(event.isSet()).toBe(false);
  });

  test('sets the event for all threads, until one clear()', async () => {
    endedWith(await startRinging().ended, 0);
    const twin = WaitableEvent.open(event.handle);
    for (const each of [event, twin]) {
      expect([each.isSet(), each.wait(0), each.wait(), await each.waitAsync(), await each.waitAsync(0)]).toEqual(
        Array(5).fill(true),
      );
      expect(select([each], [], [], 0)[0]).toHaveLength(1);
    }
    twin.clear();
    expect([event.isSet(), twin.isSet(), select([event], [], [], 0)[0].length]).toEqual([false, false, 0]);
    expect(await event.waitAsync(1)).toBe(false);
  });

  test('may be a shell', async () => {
    const child = new Child('sh', ['-c', 'printf x >&3'], { stdio: ['ignore', 'pipe', 'pipe', event.writeFileno()] });
    expect(await within(event.waitAsync(), 'waitAsync()')).toBe(true);
    endedWith(await child.ended, 0);
  });

  test('may fill the pipe: set() does not block, and one clear() clears', async () => {
    const child = startWriter(
      `import os, fcntl
fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_NONBLOCK)
written = 0
try:
    while written < 1000000: written += os.write(3, b"x" * 100000)
except BlockingIOError: print("full", written > 0)`,
      `const fs = require('fs');
      let written = 0;
      try { while (written < 1000000) written += fs.writeSync(3, 'x'.repeat(100000)); }
      catch (error) { console.log(error.code === 'EAGAIN' ? 'full True' : error); }`,
    );
    // On Windows it never is: what is written is taken out.
    expect(endedWith(await child.ended, 0).stdout).toBe(process.platform === 'win32' ? '' : 'full True\n');
    expect(event.isSet()).toBe(true);
    event.set();
    event.set();
    expect(event.isSet()).toBe(true);
    event.clear();
    expect(event.isSet()).toBe(false);
    expect(select([event], [], [], 0)[0]).toHaveLength(0);
    expect(await event.waitAsync(1)).toBe(false);
    event.set();
    expect(event.isSet()).toBe(true);
  });

  test('that ends, and closes its copy, changes nothing', async () => {
    const child = new Child('true', [], { stdio: ['ignore', 'pipe', 'pipe', event.writeFileno(), event.fileno()] });
    endedWith(await child.ended, 0);
    expect(event.isSet()).toBe(false);
    event.set();
    expect(event.isSet()).toBe(true);
    event.clear();
    expect(event.isSet()).toBe(false);
  });

  test('that outlives close() can still write, and reaches no reader', async () => {
    const child = new Child('sh', ['-c', 'read go; printf x >&3'], {
      stdio: ['pipe', 'pipe', 'pipe', event.writeFileno()],
    });
    const next = new WaitableEvent();
    event.close();
    const successor = new WaitableEvent();
    child.write('go\n');
    // SIGPIPE, or EPIPE where that is ignored: the read side is closed.
    const { code, signal } = await child.ended;
    expect(code === 0 && signal === null).toBe(false);
    expect([next.isSet(), successor.isSet()]).toEqual([false, false]);
    next.close();
    successor.close();
  });

  test('learns of close(), though this thread has waited for the event before', async () => {
    expect(await event.waitAsync(1)).toBe(false);
    const child = startWriter(
      `import select
pipe = select.poll()
pipe.register(3, 0)
print(len(pipe.poll(30000)), flush=True)`,
      `const deadline = Date.now() + 30_000;
      const write = () => {
        try { require('fs').writeSync(3, 'x'); } catch (error) { return error.code !== 'EAGAIN'; }
      };
      const check = () => write() || Date.now() > deadline ? console.log(Number(write())) : setTimeout(check, 10);
      check();`,
    );
    event.close();
    expect(endedWith(await child.ended, 0).stdout.trim()).toBe('1');
  });
});

describe('a child process that has the read side', () => {
  test('sees the state in its own poll()', async () => {
    const stdio = ['ignore' as const, 'pipe' as const, 'pipe' as const, event.fileno()];
    const python = `import select
for timeout in (0, 20): print("ready", len(select.select([3], [], [], timeout)[0]), flush=True)`;
    const javascript = `const { select } = require('waitable-event');
for (const timeout of [0, 20000]) console.log('ready', select([3], [], [], timeout)[0].length)`;
    const child = hasPython
      ? new Child('python3', ['-c', python], { stdio })
      : new Child(process.execPath, ['-e', javascript], { stdio });
    await child.printed('ready 0');
    event.set();
    expect(endedWith(await child.ended, 0).stdout).toBe('ready 0\nready 1\n');
    expect(event.isSet()).toBe(true);
  });

  test.each(['this', 'another'] as const)(
    'does not keep a loop busy whose member was closed through %s object',
    async (which) => {
      const loop = new RunLoop();
      event.addChannel(loop);
      const count = countPasses(loop);
      const child = new Child('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', event.fileno()] });
      const running = loop.run();
      (which === 'this' ? event : WaitableEvent.open(event.handle)).close();
      // The parent's descriptors are closed; the child's copies are ready to be read: that is the end of the pipe.
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(count.passes).toBeLessThan(10);
      loop.stop();
      await within(running, 'run()');
      child.kill('SIGKILL');
      await child.ended;
    },
  );
});

describe('a child process without a descriptor of the event', () => {
  test('inherits no descriptor of an event, and none that waiting needs', async () => {
    event.wait(1);
    await event.waitAsync(1);
    const pipe = readlinkSync(`/proc/self/fd/${event.fileno()}`);
    expect(pipe).toMatch(/^pipe:\[\d+\]$/);
    expect(readlinkSync(`/proc/self/fd/${event.writeFileno()}`)).toBe(pipe);
    const listing = (await new Child('sh', ['-c', 'ls -l /proc/$$/fd/; true']).ended).stdout;
    expect(listing.split('\n').filter((line) => line.includes(' -> ')).length).toBeGreaterThanOrEqual(3);
    expect(listing).not.toContain(pipe);
    expect(listing).not.toMatch(/eventpoll|eventfd|timerfd/);
  });
});

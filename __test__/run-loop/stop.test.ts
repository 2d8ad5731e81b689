/** stop() before, during and after run() and runSync(), and loops that run again. */

import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { RunLoop, core } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { codeOf, rejectionOf } from '../support/outcomes';
import { Pipe, writeSync } from '../support/pipe';
import { Recorder } from '../support/run-loop/channels';
import { after, runIn } from '../support/run-loop/loops';
import { until } from '../support/threads';
import { within } from '../support/timing';

const both = ['run', 'runSync'] as const;

let loop: RunLoop;

let log: unknown[];

beforeEach(() => {
  loop = new RunLoop();
  log = [];
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe.each(both)('stop() and %s()', (way) => {
  test('a stop() that came before is remembered, once', async () => {
    loop.stop();
    loop.stop();
    loop.deferred(() => log.push('pass'));
    await runIn(way, loop);
    expect(log).toEqual([]);
    loop.deferred(() => loop.stop());
    await runIn(way, loop);
    expect(log).toEqual(['pass']);
  });

  test('a stop() through the handle that came before is remembered too', async () => {
    const remote = RunLoop.connect(structuredClone(loop.handle));
    remote.stop();
    remote.stop();
    await runIn(way, loop);
    loop.deferred(() => log.push('again'));
    after(loop, 5, () => loop.stop());
    await runIn(way, loop);
    expect(log).toEqual(['again']);
  });

  test('stops after the pass that is under way', async () => {
    const { reader, writer } = new Pipe();
    const channel = new Recorder(reader, loop);
    finallyDo(() => channel.close());
    writeSync(writer, 'spam');
    after(loop, 0, () => loop.stop());
    loop.deferred(() => {
      log.push(...channel.log, 'deferred');
      loop.deferred(() => log.push('next pass'));
    });
    await runIn(way, loop);
    expect(log).toEqual(['read', 'deferred']);
    loop.deferred(() => loop.stop());
    await runIn(way, loop);
    expect(log).toEqual(['read', 'deferred', 'next pass']);
  });

  test('the loop runs again, as often as one likes', async () => {
    for (let round = 0; round < 50; round += 1) {
      loop.deferred(() => loop.stop());
      await runIn(way, loop);
    }
    expect(loop.running).toBe(false);
  });

  test('`running` says whether it is under way, also to its handlers', async () => {
    expect(loop.running).toBe(false);
    loop.deferred(() => {
      log.push(loop.running);
      loop.stop();
      log.push(loop.running);
    });
    await runIn(way, loop);
    expect([...log, loop.running]).toEqual([true, true, false]);
  });

  test('ERR_LOOP_RUNNING, until it was stopped', async () => {
    loop.deferred(() => {
      log.push(codeOf(() => loop.runSync()));
      void rejectionOf(loop.run()).then((code) => log.push(code));
    });
    loop.deferred(() => loop.stop());
    await runIn(way, loop);
    await until(() => log.length === 2, 'the rejection');
    expect(log).toEqual(['ERR_LOOP_RUNNING', 'ERR_LOOP_RUNNING']);
    expect(loop.running).toBe(false);
  });

  test('its methods can be called as functions', async () => {
    const { run, runSync, runOnce, stop, deferred, enableSleeping } = loop;
    enableSleeping();
    enableSleeping(5);
    deferred((word: string) => log.push(word), 'once');
    runOnce();
    deferred(stop);
    await (way === 'run' ? within(run(), 'run()') : runSync());
    expect(log).toEqual(['once']);
  });

  test('core is a RunLoop', async () => {
    expect(core).toBeInstanceOf(RunLoop);
    core.deferred(() => core.stop());
    await runIn(way, core);
  });

  test('another loop can be run by a handler', async () => {
    const inner = new RunLoop();
    loop.deferred(() => {
      inner.deferred(() => log.push(loop.running, inner.running));
      inner.deferred(() => inner.stop());
      inner.runSync();
      log.push(inner.running);
      loop.stop();
    });
    await runIn(way, loop);
    expect(log).toEqual([true, true, false]);
  });
});

/** close() of a loop: what it holds, who is told, and what it refuses afterwards. */

import { beforeEach, describe, expect, test } from '@jest/globals';
import { FileDispatcher, FunctionTask, RunLoop, TaskManager, WaitableEvent } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { countDescriptors } from '../support/files';
import { codeOf } from '../support/outcomes';
import { Pipe } from '../support/pipe';
import { after, runIn } from '../support/run-loop/loops';
import { within } from '../support/timing';

const both = ['run', 'runSync'] as const;

let loop: RunLoop;

beforeEach(async () => {
  // The descriptors of the reactor, and those of blocked waits, are there from now on.
  await new WaitableEvent().waitAsync(0.1);
  new WaitableEvent().wait(0.1);
  loop = new RunLoop();
});

describe('close()', () => {
  test('closes the descriptors of a loop, whatever it has', () => {
    const before = countDescriptors();
    const closing = new RunLoop();
    const event = new WaitableEvent({ loop: closing });
    void closing.handle;
    void closing.taskManager.handle;
    closing.loop({ count: 1, timeout: 0 });
    closing.close();
    closing.close();
    event.close();
    expect(countDescriptors()).toBe(before);
  });

  test('makes a thousand loops possible one after the other', () => {
    const before = countDescriptors();
    for (let left = 1000; left > 0; left -= 1) {
      const one = new RunLoop();
      one.deferred(() => one.stop());
      one.runSync();
      one[Symbol.dispose]();
    }
    expect(countDescriptors()).toBe(before);
  });

  test('makes the channels leave, and does not close them', () => {
    const pipe = new Pipe();
    const event = new WaitableEvent({ loop });
    const channel = new FileDispatcher(pipe.reader, loop);
    pipe.write('spam');
    loop.close();
    expect(event.closed).toBe(false);
    expect(channel.recv(9).toString()).toBe('spam');
    const other = new RunLoop();
    channel.addChannel(other);
    event.addChannel(other);
    other.close();
    channel.close();
    event.close();
  });

  test('closes the managers of the loop: other threads are told', async () => {
    const manager = new TaskManager({ loop });
    const remotes = [loop.taskManager, manager].map(({ handle }) => TaskManager.connect(handle));
    const calls = remotes.map((remote) => remote.call('nothing').catch((error: { code: string }) => error.code));
    const stop = RunLoop.connect(loop.handle);
    loop.close();
    expect(await within(Promise.all(calls), 'the calls')).toEqual([
      'ERR_TASK_MANAGER_CLOSED',
      'ERR_TASK_MANAGER_CLOSED',
    ]);
    expect(codeOf(() => manager.installTask(new FunctionTask(() => {}), { delta: 0 }))).toBe('ERR_TASK_MANAGER_CLOSED');
    stop.stop();
    remotes.forEach((remote) => remote.close());
  });

  test('is refused nothing, and refuses what needs the loop', async () => {
    loop.deferred(() => {
      throw new Error('it is dropped');
    });
    loop.close();
    loop.stop();
    loop.runOnce();
    loop.update(new FileDispatcher(0, null));
    loop.enableSleeping();
    expect(loop.running).toBe(false);
    const event = new WaitableEvent();
    finallyDo(() => event.close());
    for (const call of [
      () => loop.runSync(),
      () => loop.loop(),
      () => loop.add(event),
      () => event.addChannel(loop),
      () => loop.deferred(() => {}),
      () => loop.handle,
      () => loop.taskManager,
      () => new TaskManager({ loop }),
    ]) {
      expect(codeOf(call)).toBe('ERR_LOOP_CLOSED');
    }
    await expect(loop.run()).rejects.toMatchObject({ code: 'ERR_LOOP_CLOSED', name: 'LoopClosedError' });
  });

  test('ends a run() that sleeps', async () => {
    const ended = loop.run();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    loop.close();
    expect(loop.running).toBe(false);
    await within(ended, 'run()');
  });
});

describe.each(both)('close() during %s()', (way) => {
  test('from a task ends the run, and no handler is called any more', async () => {
    const log: string[] = [];
    class Set extends WaitableEvent {
      override handleRead(): void {
        log.push('read');
      }
    }
    const event = new Set({ set: true, loop });
    finallyDo(() => event.close());
    const { taskManager } = loop;
    loop.deferred(() => log.push('deferred'));
    // runIn() has its own guard, and this loop has no tasks when it is over.
    const ended = way === 'run' ? loop.run() : undefined;
    taskManager.installTask(new FunctionTask(() => loop.close()), { delta: 0 });
    if (way === 'runSync') {
      loop.runSync();
    }
    await within(Promise.resolve(ended), 'the run');
    expect(log).toEqual([]);
    expect(loop.running).toBe(false);
  });

  test('from a handler ends the run, and the other ready channels are not called', async () => {
    const log: string[] = [];
    class Closing extends WaitableEvent {
      override handleRead(): void {
        log.push('read');
        loop.close();
      }
    }
    const events = [new Closing({ set: true, loop }), new Closing({ set: true, loop })];
    finallyDo(() => events.forEach((event) => event.close()));
    await within(way === 'run' ? loop.run() : Promise.resolve(loop.runSync()), 'the run');
    expect(log).toEqual(['read']);
  });
});

test('a manager is closed at the end of a using block', () => {
  const manager = new TaskManager({ loop });
  manager[Symbol.dispose]();
  expect(codeOf(() => manager.handle)).toBe('ERR_TASK_MANAGER_CLOSED');
  // The loop goes on without it.
  after(loop, 0, () => loop.stop());
  return runIn('runSync', loop);
});

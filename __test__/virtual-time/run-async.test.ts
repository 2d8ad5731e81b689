/** TimeMachine.runAsync() without other threads. */

import { describe, expect, test } from '@jest/globals';
import { FunctionTask, TaskManager } from 'waitable-event';

import { codeOf, rejectionOf } from '../support/outcomes';
import { within } from '../support/timing';
import { START, VirtualLoop } from '../support/virtual-time/virtual-loop';

describe('runAsync() without other threads', () => {
  test('settles promises between tasks', async () => {
    const virtual = new VirtualLoop();
    const { machine } = virtual;
    const walk = async (): Promise<void> => {
      for (const delta of [10, 20, 30]) {
        await virtual.sleep(delta);
        virtual.note(delta);
      }
    };
    void walk();
    await machine.runAsync({ duration: 60 });
    expect(virtual.log).toEqual([
      [10, 10],
      [20, 30],
    ]);
    await machine.runAsync({ duration: 1 });
    expect(virtual.log.at(-1)).toEqual([30, 60]);
    expect(machine.now).toBe(START + 61);
  });

  test('one run at a time', async () => {
    const { machine } = new VirtualLoop();
    const first = machine.runAsync({ duration: 10 });
    expect(codeOf(() => machine.run({ duration: 1 }))).toBe('ERR_LOOP_RUNNING');
    expect(await rejectionOf(machine.runAsync({ duration: 1 }))).toBe('ERR_LOOP_RUNNING');
    await first;
    machine.run({ duration: 1 });
    expect(machine.now).toBe(START + 11);
  });

  test('ends where it is when the clock is given back', async () => {
    const { machine, manager } = new VirtualLoop();
    manager.installTask(new FunctionTask(() => machine.restore()), { delta: 5 });
    await machine.runAsync({ duration: 10 });
    expect(machine.now).toBe(START + 5);
  });

  test('a connection of the same thread is in virtual time too', async () => {
    const virtual = new VirtualLoop();
    const remote = TaskManager.connect(virtual.manager.handle);
    const walk = async (): Promise<void> => {
      remote.schedule('log', 'task', { delta: 5 });
      await remote.call('sleep', 10);
      virtual.note(remote.getTime() - START);
      remote.close();
    };
    const walked = walk();
    await within(virtual.machine.runAsync({ duration: 20 }), 'a run');
    await walked;
    expect(virtual.log).toEqual([
      ['task', 5],
      [10, 10],
    ]);
  });
});

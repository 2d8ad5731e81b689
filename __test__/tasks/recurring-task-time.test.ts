/** taskTime of a recurring task: in its body it is the point that the task runs for. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RecurringTask, RunLoop } from 'waitable-event';
import { TimeMachine } from 'waitable-event/testing';

let loop: RunLoop;
let machine: TimeMachine;

const START = Date.UTC(2024, 0, 1);

class Recording extends RecurringTask {
  readonly times: (number | null)[] = [];
  onRun: () => unknown = () => undefined;

  override processTask(): unknown {
    this.times.push(this.taskTime);
    return this.onRun();
  }
}

beforeEach(() => {
  loop = new RunLoop();
  machine = new TimeMachine({ loop });
  machine.reset(START);
});

afterEach(() => {
  machine.restore();
  loop.close();
});

describe('taskTime', () => {
  test('is the point in the body, and the next one after it', () => {
    const task = new Recording(1000);
    loop.taskManager.installTask(task);
    expect(task.taskTime).toBe(START + 1000);
    machine.run({ duration: 3500 });
    expect(task.times).toEqual([START + 1000, START + 2000, START + 3000]);
    expect(task.taskTime).toBe(START + 4000);
    expect(task.isScheduled).toBe(true);
  });

  test('is the new point once the body has installed the task again', () => {
    const task = new Recording(1000);
    task.onRun = () => {
      task.installTask({ interval: 300 });
      task.times.push(task.taskTime);
    };
    loop.taskManager.installTask(task);
    machine.run({ duration: 1001 });
    expect(task.times).toEqual([START + 1000, START + 1200]);
  });

  test('is the point also when the body throws or suspends the task; after that it is the next one', () => {
    const task = new Recording(1000);
    task.onRun = () => task.suspendTask();
    loop.taskManager.installTask(task);
    machine.run({ duration: 1001 });
    expect(task.times).toEqual([START + 1000]);
    expect(task.taskTime).toBe(START + 2000);
  });

  test('is its own for a task that runs within the body of another', () => {
    const [outer, inner] = [new Recording(1000), new Recording(700)];
    outer.onRun = () => {
      loop.taskManager.processTask(inner);
      outer.times.push(outer.taskTime);
    };
    loop.taskManager.installTask(outer);
    loop.taskManager.installTask(inner);
    const innerTime = inner.taskTime;
    inner.suspendTask();
    machine.run({ duration: 1001 });
    expect(outer.times).toEqual([START + 1000, START + 1000]);
    expect(inner.times).toEqual([innerTime]);
  });

  test('is the next point behind the first await of an async body', async () => {
    const task = new Recording(1000);
    let behind: number | null | undefined;
    const ran = new Promise<void>((resolve) => {
      task.onRun = async () => {
        await Promise.resolve();
        behind = task.taskTime;
        resolve();
      };
    });
    loop.taskManager.installTask(task);
    machine.run({ duration: 1001 });
    await ran;
    expect(behind).toBe(START + 2000);
  });
});

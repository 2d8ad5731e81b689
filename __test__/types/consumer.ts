/** A program that uses the declarations as a user does. `npm run test:types` compiles it with each TypeScript. */

import {
  type Datagram,
  DatagramDispatcher,
  Dispatcher,
  FileDispatcher,
  FunctionTask,
  RecurringTask,
  RunLoop,
  TaskManager,
  WaitableEvent,
  core,
  recurringFunction,
  select,
  selectAsync,
} from 'waitable-event';
import type {
  EventHandle,
  RemoteTaskManager,
  ScheduleOptions,
  TaskManagerHandle,
  TaskManagerOptions,
  WaitAsyncOptions,
} from 'waitable-event';
import { TimeMachine, type TimeMachineOptions } from 'waitable-event/testing';

class Lines extends FileDispatcher {
  text = '';

  override handleRead(): void {
    this.text += this.recv(4096).toString();
  }
}

class Echo extends DatagramDispatcher {
  override handleRead(): void {
    const datagram: Datagram | null = this.recvFrom();
    if (datagram?.family === 'IPv4') {
      this.sendTo(datagram.data, datagram.port, datagram.address);
    }
  }
}

class Port extends Dispatcher {
  fileno(): number {
    return 0;
  }
}

class Sample extends RecurringTask {
  override processTask(): number {
    return this.taskTime ?? 0;
  }
}

// Under exactOptionalPropertyTypes, an option that a program passes on may be undefined.
function optional<T>(value: T): T | undefined {
  return value;
}
const waitOptions: WaitAsyncOptions = { ref: optional(true), signal: optional(new AbortController().signal) };
const scheduleOptions: ScheduleOptions = { delta: optional(1), key: optional('key'), when: optional(new Date()) };
const managerOptions: TaskManagerOptions = { capacity: optional(16), loop: optional(core), onFull: optional('throw') };
const machineOptions: TimeMachineOptions = { start: optional(0), onError: optional('report') };

export async function main(handle: TaskManagerHandle, eventHandle: EventHandle): Promise<boolean> {
  const event = new WaitableEvent({ set: optional(false), loop: new RunLoop() });
  const other: WaitableEvent = WaitableEvent.open(eventHandle);
  const isSet: boolean = event.wait(0) || (await other.waitAsync(5, waitOptions));
  for await (const _ of event) {
    event.close();
  }
  const [readers]: [(WaitableEvent | number)[], never[], never[]] = select([event, 0]);
  const [, writers] = await selectAsync([event], [1], [], 10, { signal: optional(new AbortController().signal) });
  const remote: RemoteTaskManager = TaskManager.connect(handle);
  const outcome: 'cancelled' | 'running' | 'done' = await remote.schedule('name', { a: 1 }, scheduleOptions).cancel();
  const result: unknown = remote.callSync('name', 1, { timeout: optional(1) });
  const manager = new TaskManager(managerOptions);
  manager.define('name', (payload: { a: number }, context) => payload.a + context.name.length);
  manager.installTask(new Sample(1000), { delta: 5 });
  new FunctionTask((a: number, b: string) => a + b.length, 1, 'b').installTask({ delta: 1 });
  recurringFunction(1000)((x: number) => x + 1).task.suspendTask();
  const machine = new TimeMachine(machineOptions);
  machine.run({ duration: 10 });
  core.deferred((text: string) => text.length, 'text');
  new Lines(0).addChannel(core);
  new Port().addChannel();
  new Echo({ address: '::1', port: optional(0), ipv6Only: true }, null).close();
  await core.run({ stopOn: ['SIGTERM'], signal: optional(new AbortController().signal) });
  return isSet && readers.length + writers.length > 0 && outcome === 'done' && result === undefined;
}

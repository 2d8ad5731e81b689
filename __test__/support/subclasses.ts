import * as facade from 'waitable-event';
import { TaskPool, TaskWorker } from 'waitable-event/pool';
import { TimeMachine } from 'waitable-event/testing';

import { declaredMembers } from './declarations';
import { TIMEOUT_FACTOR, TIME_LIMIT } from './threads';
import { WorkerHarness } from './worker-harness';

/**
 * Names that our classes are likely to use, or subclasses to have. The first one is used nowhere: with it, a scenario
 * just has to hold.
 */
const LIKELY = [
  'unusedAnywhere',
  'abort',
  'abortSignal',
  'after',
  'alarm',
  'arm',
  'attach',
  'before',
  'begin',
  'calls',
  'cancel',
  'channel',
  'channels',
  'clock',
  'closing',
  'connection',
  'context',
  'control',
  'count',
  'counts',
  'deadline',
  'delay',
  'detach',
  'disarm',
  'dispatch',
  'dispose',
  'due',
  'emit',
  'end',
  'epoch',
  'error',
  'event',
  'events',
  'failures',
  'fd',
  'finish',
  'flush',
  'generation',
  'handlers',
  'heapIndex',
  'id',
  'index',
  'init',
  'installation',
  'interval',
  'isRecurring',
  'key',
  'kind',
  'listen',
  'listeners',
  'lock',
  'log',
  'loopOf',
  'manager',
  'mode',
  'name',
  'native',
  'next',
  'nextTime',
  'notify',
  'nudge',
  'offset',
  'onClose',
  'onError',
  'onMessage',
  'onRead',
  'onReady',
  'options',
  'order',
  'outbox',
  'owner',
  'passes',
  'pending',
  'poll',
  'poller',
  'port',
  'queue',
  'reactor',
  'ready',
  'ref',
  'release',
  'remote',
  'requestPass',
  'reset',
  'resolve',
  'restore',
  'ring',
  'settled',
  'signal',
  'skips',
  'sleep',
  'slot',
  'source',
  'start',
  'state',
  'status',
  'stopped',
  'takenOut',
  'task',
  'tasks',
  'threads',
  'time',
  'timeHigh',
  'timeOn',
  'timer',
  'token',
  'trigger',
  'unref',
  'update',
  'wake',
  'waits',
  'watch',
] as const;

type Constructor = abstract new (...args: never[]) => object;

function isClass(value: unknown): value is Constructor {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

/** The public classes, by their names. */
export const publicClasses: ReadonlyMap<string, Constructor> = new Map(
  Object.entries({ ...facade, TaskPool, TaskWorker, TimeMachine } as Record<string, unknown>).filter(
    (entry): entry is [string, Constructor] => isClass(entry[1]),
  ),
);

function makeInstances(): object[] {
  const loop = new facade.RunLoop();
  const { taskManager: manager } = loop;
  const event = new facade.WaitableEvent({ loop });
  const file = new facade.FileDispatcher(event.fileno(), loop);
  const socket = new facade.DatagramDispatcher({ address: '127.0.0.1' }, loop);
  const remote = facade.TaskManager.connect(manager.handle);
  const machine = new TimeMachine({ loop: new facade.RunLoop() });
  const tasks = [
    new facade.OneShotTask(),
    new facade.OneShotDeleteTask(),
    new facade.FunctionTask(() => {}),
    new facade.RecurringTask(1000),
    new facade.RecurringFunctionTask(1000, () => {}),
  ];
  tasks.forEach((task) => manager.installTask(task, { delta: 1000 }));
  const scheduled = remote.schedule('nothing');
  [remote, manager, file, socket, event].forEach((closing) => closing.close());
  machine.restore();
  return [loop, manager, event, file, socket, remote, machine, scheduled, ...tasks];
}

/** Returns all names that prototypes or instances of our classes have, beside likely ones. */
function usedNames(): string[] {
  const objects = [...[...publicClasses.values()].map(({ prototype }) => prototype as object), ...makeInstances()];
  return [...new Set([...LIKELY, ...objects.flatMap((object) => Object.getOwnPropertyNames(object))])];
}

/** How long one scenario may take, in milliseconds; without a fault it takes a few. */
const SCENARIO_LIMIT = 10_000 * TIMEOUT_FACTOR;

/** Returns the names that any of our classes uses and that this one does not declare. */
function undeclaredNames(className: string, alsoDeclared: readonly string[]): string[] {
  const members = [...declaredMembers(className), ...Object.getOwnPropertyNames(Object.prototype), ...alsoDeclared];
  const declared = new Set(members);
  return usedNames().filter((name) => !declared.has(name));
}

/**
 * Runs the scenario of a class, in a worker, with a subclass for each name that any of our classes uses and that this
 * one does not declare: as the name of a field or of a method. Returns what went wrong, by the names.
 */
export async function failuresOf(
  fixture: string,
  className: string,
  kind: 'field' | 'method',
): Promise<Record<string, string>> {
  const names = undeclaredNames(className, []);
  return failuresWith(
    fixture,
    className,
    kind,
    names.map((name) => [name]),
  );
}

/**
 * Does the same with one subclass that has all of these names: a scenario that starts threads would take minutes with
 * each of them. `alsoDeclared` are the names that it has from a class of Node's. Returns what went wrong.
 */
export async function failureTogether(
  fixture: string,
  className: string,
  kind: 'field' | 'method',
  alsoDeclared: readonly string[],
): Promise<string | undefined> {
  const names = undeclaredNames(className, alsoDeclared);
  return Object.values(await failuresWith(fixture, className, kind, [names], 3 * TIME_LIMIT))[0];
}

async function failuresWith(
  fixture: string,
  className: string,
  kind: 'field' | 'method',
  subclasses: readonly (readonly string[])[],
  limit: number = SCENARIO_LIMIT,
): Promise<Record<string, string>> {
  const failures: Record<string, string> = {};
  let worker: WorkerHarness | undefined;
  for (const names of subclasses) {
    worker ??= new WorkerHarness(fixture, {});
    worker.worker.postMessage({ className, names, kind });
    let outcome: string;
    try {
      outcome = await worker.next<string>(limit);
    } catch (error) {
      // The next name has a worker of its own.
      await worker.terminate();
      worker = undefined;
      outcome = String(error);
    }
    if (outcome !== 'passed') {
      failures[names.join(' ')] = outcome;
    }
  }
  await worker?.terminate();
  return failures;
}

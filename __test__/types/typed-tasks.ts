/** What must compile of tasks with types, and what must not. `npm run test:types` compiles it with each TypeScript. */

import { RemoteTaskManager, TaskManager, core } from 'waitable-event';
import type { TaskContext, TaskHandler, TaskManagerHandle, TaskPayload, TaskResult } from 'waitable-event';

interface Handlers {
  add(payload: [number, number]): number;
  load(payload: { path: string }): Promise<Uint8Array>;
  now(): number;
  greet(name?: string): string;
  log(text: string): void;
}

/** Compiles when the two types are the same. */
type Same<A, B> = [A, (value: A) => void] extends [B, (value: B) => void]
  ? [B, (value: B) => void] extends [A, (value: A) => void]
    ? 0 extends 1 & A
      ? false
      : true
    : false
  : false;
function same<A, B>(_isSame: Same<A, B>): void {}

export function define(tasks: TaskManager<Handlers>): void {
  tasks.define('add', ([a, b]) => a + b);
  tasks.define('add', async ([a, b], context) => a + b + context.name.length);
  tasks.define('load', ({ path }) => Promise.resolve(new Uint8Array(path.length)));
  tasks.define('load', ({ path }) => new Uint8Array(path.length));
  tasks.define('now', () => 1);
  tasks.define('now', (_nothing, { manager }) => manager.getTime());
  tasks.define('greet', (name = 'you') => name.toUpperCase());
  // A handler of which no result is wanted may return one.
  tasks.define('log', (text) => text.length);
  tasks.define('log', async (text) => text.length);
  // @ts-expect-error -- no such name
  tasks.define('subtract', () => 1);
  // @ts-expect-error -- another result
  tasks.define('add', ([a, b]) => `${a}${b}`);
  // @ts-expect-error -- another payload
  tasks.define('add', (text: string) => text.length);
  tasks.define('now', (_nothing, { manager }) => {
    // @ts-expect-error -- the manager of the context has the types, too
    manager.schedule('later');
    return 1;
  });
}

export async function produce(tasks: RemoteTaskManager<Handlers>): Promise<void> {
  const sum = await tasks.call('add', [1, 2], { timeout: 5 });
  same<typeof sum, number>(true);
  const bytes = await tasks.call('load', { path: 'x' });
  same<typeof bytes, Uint8Array>(true);
  const loaded = tasks.callSync('load', { path: 'x' });
  same<typeof loaded, Uint8Array>(true);
  const greeting: string = tasks.callSync('greet') + tasks.callSync('greet', 'me') + tasks.callSync('greet', undefined);
  const now: number = tasks.callSync('now') + tasks.callSync('now', undefined, { timeout: 1 });
  const nothing = tasks.callSync('log', greeting);
  same<typeof nothing, void>(true);
  tasks.schedule('add', [1, now], { delta: 1 }).suspend();
  tasks.schedule('now');
  // @ts-expect-error -- no such name
  tasks.schedule('subtract', [1, 2]);
  // @ts-expect-error -- a payload is needed
  tasks.schedule('add');
  // @ts-expect-error -- another payload
  tasks.callSync('add', ['1', '2']);
  // @ts-expect-error -- no payload is taken
  tasks.callSync('now', 1);
  // @ts-expect-error -- no such option
  await tasks.call('add', [1, 2], { delta: 1 });
  // @ts-expect-error -- another result
  const text: string = tasks.callSync('add', [1, 2]);
  same<typeof text, string>(true);
}

export function connect(handle: TaskManagerHandle<Handlers>, anything: TaskManagerHandle): void {
  const inferred = TaskManager.connect(handle);
  same<typeof inferred, RemoteTaskManager<Handlers>>(true);
  const named = TaskManager.connect<Handlers>(anything, { onFull: 'throw' });
  same<typeof named, RemoteTaskManager<Handlers>>(true);
  const untyped = TaskManager.connect(anything);
  same<ReturnType<typeof untyped.getTime>, number>(true);
  const viaFunction: ReturnType<typeof TaskManager.connect> = untyped;
  viaFunction.schedule('anything', { a: 1 });
  const result = untyped.callSync('anything', { a: 1 }, { timeout: undefined });
  same<typeof result, unknown>(true);
  untyped.schedule('anything');
  untyped.schedule('anything', undefined, undefined);
}

export function mix(typed: TaskManager<Handlers>, remote: RemoteTaskManager<Handlers>): unknown[] {
  // A manager with types and one without are the same object.
  const own: TaskManager<Handlers> = core.taskManager;
  const untyped: TaskManager = typed;
  const handle: TaskManagerHandle = typed.handle;
  const back: TaskManagerHandle<Handlers> = handle;
  const plain: RemoteTaskManager = remote;
  // @ts-expect-error -- other handlers
  const other: TaskManager<{ add(text: string): string }> = typed;
  return [own, untyped, back, plain, other];
}

export const payload: TaskPayload<Handlers, 'add'> = [1, 2];
export const result: TaskResult<Handlers, 'load'> = new Uint8Array(1);

/** A program that was written before there were types. */
const handler: TaskHandler = (value: { a: number }, context: TaskContext) => value.a + context.name.length;
core.taskManager.define('name', handler);
core.taskManager.define('name', (value: number) => value);
const name: string = ['a', 'b'].join('');
core.taskManager.schedule(name, { a: 1 }, { delta: 1 });

class Producer extends RemoteTaskManager {
  override schedule(task: string, value?: unknown): ReturnType<RemoteTaskManager['schedule']> {
    return super.schedule(task, value);
  }
}
export { Producer };

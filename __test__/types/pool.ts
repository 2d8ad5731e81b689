/** What must compile of workers that serve and of pools, and what must not. */

import { TaskPool, TaskWorker, parent, serve } from 'waitable-event/pool';

interface Handlers {
  add(payload: [number, number]): number;
  load(path: string): Promise<string>;
  now(): number;
}

export async function worker(): Promise<void> {
  await serve<Handlers>({
    add: ([a, b], context) => a + b + context.name.length,
    load: async (path) => path,
    now: () => parent<Handlers>().callSync('now'),
  });
  // @ts-expect-error -- a handler is missing
  await serve<Handlers>({ add: ([a, b]) => a + b, now: () => 1 });
  // @ts-expect-error -- another result
  await serve<Handlers>({ add: () => 'x', load: (path) => path, now: () => 1 });
  await serve({ anything: (value: number) => value });
}

export async function main(file: URL): Promise<void> {
  const started = new TaskWorker<Handlers>(file, { workerData: 1, concurrency: undefined });
  const sum: number = await (await started.ready).call('add', [1, 2]);
  const text: string = started.readySync(10).callSync('load', 'x');
  const pool = new TaskPool<Handlers>(file, { size: sum, minSize: undefined, capacity: text.length });
  const result: number = await pool.run('add', [1, 2], { priority: 1, signal: new AbortController().signal });
  const now: number = await pool.run('now');
  // @ts-expect-error -- no such name
  await pool.run('subtract', [result, now]);
  // @ts-expect-error -- a payload is needed
  await pool.run('add');
  const untyped: unknown = await new TaskPool('file.js').run('anything', { a: 1 });
  await Promise.all([started.close(), pool.close(), untyped]);
}

/**
 * The async context of a task: what AsyncLocalStorage has where the task is installed is there when the task runs.
 *
 * An AsyncResource keeps it. A resource for each task costs 220 ns, because it lives as long as the task and the
 * garbage collector copies it. A resource that is dropped immediately costs 15 ns. So each install makes one, compares
 * what it holds with the last one that was kept, and drops it if they are equal.
 */

import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks';

const TYPE = 'waitable-event.Task';

/** How this version of Node propagates contexts. */
type Propagation =
  /**
   * By async hooks, which copy them from resource to resource and are enabled while a store is in use: up to Node 22.
   */
  | { readonly by: 'hooks' }
  /** By a frame, an object that is replaced when the context changes; a resource has it in property `key`: Node 24. */
  | { readonly by: 'frame'; readonly key: PropertyKey }
  /** In an unknown way: then each task has a resource of its own. */
  | { readonly by: 'unknown' };

/** Whether hooks have been seen. From then on each task has a resource of its own. */
let isHooked = false;
/** The last resource that was kept. */
let last: AsyncResource | undefined;

/** Detected at the first use. */
let propagation: Propagation | undefined;

/** A resource that keeps an async context; null if the context is empty. */
export type AsyncContext = AsyncResource | null;

/** Returns the context of the caller. */
export function captureContext(): AsyncContext {
  propagation ??= detectPropagation();
  const probe = makeUnhooked();
  if (probe === undefined || propagation.by === 'unknown') {
    return new AsyncResource(TYPE);
  }
  if (propagation.by === 'hooks') {
    // Without hooks the context is empty.
    last ??= probe;
    return null;
  }
  if (last === undefined || read(probe, propagation.key) !== read(last, propagation.key)) {
    last = probe;
  }
  return last;
}

/** Calls `fn(argument)` in a captured context. */
export function runInContext<A, R>(context: AsyncContext, fn: (argument: A) => R, argument: A): R {
  // An empty context is a new one for each call: with hooks, enterWith() writes into the resource.
  return (context ?? makeEmpty()).runInAsyncScope(fn, undefined, argument);
}

function makeEmpty(): AsyncResource {
  // `last` was made when the context was empty, and no code of the user has run in it.
  return makeUnhooked() ?? (last as AsyncResource).runInAsyncScope(make);
}

function make(): AsyncResource {
  return new AsyncResource(TYPE);
}

/** Makes a resource; undefined if there are hooks: then, and only then, Node refuses a resource without a type. */
function makeUnhooked(): AsyncResource | undefined {
  if (isHooked) {
    return undefined;
  }
  try {
    // Passes the default. Without it, Node reads the id from options that are missing, which takes 25 ns.
    return new AsyncResource('', executionAsyncId());
  } catch {
    isHooked = true;
    return undefined;
  }
}

function read(resource: AsyncResource, key: PropertyKey): unknown {
  return (resource as unknown as Record<PropertyKey, unknown>)[key];
}

/** Detects how contexts are propagated, by trying it: none of this is documented. */
function detectPropagation(): Propagation {
  const outside = makeUnhooked();
  if (outside === undefined) {
    return { by: 'unknown' };
  }
  const storage = new AsyncLocalStorage<number>();
  try {
    const [first, again] = storage.run(1, () => [makeUnhooked(), makeUnhooked()]);
    if (first === undefined || again === undefined) {
      // The hooks are those of this storage.
      isHooked = false;
      return { by: 'hooks' };
    }
    const second = storage.run(2, () => new AsyncResource(TYPE));
    const key = Reflect.ownKeys(first).find((name) => {
      const value = read(first, name);
      return value === read(again, name) && value !== read(outside, name) && value !== read(second, name);
    });
    return key === undefined ? { by: 'unknown' } : { by: 'frame', key };
  } finally {
    storage.disable();
  }
}

/**
 * The async context of a task: what AsyncLocalStorage has where the task is installed is there when it runs.
 *
 * An AsyncResource keeps it. One for each task costs 220 ns, because it lives as long as the task and the garbage collector
 * copies it; one that is dropped at once costs 15 ns. So each install makes one, looks whether it holds anything that the last
 * one does not, and drops it when it does not.
 */

import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks';

const TYPE = 'waitable-event.Task';

/** Where this Node keeps the contexts. */
type Keeping =
  /** In the resources, by hooks, which run while anything is to be kept: up to Node 22. */
  | { readonly by: 'hooks' }
  /** In an object that is replaced when the context changes, and that a resource has in this property: Node 24. */
  | { readonly by: 'frame'; readonly key: PropertyKey }
  /** Somewhere else: then there is a resource for each task. */
  | { readonly by: 'unknown' };

/** Once hooks have been seen, each task has a resource of its own. */
let isHooked = false;
/** The last resource that was kept. */
let last: AsyncResource | undefined;

/** Found out at the first use. */
let keeping: Keeping | undefined;

/** What keeps an async context; null when there was nothing to keep. */
export type AsyncContext = AsyncResource | null;

/** The context of the caller. */
export function captureContext(): AsyncContext {
  keeping ??= findKeeping();
  const probe = makeUnhooked();
  if (probe === undefined || keeping.by === 'unknown') {
    return new AsyncResource(TYPE);
  }
  if (keeping.by === 'hooks') {
    // No hooks, so nothing in it.
    last ??= probe;
    return null;
  }
  if (last === undefined || read(probe, keeping.key) !== read(last, keeping.key)) {
    last = probe;
  }
  return last;
}

/** Calls `fn(argument)` in a context that was captured. */
export function runInContext<A, R>(context: AsyncContext, fn: (argument: A) => R, argument: A): R {
  // Without a context, in an empty one that nobody else has: where hooks keep it, enterWith() writes into the resource.
  return (context ?? makeEmpty()).runInAsyncScope(fn, undefined, argument);
}

function makeEmpty(): AsyncResource {
  // `last` was made when nothing was kept, and nobody's code has run in it.
  return makeUnhooked() ?? (last as AsyncResource).runInAsyncScope(make);
}

function make(): AsyncResource {
  return new AsyncResource(TYPE);
}

/** A resource; undefined when hooks would have been told of it: Node refuses one without a type then, and only then. */
function makeUnhooked(): AsyncResource | undefined {
  if (isHooked) {
    return undefined;
  }
  try {
    // The id is what Node would find by itself: reading it from the options it does not have takes Node 25 ns.
    return new AsyncResource('', executionAsyncId());
  } catch {
    isHooked = true;
    return undefined;
  }
}

function read(resource: AsyncResource, key: PropertyKey): unknown {
  return (resource as unknown as Record<PropertyKey, unknown>)[key];
}

/** Tries it out: nothing of this is documented, and what cannot be found is not relied on. */
function findKeeping(): Keeping {
  const outside = makeUnhooked();
  if (outside === undefined) {
    return { by: 'unknown' };
  }
  const storage = new AsyncLocalStorage<number>();
  try {
    const [first, again] = storage.run(1, () => [makeUnhooked(), makeUnhooked()]);
    if (first === undefined || again === undefined) {
      // The hooks were this storage's own.
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

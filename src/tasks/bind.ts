/** Functions with their arguments. */

/** Not where the task is made: it would make a scope for this for each, also for most, which have no arguments. */
export function bind<A extends unknown[]>(fn: (...args: A) => unknown, args: A): () => unknown {
  return () => fn(...args);
}

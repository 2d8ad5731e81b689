/** Functions with their arguments. */

/**
 * Returns a function that calls `fn` with `args`. It is not inlined where tasks are made: most have no arguments, and
 * each would still get a scope for them.
 */
export function bind<A extends unknown[]>(fn: (...args: A) => unknown, args: A): () => unknown {
  return () => fn(...args);
}

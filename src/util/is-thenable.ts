/** Tells whether a value can be awaited, in at most 27 bytes of bytecode: V8 always inlines functions of that size. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- to tsc, an object has no such property
  return typeof value === 'object' && typeof (value as { then?: unknown } | null)?.then === 'function';
}

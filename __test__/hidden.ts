/** What the package keeps under symbols of its own: not for programs, which may use any name in their subclasses. */

/** The member of `object` whose symbol has this description. */
export function hidden(object: object, description: string): unknown {
  for (let at: object | null = object; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    const key = Object.getOwnPropertySymbols(at).find((symbol) => symbol.description === description);
    if (key !== undefined) {
      return (object as Record<symbol, unknown>)[key];
    }
  }
  throw new Error(`There is no member ${description}`);
}

/** Collects the garbage of this thread, now. */
export function collect(): void;

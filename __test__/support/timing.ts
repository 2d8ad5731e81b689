import { TIME_LIMIT } from './threads';

/** Returns what `promise` resolves with. Rejects if that takes longer than `limit` ms. */
export async function within<T>(promise: Promise<T>, what: string, limit: number = TIME_LIMIT): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the milliseconds since `before`, a process.hrtime.bigint(). */
export function since(before: bigint): number {
  return Number(process.hrtime.bigint() - before) / 1e6;
}

/** How many rounds there are on the slowest machine, and for how many milliseconds others may follow. */
const FEWEST_ROUNDS = 20;
const ROUNDS_LIMIT = 10_000;

/** Yields the numbers below `count`; fewer of them on a machine that is busy. */
export function* rounds(count: number): Generator<number, void, void> {
  const start = process.hrtime.bigint();
  for (let round = 0; round < count && (round < FEWEST_ROUNDS || since(start) < ROUNDS_LIMIT); round += 1) {
    yield round;
  }
}

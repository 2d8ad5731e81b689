/** No test asserts how long something takes: this is when a hang becomes a failure. */
export const DEADLINE = 60_000;

/** Resolves as soon as the condition holds. Rejects with what is missing after the deadline. */
export async function until(what: string, condition: () => unknown, deadline = DEADLINE): Promise<void> {
  const end = performance.now() + deadline;
  while (!(await condition())) {
    if (performance.now() >= end) throw new Error(`Not within ${deadline} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves as the promise does, or rejects after the deadline. */
export async function inTime<T>(what: string, promise: Promise<T>, deadline = DEADLINE): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Not within ${deadline} ms: ${what}`)), deadline);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the wall clock with fractions. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

import { afterEach } from '@jest/globals';

const cleanUps: (() => unknown)[] = [];

// Applies to every test file that loads this one.
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    await cleanUp();
  }
});

/** Calls `cleanUp` when the test is over; the last one that was passed is called first. */
export function finallyDo(cleanUp: () => unknown): void {
  cleanUps.push(cleanUp);
}

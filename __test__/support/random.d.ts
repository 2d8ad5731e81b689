// The types of random.js, which programs outside of jest load as it is.

/** Returns a generator of numbers from 0 to 1, the same for the same seed. */
export function makeRandom(seed: number): () => number;

'use strict';

/** Returns a generator (mulberry32) of numbers from 0 to 1, the same for the same seed: a failure can be repeated. */
function makeRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

module.exports = { makeRandom };

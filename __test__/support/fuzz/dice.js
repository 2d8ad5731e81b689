'use strict';

const { makeRandom } = require('../random');

/** Random choices, the same for the same seed. */
class Dice {
  #random;

  constructor(seed) {
    this.#random = makeRandom(seed);
  }

  /** Returns an integer from 0 to `count` - 1. */
  below(count) {
    return Math.floor(this.#random() * count);
  }

  /** Returns true with this probability. */
  chance(probability) {
    return this.#random() < probability;
  }

  pick(values) {
    return values[this.below(values.length)];
  }

  /** Returns one of the keys of `weights`, with a probability proportional to its value. */
  weighted(weights) {
    const entries = Object.entries(weights);
    let left = this.#random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) {
        return key;
      }
    }
    return entries[0][0];
  }

  /** Returns some of `values`, in random order. */
  sample(values, count) {
    const left = [...values];
    const taken = [];
    while (taken.length < count && left.length > 0) {
      taken.push(...left.splice(this.below(left.length), 1));
    }
    return taken;
  }

  /** Returns the seed of another thread's dice. */
  seed() {
    return this.below(2 ** 31);
  }
}

module.exports = { Dice };

// The types of dice.js.

/** Random choices, the same for the same seed. */
export class Dice {
  constructor(seed: number);
}

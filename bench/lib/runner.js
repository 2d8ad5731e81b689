'use strict';
/**
 * Runs a comparison. Its contenders take turns, round by round, so that other work of the machine affects them alike.
 */

const { open } = require('./processes');
const { Skipped } = require('./skipped');

/** Milliseconds after which a contender counts as hung, in its start and in a round. */
const DEADLINE = 30_000;

/** Number of operations of a round: the first one, at least, and at most. */
const FIRST = 100;
const FEWEST = 10;
const MOST = 4_000_000;

/** Maximum factor from one round's number of operations to the next one's. */
const FASTEST_GROWTH = 8;

/**
 * One contender: its samples, round by round, or the reason why there are none.
 */
class Participant {
  rounds = [];
  skipped = undefined;
  failed = undefined;
  #process = undefined;

  constructor(comparison, contender, core, extent) {
    this.comparison = comparison;
    this.contender = contender;
    this.core = core;
    this.extent = extent;
  }

  get out() {
    return this.skipped !== undefined || this.failed !== undefined;
  }

  /** Starts the process, and lets it warm up. */
  async start() {
    await this.#try(async () => {
      this.#process = await open(this.comparison.file, this.contender, this.core, DEADLINE);
      this.count = this.comparison.count?.(this.extent);
      await (this.count === undefined ? this.#calibrate() : this.#warmUp());
    });
  }

  /** Runs one round that counts. */
  async round() {
    await this.#try(async () => this.rounds.push(await this.#process.round(this.count, DEADLINE)));
  }

  async end() {
    await this.#process?.end();
    this.#process = undefined;
  }

  /** Runs rounds that do not count. */
  async #warmUp() {
    // If a round does a lot, one is enough.
    for (let left = this.comparison.warmUps ?? this.extent.warmUps; left > 0; left -= 1) {
      await this.#process.round(this.count, DEADLINE);
    }
  }

  /**
   * Warms up, and finds how many operations fill a round's time. The first rounds are slow, so each one gives the size
   * of the next.
   */
  async #calibrate() {
    const { warmUps } = this.extent;
    const roundTime = Math.max(this.extent.roundTime, this.comparison.leastRoundTime ?? 0);
    this.count = FIRST;
    for (let left = warmUps; left > 0;) {
      const before = performance.now();
      await this.#process.round(this.count, DEADLINE);
      const took = performance.now() - before;
      if (took > roundTime / 2 || this.count === MOST) {
        left -= 1;
      }
      const next = Math.round(this.count * Math.min(FASTEST_GROWTH, roundTime / took));
      this.count = Math.min(MOST, Math.max(FEWEST, next));
    }
  }

  async #try(step) {
    if (this.out) {
      return;
    }
    try {
      await step();
    } catch (error) {
      this[error instanceof Skipped ? 'skipped' : 'failed'] = error.message;
      await this.end();
    }
  }
}

/** Returns how many steps of progress `compare()` reports. */
function stepsOf(comparison, extent) {
  return roundsOf(comparison, extent) * comparison.contenders.length;
}

function roundsOf(comparison, extent) {
  const rounds = Math.max(extent.rounds, comparison.leastRounds?.(extent) ?? 0);
  return Math.min(rounds, comparison.mostRounds?.(extent) ?? Infinity);
}

/** Runs the comparison on one core, or on all if `core` is undefined. Resolves with its participants. */
async function compare(comparison, core, extent, progress) {
  const rounds = roundsOf(comparison, extent);
  const generations = Math.min(comparison.generations ?? extent.generations, rounds);
  const participants = comparison.contenders.map((one) => new Participant(comparison, one, core, extent));
  for (let generation = 0; generation < generations; generation += 1) {
    try {
      for (const participant of participants) {
        await participant.start();
      }
      const until = Math.round((rounds * (generation + 1)) / generations);
      for (let round = Math.round((rounds * generation) / generations); round < until; round += 1) {
        // Each contender is the first one in turn.
        const first = round % participants.length;
        for (const participant of [...participants.slice(first), ...participants.slice(0, first)]) {
          await participant.round();
          progress();
        }
      }
    } finally {
      await Promise.all(participants.map((participant) => participant.end()));
    }
  }
  return participants;
}

module.exports = { compare, stepsOf };

'use strict';
/** Statistics of the samples. */

const { median, quantileSorted, sampleWithReplacement } = require('simple-statistics');

/** Number of times that the rounds are drawn anew for a confidence range. */
const RESAMPLES = 2000;

/** Percentiles from which a distribution is drawn. */
const PERCENTILES = [...Array.from({ length: 99 }, (_, index) => index + 1), 99.5, 99.9];

/** Returns the range in which the median lies with 95 % confidence: bootstrap over the rounds. */
function confidence(values) {
  const drawn = Array.from({ length: RESAMPLES }, () => median(sampleWithReplacement(values, values.length)));
  const sorted = drawn.toSorted((a, b) => a - b);
  return [quantileSorted(sorted, 0.025), quantileSorted(sorted, 0.975)];
}

/** Returns the median of each round. */
function medians(rounds) {
  return rounds.map((samples) => quantileSorted(samples.toSorted(), 0.5));
}

/** Returns the median of the rounds' medians, with its range, and the percentiles of all samples together. */
function summarise(rounds) {
  const all = Float64Array.from(rounds.flatMap((samples) => [...samples])).toSorted();
  const perRound = medians(rounds);
  const at = (percent) => quantileSorted(all, percent / 100);
  return {
    samples: all.length,
    p50: median(perRound),
    p90: at(90),
    p99: at(99),
    confidence: confidence(perRound),
    perRound,
    percentiles: Object.fromEntries(PERCENTILES.map((percent) => [percent, at(percent)])),
  };
}

/** Returns the quotient of two contenders, round by round: the median and its range. */
function quotient(above, below) {
  const values = above.perRound.map((value, round) => value / below.perRound[round]);
  return { value: median(values), confidence: confidence(values) };
}

module.exports = { quotient, summarise };

'use strict';
/** Says whether several runs agree on which targets are met. */

const { resultText, targetText } = require('./format');
const { columns, targetName, targetsOf } = require('./table');

/** Returns the results of all targets by their keys, each with the name of what it was pinned to. */
function resultsOf(run) {
  const results = new Map();
  for (const [key, { comparison, target, results: byPin }] of targetsOf(run)) {
    for (const [pin, result] of Object.entries(byPin)) {
      if (result !== undefined) {
        results.set(`${key} ${pin}`, { comparison, target, pin, result });
      }
    }
  }
  return results;
}

/** Returns whether the 95 % range of a result contains its target: the next run may find it on the other side. */
function isAtTarget({ atMost, atLeast }, { confidence }) {
  const bound = atLeast ?? atMost;
  return Math.min(...confidence) <= bound && bound <= Math.max(...confidence);
}

/**
 * Compares runs, result by result. Returns the number of results that each run has, and those that differ: one run
 * meets the target, and another misses it. `isContradiction` says that both are sure: the target lies in the range of
 * neither.
 */
function agreement(runs) {
  const [first, ...others] = runs.map(resultsOf);
  const common = [...first].filter(([key]) => others.every((run) => run.has(key)));
  const differing = [];
  for (const [key, { comparison, target, pin }] of common) {
    const results = [first, ...others].map((run) => run.get(key).result);
    if (new Set(results.map(({ met }) => met)).size > 1) {
      const sure = results.filter((result) => !isAtTarget(target, result));
      const isContradiction = new Set(sure.map(({ met }) => met)).size > 1;
      differing.push({ comparison, target, pin, results, isContradiction });
    }
  }
  return { count: common.length, differing };
}

/** Returns what `agreement()` has found in so many runs, as text. */
function agreementText(runs, { count, differing }) {
  const contradictions = differing.filter(({ isContradiction }) => isContradiction).length;
  const atTarget = differing.length - contradictions;
  const rows = differing.map(({ comparison: { name, show }, target, pin, results, isContradiction }) => {
    const text = (value) => resultText(show, target, value);
    const figures = results.map(({ value, confidence, met }, index) => [
      `run${index + 1}`,
      `${text(value)} (${confidence.map(text).join(' … ')}) ${met ? 'met' : 'missed'}`,
    ]);
    return {
      verdict: isContradiction ? 'contradiction' : 'at its target',
      row: target.row,
      name,
      what: targetName(target),
      pin,
      target: targetText(show, target),
      ...Object.fromEntries(figures),
    };
  });
  const headings = { verdict: '', row: 'Row', name: 'Comparison', what: 'What', pin: 'Pinned to', target: 'Target' };
  const ofRuns = Object.fromEntries(
    Array.from({ length: runs }, (_, index) => [`run${index + 1}`, `Run ${index + 1}`]),
  );
  const lines = rows.length === 0 ? [] : [...columns({ ...headings, ...ofRuns }, rows), ''];
  lines.push(
    `${runs} runs have ${count} results in common. On the same side of the target in each run: ` +
      `${count - differing.length}. At the target, which lies in the 95 % range of a run that differs: ${atTarget}. ` +
      `Contradictions: ${contradictions}.`,
  );
  return lines.join('\n');
}

module.exports = { agreement, agreementText };

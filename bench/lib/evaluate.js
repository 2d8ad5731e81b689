'use strict';
/** Evaluates a comparison: figures for each contender, and a ratio for each target. */

const { quotient, summarise } = require('./statistics');

/**
 * Returns the value and range of a target, and whether the value meets it. A target is `atMost` times the cost of a
 * peer, or `atLeast` times as fast as the peer. Without a peer it is `atMost` a figure.
 */
function judge(target, figures) {
  const ours = figures.get(target.ours);
  if (target.against === undefined) {
    return ours && judged(target, { value: ours.p50, confidence: ours.confidence });
  }
  const peer = figures.get(target.against);
  if (!ours || !peer) {
    return undefined;
  }
  return judged(target, target.atLeast === undefined ? quotient(ours, peer) : quotient(peer, ours));
}

/** Returns the result of a target, with that of its limit: the contender that does the least that anything must do. */
function judgeBoth(target, figures) {
  const result = judge(target, figures);
  const limit = target.limit === undefined ? undefined : judge({ ...target, ours: target.limit }, figures);
  return result && { ...result, limit };
}

function judged(target, { value, confidence }) {
  return { value, confidence, met: target.atLeast === undefined ? value <= target.atMost : value >= target.atLeast };
}

/**
 * Returns what a participant measured: its name and its rounds. A contender with `parts` measures several things in the
 * same rounds. `parts` has the name for each.
 */
function partsOf({ contender: { name, parts }, rounds }) {
  return parts === undefined
    ? [{ name, rounds }]
    : Object.entries(parts).map(([part, own]) => ({ name: own, rounds: rounds.map((round) => round[part]) }));
}

/** Returns plain data, which is written to results/. */
function evaluate({ name, title, text, show, chart, drawn, axis, targets }, pin, participants) {
  const figures = new Map();
  const contenders = participants.flatMap((participant) => {
    const { contender, skipped, failed, count } = participant;
    const described = { name: contender.name, ours: contender.ours, kind: contender.kind, x: contender.x };
    if (skipped !== undefined || failed !== undefined) {
      return [{ ...described, skipped, failed }];
    }
    return partsOf(participant).map((part) => {
      const summary = summarise(part.rounds);
      figures.set(part.name, summary);
      return { ...described, name: part.name, operations: count, ...summary };
    });
  });
  return {
    name,
    title,
    text,
    show,
    chart,
    drawn,
    axis,
    pin,
    contenders,
    targets: targets.map((target) => ({ ...target, result: judgeBoth(target, figures) })),
  };
}

module.exports = { evaluate };

'use strict';
/** The tables of a run. */

const { figure, resultText, targetText } = require('./format');

/** Returns the targets of a run, by keys: each once, with its results on one core and on all of them. */
function targetsOf(run) {
  const targets = new Map();
  for (const comparison of run.comparisons) {
    for (const target of comparison.targets) {
      const key = JSON.stringify([target.row, comparison.name, target.ours, target.against]);
      const entry = targets.get(key) ?? { comparison, target, results: {} };
      entry.results[comparison.pin] = target.result;
      targets.set(key, entry);
    }
  }
  return targets;
}

/** Returns what a target compares. */
function targetName({ ours, against }) {
  return against === undefined ? ours : `${ours} : ${against}`;
}

/** The verdicts, in the order of the table. */
const [MISSED, ON_ALL_CORES, ON_ONE_CORE, NOT_MEASURED, MET] = [
  'missed',
  'met on all cores',
  'met on one core',
  'not measured',
  'met',
];
const VERDICTS = [MISSED, ON_ALL_CORES, ON_ONE_CORE, NOT_MEASURED, MET];

/** Returns the verdict of the results on one core and on all of them. Either may be missing. */
function verdictOf(one, all) {
  const results = [one, all].filter((result) => result !== undefined);
  if (results.length === 0) {
    return NOT_MEASURED;
  }
  if (results.every(({ met }) => met)) {
    return MET;
  }
  return one?.met ? ON_ONE_CORE : all?.met ? ON_ALL_CORES : MISSED;
}

/** Returns whether a target is not met, and its limit does not meet it either, on one core and on all of them. */
function isOutOfReach(one, all) {
  const verdicts = [verdictOf(one, all), verdictOf(one?.limit, all?.limit)];
  return verdicts.every((verdict) => ![MET, NOT_MEASURED].includes(verdict));
}

/** Returns the cells of the table of targets, missed ones first. If one has no figure, the list below says why. */
function targetRows(run) {
  const rows = Array.from(targetsOf(run).values(), ({ comparison: { name, show }, target, results }) => {
    const { 'one core': one, 'all cores': all } = results;
    const text = (result) => (result ? resultText(show, target, result.value) : '–');
    const judged = one ?? all;
    const limits = [one, all].filter((result) => result?.limit !== undefined);
    return {
      verdict: verdictOf(one, all),
      row: target.row,
      name,
      what: targetName(target),
      one: text(one),
      range: judged ? judged.confidence.map((value) => resultText(show, target, value)).join(' … ') : '–',
      all: text(all),
      target: targetText(show, target),
      limit: limits.length === 0 ? '–' : limits.map((result) => text(result.limit)).join(' / '),
      isOutOfReach: isOutOfReach(one, all),
    };
  });
  return rows.toSorted((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict) || a.row - b.row);
}

/** Returns the result of a run in one sentence: `41 of 43 targets are met.` */
function sentence(run) {
  const rows = targetRows(run);
  const count = (...verdicts) => rows.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const outOfReach = rows.filter((row) => row.isOutOfReach).length;
  const others = [
    [count(MISSED), (number) => `${number} missed`],
    [count(ON_ONE_CORE), (number) => `${number} met on one core alone`],
    [count(ON_ALL_CORES), (number) => `${number} met on all cores alone`],
    [count(NOT_MEASURED), (number) => `${number} not measured`],
  ].filter(([number]) => number > 0);
  const rest = others.length === 0 ? '' : ` (${others.map(([number, say]) => say(number)).join(', ')})`;
  const limits =
    outOfReach === 0 ? '' : ` Of the others, ${outOfReach} are out of reach: their limit misses them, too.`;
  return `${count(MET)} of ${rows.length} targets are met${rest}.${limits}`;
}

/** Returns the line with the reason, from the last output of a process. The file in results/ has all of it. */
function firstReason(text) {
  const lines = text.split('\n');
  return lines.find((line) => /^\S*Error\b/.test(line)) ?? lines[0];
}

/** Returns one line about all contenders that were skipped: `Skipped: BACpypes (the reason).` */
function skippedLine(run) {
  const reasons = new Map();
  for (const { contenders } of run.comparisons) {
    for (const { name, skipped } of contenders) {
      if (skipped !== undefined) {
        reasons.set(skipped, (reasons.get(skipped) ?? new Set()).add(name.split(',')[0]));
      }
    }
  }
  const parts = [...reasons].map(([reason, names]) => `${[...names].join(', ')} (${reason})`);
  return parts.length === 0 ? [] : [`Skipped: ${parts.join('; ')}.`];
}

/** Returns the cells of the table of figures, and lines about the contenders without figures. */
function figureRows(run) {
  const rows = [];
  const missing = new Set(skippedLine(run));
  for (const { title, pin, show, contenders } of run.comparisons) {
    for (const { name, skipped, failed, ...summary } of contenders) {
      if (failed !== undefined) {
        missing.add(`${title}, ${pin}: ${name} FAILED: ${firstReason(failed)}`);
      } else if (skipped === undefined) {
        const [p50, p90, p99] = [summary.p50, summary.p90, summary.p99].map((value) => figure(show, value));
        // The smaller figure comes first: rates are the reciprocals of what is kept.
        const [from, to] = show === 'rate' ? summary.confidence.toReversed() : summary.confidence;
        const range = `${figure(show, from)} … ${figure(show, to)}`;
        rows.push({ title, pin, name, p50, range, p90, p99 });
      }
    }
  }
  return { rows, missing: [...missing] };
}

const TARGET_HEADINGS = {
  verdict: '',
  row: 'Row',
  name: 'Comparison',
  what: 'What',
  one: 'One core',
  range: '95 % confidence',
  all: 'All cores',
  target: 'Target',
  limit: 'Limit',
};
const FIGURE_HEADINGS = { name: '', p50: 'p50', range: '95 % confidence', p90: 'p90', p99: 'p99' };

/** Returns lines of aligned columns. */
function columns(headings, rows) {
  const keys = Object.keys(headings);
  const all = [headings, ...rows];
  const widths = keys.map((key) => Math.max(...all.map((row) => row[key].length)));
  return all.map((row) =>
    keys
      .map((key, index) => row[key].padEnd(widths[index]))
      .join('  ')
      .trimEnd(),
  );
}

/** Returns all of a run, as text. */
function table(run) {
  const { rows, missing } = figureRows(run);
  const titles = [...new Set(rows.map(({ title, pin }) => `${title} (${pin})`))];
  const figures = columns(FIGURE_HEADINGS, rows);
  const lines = [];
  for (const title of titles) {
    const own = figures.filter(
      (_, index) => index > 0 && `${rows[index - 1].title} (${rows[index - 1].pin})` === title,
    );
    lines.push(title, ...[figures[0], ...own].map((line) => `  ${line}`), '');
  }
  lines.push(...columns(TARGET_HEADINGS, targetRows(run)), '', sentence(run));
  if (missing.length > 0) {
    lines.push('', ...missing);
  }
  return lines.join('\n');
}

module.exports = {
  FIGURE_HEADINGS,
  TARGET_HEADINGS,
  columns,
  figureRows,
  sentence,
  table,
  targetName,
  targetRows,
  targetsOf,
};

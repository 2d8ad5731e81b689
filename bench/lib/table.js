'use strict';
/** The tables of a run. */

const { figure, resultText, targetText } = require('./format');

/** Returns the targets of a run: each once, with its results on one core and on all of them. */
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
  return [...targets.values()];
}

/** Returns the cells of the table of targets. If one of the two has no figure, the list below says why. */
function targetRows(run) {
  return targetsOf(run).map(({ comparison: { name, show }, target, results }) => {
    const { 'one core': one, 'all cores': all } = results;
    const text = (result) => (result ? resultText(show, target, result.value) : '–');
    const judged = one ?? all;
    return {
      row: target.row,
      name,
      what: target.against === undefined ? target.ours : `${target.ours} : ${target.against}`,
      one: text(one),
      range: judged ? judged.confidence.map((value) => resultText(show, target, value)).join(' … ') : '–',
      all: text(all),
      target: targetText(show, target),
      verdict: judged ? (judged.met ? 'met' : 'missed') : 'not measured',
    };
  });
}

/** Returns the line with the reason, from the last output of a process. The file in results/ has all of it. */
function firstReason(text) {
  const lines = text.split('\n');
  return lines.find((line) => /^\S*Error\b/.test(line)) ?? lines[0];
}

/** Returns the cells of the table of figures, and a line for each contender without figures. */
function figureRows(run) {
  const rows = [];
  const missing = new Set();
  for (const { title, pin, show, contenders } of run.comparisons) {
    for (const { name, skipped, failed, ...summary } of contenders) {
      if (failed !== undefined) {
        missing.add(`${title}, ${pin}: ${name} FAILED: ${firstReason(failed)}`);
      } else if (skipped !== undefined) {
        missing.add(`${title}: ${name} was skipped: ${skipped}`);
      } else {
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
  row: 'Row',
  name: 'Comparison',
  what: 'What',
  one: 'One core',
  range: '95 % confidence',
  all: 'All cores',
  target: 'Target',
  verdict: '',
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
  lines.push(...columns(TARGET_HEADINGS, targetRows(run)));
  if (missing.length > 0) {
    lines.push('', ...missing);
  }
  return lines.join('\n');
}

module.exports = { FIGURE_HEADINGS, TARGET_HEADINGS, figureRows, table, targetRows };

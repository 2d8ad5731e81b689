import { spawnSync } from 'node:child_process';

import { expect, test } from '@jest/globals';

import { root } from '../support/files';

/** Runs a function body in a process, where it may require what the benchmarks consist of. Returns its result. */
function evaluate(body: string): unknown {
  const program = `process.stdout.write(JSON.stringify((() => {${body}})()));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { cwd: root, encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** A run with a target for each verdict, and contenders that were skipped. */
const RUN = `
  const result = (met) => met === undefined ? undefined : { value: 2, confidence: [1, 3], met };
  const comparison = (pin, verdicts) => ({
    name: 'one', title: 'One', show: 'time', pin,
    contenders: [
      { name: 'peer, 1 worker', skipped: 'it is not installed' },
      { name: 'peer, 2 workers', skipped: 'it is not installed' },
      { name: 'other', failed: 'Error: broken\\n  at a line' },
    ],
    targets: verdicts.map((met, index) => (
      { row: String(9 + index), ours: 'ours', against: 'peer', atMost: 1, result: result(met) })),
  });
  const run = { comparisons: [
    comparison('one core', [true, true, false, false, undefined, false]),
    comparison('all cores', [true, false, true, false, undefined, undefined]),
  ] };
`;

test('targets are listed with their verdicts, missed ones first', () => {
  const rows = evaluate(
    `${RUN} return require('./bench/lib/table').targetRows(run).map((row) => [row.row, row.verdict])`,
  );
  expect(rows).toEqual([
    ['12', 'missed'],
    ['14', 'missed'],
    ['11', 'met on all cores'],
    ['10', 'met on one core'],
    ['13', 'not measured'],
    ['9', 'met'],
  ]);
});

test('one sentence says how many targets are met', () => {
  expect(evaluate(`${RUN} return require('./bench/lib/table').sentence(run)`)).toBe(
    '1 of 6 targets are met (2 missed, 1 met on one core alone, 1 met on all cores alone, 1 not measured).',
  );
});

test('a target is out of reach if its limit does not meet it either', () => {
  const found = evaluate(`${RUN}
    const [one, all] = run.comparisons;
    const limit = (met) => ({ value: 1.5, confidence: [1, 2], met });
    // The limit meets it nowhere, on one core, on all, and wherever it was measured.
    [one, all].forEach(({ targets }) => { targets[2].result.limit = limit(false); });
    [one, all].forEach(({ targets }, index) => { targets[3].result.limit = limit(index === 0); });
    [one, all].forEach(({ targets }, index) => { targets[1].result.limit = limit(index === 1); });
    one.targets[5].result.limit = limit(true);
    const { sentence, targetRows } = require('./bench/lib/table');
    const rows = targetRows(run).map((row) => [row.row, row.limit, row.isOutOfReach]);
    return [rows, sentence(run).replace(/.*\\). /, '')];
  `);
  expect(found).toEqual([
    [
      ['12', '1.50 × / 1.50 ×', true],
      ['14', '1.50 ×', false],
      ['11', '1.50 × / 1.50 ×', true],
      ['10', '1.50 × / 1.50 ×', true],
      ['13', '–', false],
      ['9', '–', false],
    ],
    'Of the others, 3 are out of reach: their limit misses them, too.',
  ]);
});

test('the limit of a target is the same quotient for another contender', () => {
  expect(
    evaluate(`
    // Without the library for statistics, which is installed for the benchmarks alone.
    const id = require.resolve('./bench/lib/statistics');
    const summarise = ([[p50]]) => ({ p50, confidence: [p50, p50] });
    const quotient = (above, below) => ({ value: above.p50 / below.p50, confidence: [0, 0] });
    require.cache[id] = { id, filename: id, loaded: true, exports: { summarise, quotient } };
    const { evaluate } = require('./bench/lib/evaluate');
    const participant = (name, value) => ({ contender: { name }, rounds: [[value]], count: 1 });
    const participants = [participant('peer', 4), participant('ours', 8), participant('least', 2)];
    const target = { row: '1', ours: 'ours', limit: 'least' };
    const targets = [{ ...target, against: 'peer', atMost: 1 }, { ...target, against: 'peer', atLeast: 3 }, { ...target, atMost: 5 }];
    return evaluate({ name: 'one', targets }, 'one core', participants).targets.map(
      ({ result }) => [result.value, result.met, result.limit.value, result.limit.met]);
  `),
  ).toEqual([
    [2, false, 0.5, true],
    [0.5, false, 2, false],
    [8, false, 2, true],
  ]);
});

test('what was skipped is one line, and what failed is one for each contender', () => {
  expect(evaluate(`${RUN} return require('./bench/lib/table').figureRows(run).missing`)).toEqual([
    'Skipped: peer (it is not installed).',
    'One, one core: other FAILED: Error: broken',
    'One, all cores: other FAILED: Error: broken',
  ]);
});

test.each(['number', 'record', 'json', 'structuredClone'])(
  'the ring of the benchmarks carries values in order: %s',
  (codec) => {
    const counts = evaluate(`
    const { openRing } = require('./bench/lib/js-ring');
    const areNumbers = ['number', 'record'].includes('${codec}');
    const reader = openRing('${codec}');
    const writer = openRing('${codec}', reader.memory);
    let [wakes, read, isInOrder] = [0, 0, true];
    for (let written = 0; written < 100_000; ) {
      for (let left = 1 + (written % 700); left > 0; left -= 1, written += 1) {
        const text = 'ä'.repeat(written % 40);
        writer.push(areNumbers ? written : { written, text }, () => { wakes += 1; });
      }
      reader.drain((value) => {
        isInOrder &&= (areNumbers ? value : value.written) === read;
        isInOrder &&= areNumbers || value.text === 'ä'.repeat(read % 40);
        read += 1;
      });
    }
    return { isInOrder, isEachSleepWokenOnce: wakes < read / 10, isAllRead: read >= 100_000 };
  `);
    expect(counts).toEqual({ isInOrder: true, isEachSleepWokenOnce: true, isAllRead: true });
  },
);

/** Runs of one target, at most 1, each with the value and range of its result. */
const AGREEMENT = `
  const runs = (...results) => results.map(([value, ...confidence]) => ({ comparisons: [{
    name: 'one', show: 'time', pin: 'one core', contenders: [],
    targets: [{ row: '9', ours: 'ours', against: 'peer', atMost: 1, result: { value, confidence, met: value <= 1 } }],
  }] }));
  const { agreement, agreementText } = require('./bench/lib/agreement');
  const found = (...results) => {
    const { count, differing } = agreement(runs(...results));
    return [count, differing.map(({ isContradiction }) => isContradiction)];
  };
`;

test('runs agree on a target that each meets, or each misses', () => {
  expect(
    evaluate(`${AGREEMENT} return [found([0.5, 0.4, 0.6], [0.9, 0.8, 1.1]), found([2, 1, 3], [4, 3, 5])]`),
  ).toEqual([
    [1, []],
    [1, []],
  ]);
});

test('runs that differ lie at the target if its range has it, and contradict each other if two are sure', () => {
  const one = [0.9, 0.8, 0.95];
  const other = [1.3, 1.2, 1.4];
  const unsure = [1.1, 0.9, 1.4];
  expect(
    evaluate(`${AGREEMENT} return [${JSON.stringify([one, unsure])}, ${JSON.stringify([unsure, other, one])}]
    .map((results) => found(...results))`),
  ).toEqual([
    [1, [false]],
    [1, [true]],
  ]);
});

test('a result that one run has not is not compared', () => {
  expect(
    evaluate(`${AGREEMENT}
      const [one, other] = runs([1, 1, 1], [2, 2, 2]);
      other.comparisons[0].pin = 'all cores';
      return agreement([one, other]);
    `),
  ).toEqual({ count: 0, differing: [] });
});

test('runs that contradict each other are listed with their figures', () => {
  const text = evaluate(
    `${AGREEMENT} return agreementText(2, agreement(runs([0.9, 0.8, 0.95], [1.3, 1.2, 1.4])))`,
  ) as string;
  expect(text.split('\n')[1]).toMatch(
    /^contradiction {2}9 .* ours : peer .* 0\.900 × \(0\.800 × … 0\.950 ×\) met {2}1\.30 × \(1\.20 × … 1\.40 ×\) missed$/,
  );
  expect(text.split('\n').at(-1)).toBe(
    '2 runs have 1 results in common. On the same side of the target in each run: 0. At the target, which lies in the ' +
      '95 % range of a run that differs: 0. Contradictions: 1.',
  );
});

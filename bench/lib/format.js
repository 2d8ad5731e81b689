'use strict';
/** Formats figures for people. */

/** Formats a value with three significant digits, without an exponent. */
function digits(value) {
  if (value === 0) {
    return '0';
  }
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 3));
}

function scaled(value, units) {
  const [factor, unit] = units.find(([least]) => value >= least) ?? units.at(-1);
  return `${digits(value / factor)} ${unit}`;
}

const UNITS = {
  time: [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  bytes: [
    [1e6, 'MB'],
    [1e3, 'kB'],
    [1, 'B'],
  ],
  rate: [
    [1e6, 'M/s'],
    [1e3, 'k/s'],
    [1, '/s'],
  ],
};

/** Formats a round figure, for an axis. */
function tick(show, value) {
  return figure(show, value).replace(/\.0+ /, ' ');
}

/** Formats a sample as its comparison shows it. Rates are kept as nanoseconds each. */
function figure(show, value) {
  switch (show) {
    case 'count':
      return digits(value);
    case 'rate':
      return scaled(1e9 / value, UNITS.rate);
    default:
      return scaled(value, UNITS[show]);
  }
}

/** Formats a target: `≤ 1.3 ×`, `≥ 10 ×`, `≤ 10 ms`. */
function targetText(show, { atMost, atLeast, against }) {
  if (atLeast !== undefined) {
    return `≥ ${atLeast} ×`;
  }
  return against === undefined ? `≤ ${figure(show, atMost)}` : `≤ ${atMost} ×`;
}

/** Formats the ratio of a target, or its figure. */
function resultText(show, { against }, value) {
  return against === undefined ? figure(show, value) : `${digits(value)} ×`;
}

module.exports = { figure, resultText, targetText, tick };

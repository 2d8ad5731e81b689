'use strict';
/** Writes to standard error: a progress bar if it is a terminal, messages, and the summary at the end. */

const { Presets, SingleBar } = require('cli-progress');

const { PROGRAM, formatBytes, formatCount, formatLatency } = require('./format');

const BAR_OPTIONS = {
  stream: process.stderr,
  barsize: 20,
  clearOnComplete: true,
  formatValue: (value, _options, type) => (type === 'percentage' ? value.padStart(3) : formatCount(value)),
};

class Report {
  #enabled;
  #bar;
  /** Values that the bar shows. */
  #total = 0;
  #value = 0;
  #payload = {};
  #startedAt = 0;

  /** @param progress whether to show a progress bar if standard error is a terminal */
  constructor(progress) {
    this.#enabled = progress;
    // A message without a reader is no reason to fail.
    process.stderr.on('error', () => {});
    // A bar that is not stopped leaves the terminal with its line wrapping off.
    process.on('exit', () => this.#hideBar());
  }

  scanning() {
    this.#useBar('scanning… {value} files', 0);
  }

  hashing(files) {
    this.#useBar('{bar} {percentage}% | {value}/{total} files | {bytes} | {rate}/s', files);
  }

  /** Shows how many files were found or hashed, and how many bytes they had. */
  update(files, bytes = 0) {
    const seconds = Math.max(1, performance.now() - this.#startedAt) / 1000;
    this.#value = files;
    this.#payload = { bytes: formatBytes(bytes), rate: formatBytes(bytes / seconds) };
    this.#bar?.update(this.#value, this.#payload);
  }

  message(text) {
    this.aside(() => process.stderr.write(`${PROGRAM}: ${text}\n`));
  }

  /** Calls `write()`, which writes whole lines, above the bar. */
  aside(write) {
    this.#hideBar();
    write();
    this.#showBar();
  }

  /** Removes the bar for good. */
  close() {
    this.#hideBar();
    this.#bar = undefined;
  }

  /** Writes the summary: what was done, and how often the main thread was woken for it. */
  summary({ hashed, found, unreadable, bytes, milliseconds, tasks }) {
    const { wakeUps, wakeUpsSaved, wakeUpLatency } = tasks;
    const latency = (percentile) => formatLatency(wakeUpLatency.percentile(percentile));
    const rows = [
      ['files', hashed === found ? formatCount(found) : `${formatCount(hashed)} of ${formatCount(found)}`],
      ['unreadable', formatCount(unreadable)],
      ['bytes', `${formatBytes(bytes)} (${formatCount(bytes)})`],
      ['time', `${(milliseconds / 1000).toFixed(2)} s`],
      ['throughput', `${(bytes / 1000 / milliseconds).toFixed(1)} MB/s`],
      ['wake-ups', formatCount(wakeUps)],
      ['results per wake-up', wakeUps > 0 ? ((wakeUps + wakeUpsSaved) / wakeUps).toFixed(1) : '-'],
      ['wake-up latency p50', wakeUps > 0 ? latency(50) : '-'],
      ['wake-up latency p99', wakeUps > 0 ? latency(99) : '-'],
    ];
    process.stderr.write(rows.map(([label, value]) => `${label.padEnd(21)}${value}\n`).join(''));
  }

  #useBar(format, total) {
    this.#hideBar();
    this.#bar = this.#enabled ? new SingleBar({ ...BAR_OPTIONS, format }, Presets.shades_classic) : undefined;
    this.#total = total;
    this.#startedAt = performance.now();
    this.update(0);
    this.#showBar();
  }

  // Both do nothing if standard error is no terminal: cli-progress checks that.

  #showBar() {
    this.#bar?.start(this.#total, this.#value, this.#payload);
  }

  #hideBar() {
    this.#bar?.stop();
  }
}

module.exports = { Report };

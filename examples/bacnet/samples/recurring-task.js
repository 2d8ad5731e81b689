'use strict';
/**
 * BACpypes' RecurringTask.py: tasks that print, each at an interval of its own.
 *
 *   node examples/bacnet/samples/recurring-task.js [TIMES]
 *
 * What differs: a task that throws is called again at its next point, and the program ends after so many times.
 */

const { RecurringTask, core } = require('../../..');

class PrintingTask extends RecurringTask {
  #left;

  constructor(name, interval, times) {
    super(interval);
    this.name = name;
    this.#left = times;
    this.installTask();
  }

  processTask() {
    this.#left -= 1;
    console.log(`${this.name}: ${this.#left} to go`);
    if (this.#left === 0) {
      this.suspendTask();
      running.delete(this);
      if (running.size === 0) core.stop();
    }
    if (this.#left === 1) throw new Error(`${this.name} has failed once`);
  }
}

const running = new Set();

if (process.argv.includes('--help')) {
  console.log('Usage: node examples/bacnet/samples/recurring-task.js [TIMES]');
} else {
  const times = Math.max(1, Math.trunc(Number(process.argv[2] ?? 5)) || 1);
  running.add(new PrintingTask('fast', 50, times));
  running.add(new PrintingTask('slow', 120, times));
  void core.run({ stopOn: ['SIGINT', 'SIGTERM'] });
}

'use strict';
/**
 * Runs a task every day at three in the morning in Berlin, over both changes of the clock. croner knows cron strings
 * and time zones. A time machine lets a year pass at once: without it, the same task waits for each night.
 *
 *   node examples/daily.js
 */

require('./support/help')(__filename);
const { Cron } = require('croner');
const { NextTimeTask } = require('waitable-event');
const { TimeMachine } = require('waitable-event/testing');

const timeZone = 'Europe/Berlin';
const cron = new Cron('0 3 * * *', { timezone: timeZone });
const format = new Intl.DateTimeFormat('en-GB', { timeZone, dateStyle: 'short', timeStyle: 'long' });

const machine = new TimeMachine({ start: Date.UTC(2026, 0, 1) });
let runs = 0;
let last = 0;
const task = new NextTimeTask(
  (after) => cron.nextRun(after),
  () => {
    const hours = (task.taskTime - last) / 3_600_000;
    if (hours !== 24) {
      console.log(
        format.format(task.taskTime),
        last === 0 ? 'is the first run' : `is ${hours} hours after the last run`,
      );
    }
    runs += 1;
    last = task.taskTime;
  },
);
task.installTask();
machine.run({ stopTime: Date.UTC(2027, 0, 1) });
console.log(`${runs} runs in a year`);
machine.restore({ clear: true });

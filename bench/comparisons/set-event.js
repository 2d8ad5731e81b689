'use strict';
/** Measures what it costs to set an event that is set, and to ask it. */

const { WaitableEvent } = require('../..');
const { batches } = require('../lib/batches');

const contenders = [
  {
    name: 'Atomics.exchange',
    setup() {
      const words = new Int32Array(new SharedArrayBuffer(4));
      return (count) =>
        batches(count, (times) => {
          for (let time = 0; time < times; time += 1) {
            Atomics.exchange(words, 0, 1);
          }
        });
    },
  },
  {
    name: 'set()',
    ours: true,
    setup() {
      const event = new WaitableEvent({ set: true });
      return (count) =>
        batches(count, (times) => {
          for (let time = 0; time < times; time += 1) {
            event.set();
          }
        });
    },
  },
  {
    name: 'isSet()',
    ours: true,
    setup() {
      const event = new WaitableEvent({ set: true });
      return (count) =>
        batches(count, (times) => {
          for (let time = 0; time < times; time += 1) {
            event.isSet();
          }
        });
    },
  },
];

module.exports = {
  title: 'An event that is set',
  text: 'The event is set again, or asked whether it is set. Neither makes a system call: a test counts them.',
  chart: 'bars',
  contenders,
  targets: [
    { row: '3', ours: 'set()', against: 'Atomics.exchange', atMost: 3 },
    { row: '3', ours: 'isSet()', against: 'Atomics.exchange', atMost: 3 },
  ],
};

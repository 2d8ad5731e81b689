'use strict';
/** Measures setting and clearing an event without waiters. */

const { WaitableEvent } = require('../..');
const { batches } = require('../lib/batches');
const { bacpypes, limit } = require('../lib/programs');

const contenders = [
  limit('write + read', 'write-read'),
  {
    name: 'set() + clear()',
    ours: true,
    setup() {
      const event = new WaitableEvent();
      return (count) =>
        batches(count, (times) => {
          for (let time = 0; time < times; time += 1) {
            event.set();
            event.clear();
          }
        });
    },
  },
  bacpypes('BACpypes', 'set-clear'),
];

module.exports = {
  title: 'Set and clear',
  text: 'One thread sets an event and clears it. The limit is a byte that goes through a pipe.',
  chart: 'bars',
  contenders,
  targets: [{ row: '4', ours: 'set() + clear()', against: 'write + read', atMost: 1.4 }],
};

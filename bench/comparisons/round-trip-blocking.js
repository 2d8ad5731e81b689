'use strict';
/** Compares round trips between two threads that block. */

const { WaitableEvent } = require('../..');
const { bePartner, startPartner } = require('../lib/partner');
const { bacpypes, limit } = require('../lib/programs');

/** Returns the nanoseconds of each of `count` round trips. */
function roundTrips(count, trip) {
  const samples = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const before = performance.now();
    trip();
    samples[index] = (performance.now() - before) * 1e6;
  }
  return samples;
}

const contenders = [
  limit('pipe + poll', 'round-trip'),
  limit('park/unpark', 'park'),
  limit("crossbeam's Parker", 'crossbeam'),
  {
    name: 'Atomics.wait',
    async setup() {
      const words = new Int32Array(new SharedArrayBuffer(8));
      await startPartner(__filename, 'atomics', words);
      let turn = 0;
      return (count) =>
        roundTrips(count, () => {
          turn += 1;
          Atomics.store(words, 0, turn);
          Atomics.notify(words, 0);
          while (Atomics.load(words, 1) !== turn) {
            Atomics.wait(words, 1, turn - 1);
          }
        });
    },
  },
  {
    name: 'wait()',
    ours: true,
    async setup() {
      const there = new WaitableEvent();
      const back = new WaitableEvent();
      await startPartner(__filename, 'events', { there: there.handle, back: back.handle });
      return (count) =>
        roundTrips(count, () => {
          there.set();
          back.wait();
          back.clear();
        });
    },
  },
  bacpypes('BACpypes', 'round-trip'),
];

const partners = {
  atomics(words, ready) {
    ready();
    for (let turn = 1; ; turn += 1) {
      while (Atomics.load(words, 0) !== turn) {
        Atomics.wait(words, 0, turn - 1);
      }
      Atomics.store(words, 1, turn);
      Atomics.notify(words, 1);
    }
  },
  events(handles, ready) {
    const there = WaitableEvent.open(handles.there);
    const back = WaitableEvent.open(handles.back);
    ready();
    for (;;) {
      there.wait();
      there.clear();
      back.set();
    }
  },
};

module.exports = {
  title: 'Round trip between two threads that block',
  text: 'A worker and the main thread wake each other in turn; both sleep in a blocking call.',
  chart: 'distribution',
  contenders,
  targets: [
    { row: '15', ours: 'wait()', against: 'park/unpark', atMost: 1.3, limit: 'pipe + poll' },
    { row: '1', ours: 'wait()', against: 'pipe + poll', atMost: 1.3 },
    { row: '1', ours: 'wait()', against: 'Atomics.wait', atMost: 1 },
  ],
};

bePartner(partners);

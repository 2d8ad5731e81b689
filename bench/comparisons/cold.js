'use strict';
/** Measures what the first tasks of a fresh worker cost, before V8 has compiled and learned anything. */

const { execFileSync } = require('node:child_process');
const { join } = require('node:path');

const { bacpypes } = require('../lib/programs');

const program = join(__dirname, '../peers/cold.js');
const COUNTS = [10, 100, 1000, 10_000];

const parts = (way, count) => ({
  wall: `${way} wall time, ${count} tasks`,
  processor: `${way} processor time, ${count} tasks`,
});

/** Runs the program of one way in `count` fresh processes. */
function contender(name, way, tasks, { flags = [], ...rest } = {}) {
  const args = [...flags, program, way, String(tasks)];
  return {
    name: `${name}, ${tasks} tasks`,
    x: tasks,
    parts: parts(name, tasks),
    ...rest,
    setup: () => (count) => {
      const times = Array.from({ length: count }, () =>
        JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })),
      );
      return { wall: times.map(([wall]) => wall), processor: times.map(([, processor]) => processor) };
    },
  };
}

module.exports = {
  title: 'The first tasks of a fresh worker',
  text:
    'A fresh worker of a fresh process schedules its first tasks; both threads have loaded the package and are ' +
    'connected. From its first call to the last arrival in the main thread: the wall time, and the processor time of ' +
    'the whole process, with what V8 compiles in other threads. The limits: the JavaScript ring of records, with an ' +
    'addon that calls uv_async_send and nothing else, before and after a rehearsal of its own; and schedule() where ' +
    'V8 never optimizes (--no-opt).',
  chart: 'scaling',
  axis: 'tasks',
  drawn: 'wall time',
  count: () => 1,
  // Each round is a fresh process anyway.
  warmUps: 0,
  generations: 1,
  mostRounds: ({ quick }) => (quick ? 3 : Infinity),
  contenders: COUNTS.flatMap((count) => [
    contender('postMessage', 'postMessage', count),
    contender('schedule()', 'schedule', count, { ours: true }),
    contender('unoptimized', 'schedule', count, { kind: 'limit', flags: ['--no-opt'] }),
    contender('ring', 'ring', count, { kind: 'limit' }),
    contender('rehearsed ring', 'rehearsedRing', count, { kind: 'limit' }),
    {
      ...bacpypes(`BACpypes, ${count} tasks`, ['cold', String(count)]),
      x: count,
      parts: parts('BACpypes', count),
    },
  ]),
  targets: COUNTS.flatMap((count) =>
    ['wall', 'processor'].map((part) => ({
      row: '30',
      ours: parts('schedule()', count)[part],
      against: parts('postMessage', count)[part],
      atMost: 1,
      limit: parts('rehearsed ring', count)[part],
    })),
  ),
};

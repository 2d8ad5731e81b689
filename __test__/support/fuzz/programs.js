'use strict';

/** The programs of each kind, and how many operations one run of each makes. */
const PROGRAMS = {
  'event-model': { kind: 'event', operations: 150 },
  'event-threads': { kind: 'event', operations: 12 },
  'select-model': { kind: 'select', operations: 120 },
  'loop-model': { kind: 'loop', operations: 200 },
  'model-threads': { kind: 'loop', operations: 400 },
  'local-tasks': { kind: 'tasks', operations: 1000 },
  'remote-tasks': { kind: 'tasks', operations: 150 },
  'worker-deaths': { kind: 'workers', operations: 3 },
};

const KINDS = [...new Set(Object.values(PROGRAMS).map(({ kind }) => kind))];

/** Returns the function that runs a program once: `run({ dice, log, operations, allows, … })`. */
function load(name) {
  return require(`./${name}.js`).run;
}

module.exports = { KINDS, PROGRAMS, load };

'use strict';

// What a fixture needs that tries subclasses of a public class: each with one name that the class does not declare.

const { parentPort } = require('node:worker_threads');

const assert = require('node:assert/strict');

/** The value of a field. Native code takes a small number for that of an event: the fixtures make some. */
const OWN = 1;

/** Makes subclasses with fields or methods of these names, and checks afterwards that these are what they were. */
class SubclassMaker {
  #names;
  #kind;
  #instances = [];
  #calls = 0;

  constructor(names, kind) {
    this.#names = names;
    this.#kind = kind;
  }

  subclass(Base) {
    const maker = this;
    const define = (object, value) =>
      this.#names.forEach((name) =>
        Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: value === OWN }),
      );
    if (this.#kind === 'field') {
      return class extends Base {
        constructor(...args) {
          super(...args);
          define(this, OWN);
          maker.#instances.push(this);
        }
      };
    }
    const Subclass = class extends Base {};
    define(Subclass.prototype, () => {
      maker.#calls += 1;
      return OWN;
    });
    return Subclass;
  }

  check() {
    assert.equal(this.#calls, 0, 'the method was called');
    for (const instance of this.#instances) {
      this.#names.forEach((name) => assert.equal(instance[name], OWN, 'the field has another value'));
    }
  }
}

/**
 * Runs, for each message { className, names, kind }, the scenario of that class with a subclass that has the names, and
 * posts what went wrong. A scenario is called with a function that makes the subclass of a class.
 */
function serveScenarios(scenarios) {
  const serve = async ({ className, names, kind }) => {
    const maker = new SubclassMaker(names, kind);
    try {
      await scenarios[className]((Base) => maker.subclass(Base));
      // What a scenario leaves behind fails in an iteration of the event loop, not in that of the next scenario.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      maker.check();
      parentPort.postMessage('passed');
    } catch (error) {
      const [message, ...lines] = String(error?.stack ?? error).split('\n');
      const place = lines.find((line) => line.startsWith('    at ')) ?? '';
      parentPort.postMessage(`${message} ${lines.slice(0, 3).join(' ')} ${place.trim()}`);
    }
  };
  parentPort.on('message', (message) => void serve(message));
}

module.exports = { serveScenarios };

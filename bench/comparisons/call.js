'use strict';
/** Compares calls: a worker asks the main thread for something, and needs the answer. */

const { once } = require('node:events');
const { MessageChannel, parentPort, receiveMessageOnPort } = require('node:worker_threads');

const { TaskManager, core } = require('../..');
const { Skipped } = require('../lib/skipped');
const { bePartner, startPartner } = require('../lib/partner');

/** Makes the worker measure `count` calls. */
async function ask(worker, count) {
  worker.postMessage(count);
  const [samples] = await once(worker, 'message');
  return samples;
}

/** Resolves with the nanoseconds of each of `count` calls. */
async function measure(count, call) {
  const samples = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const before = performance.now();
    const result = call(index);
    if (result instanceof Promise) {
      await result;
    }
    samples[index] = (performance.now() - before) * 1e6;
  }
  return samples;
}

/** Measures calls in the worker, when the main thread asks for it. */
function serve(call) {
  parentPort.on('message', (count) => {
    void measure(count, call).then((samples) => parentPort.postMessage(samples));
  });
}

function manager(name, partner) {
  return {
    name,
    ours: true,
    async setup() {
      core.taskManager.define('double', (value) => value * 2);
      const { worker } = await startPartner(__filename, partner, core.taskManager.handle);
      void core.run();
      return (count) => ask(worker, count);
    },
  };
}

const contenders = [
  {
    name: 'receiveMessageOnPort',
    async setup() {
      const { port1, port2 } = new MessageChannel();
      const answered = new Int32Array(new SharedArrayBuffer(4));
      port1.on('message', (value) => {
        port1.postMessage(value * 2);
        Atomics.store(answered, 0, 1);
        Atomics.notify(answered, 0);
      });
      const { worker } = await startPartner(__filename, 'port', answered);
      worker.postMessage(port2, [port2]);
      return (count) => ask(worker, count);
    },
  },
  manager('callSync()', 'callSync'),
  {
    name: 'postMessage, awaited',
    async setup() {
      const { port1, port2 } = new MessageChannel();
      port1.on('message', (value) => port1.postMessage(value * 2));
      const { worker } = await startPartner(__filename, 'awaited');
      worker.postMessage(port2, [port2]);
      return (count) => ask(worker, count);
    },
  },
  {
    name: 'piscina',
    async setup() {
      // In the other direction: a pool runs the worker's function for the main thread.
      let Piscina;
      try {
        ({ Piscina } = require('piscina'));
      } catch (error) {
        throw new Skipped(`piscina: ${error.message.split('\n')[0]}`);
      }
      const pool = new Piscina({ filename: __filename, name: 'double', minThreads: 1, maxThreads: 1 });
      return async (count) => {
        const samples = new Float64Array(count);
        for (let index = 0; index < count; index += 1) {
          const before = performance.now();
          await pool.run(index);
          samples[index] = (performance.now() - before) * 1e6;
        }
        return samples;
      };
    },
  },
  manager('call()', 'call'),
];

const partners = {
  port(answered, ready) {
    parentPort.once('message', (port) => {
      serve((value) => {
        Atomics.store(answered, 0, 0);
        port.postMessage(value);
        // The notify of the last answer may come late, and wake this wait.
        while (Atomics.load(answered, 0) === 0) {
          Atomics.wait(answered, 0, 0);
        }
        return receiveMessageOnPort(port).message;
      });
    });
    ready();
  },
  awaited(_, ready) {
    parentPort.once('message', (port) => {
      let resolve;
      port.on('message', (value) => resolve(value));
      serve((value) => {
        port.postMessage(value);
        return new Promise((onAnswer) => {
          resolve = onAnswer;
        });
      });
    });
    ready();
  },
  callSync(handle, ready) {
    const remote = TaskManager.connect(handle);
    serve((value) => remote.callSync('double', value));
    ready();
  },
  call(handle, ready) {
    const remote = TaskManager.connect(handle);
    serve((value) => remote.call('double', value));
    ready();
  },
};

module.exports = {
  title: 'Call another thread and use its answer',
  text:
    'A worker asks the main thread, which is in its event loop, and blocks or awaits. ' +
    'With piscina the main thread asks.',
  chart: 'distribution',
  contenders,
  partners,
  targets: [{ row: '9', ours: 'callSync()', against: 'receiveMessageOnPort', atMost: 0.6 }],
  // piscina's workers load this file for this function.
  double: (value) => value * 2,
};

bePartner(partners);

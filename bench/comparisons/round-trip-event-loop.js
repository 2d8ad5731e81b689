'use strict';
/** Compares round trips between two threads in Node's event loop. */

const { parentPort } = require('node:worker_threads');

const { WaitableEvent, core } = require('../..');
const { loadAsync, loadCaller } = require('../lib/native');
const { bePartner, startPartner } = require('../lib/partner');

/** An event in this thread's own loop that calls a function each time it is set. */
class Bell extends WaitableEvent {
  constructor(rung) {
    super();
    this.rung = rung;
    this.addChannel(core);
  }

  handleRead() {
    this.clear();
    this.rung();
  }
}

/** Measures round trips that end with a call of `arrived()`. */
class Trips {
  constructor(send) {
    this.send = send;
    this.arrived = this.arrived.bind(this);
  }

  run(count) {
    this.samples = new Float64Array(count);
    this.index = 0;
    return new Promise((resolve) => {
      this.done = resolve;
      this.go();
    });
  }

  go() {
    this.before = performance.now();
    this.send();
  }

  arrived() {
    this.samples[this.index] = (performance.now() - this.before) * 1e6;
    this.index += 1;
    if (this.index < this.samples.length) {
      this.go();
    } else {
      this.done(this.samples);
    }
  }
}

/** Measures round trips that are awaited. */
async function awaitTrips(count, trip) {
  const samples = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const before = performance.now();
    await trip();
    samples[index] = (performance.now() - before) * 1e6;
  }
  return samples;
}

const contenders = [
  {
    name: 'postMessage',
    async setup() {
      const { worker } = await startPartner(__filename, 'port');
      const trips = new Trips(() => worker.postMessage(0));
      worker.on('message', trips.arrived);
      return (count) => trips.run(count);
    },
  },
  {
    name: 'Atomics.waitAsync',
    async setup() {
      const words = new Int32Array(new SharedArrayBuffer(8));
      await startPartner(__filename, 'atomics', words);
      let turn = 0;
      return (count) =>
        awaitTrips(count, async () => {
          turn += 1;
          Atomics.store(words, 0, turn);
          Atomics.notify(words, 0);
          while (Atomics.load(words, 1) !== turn) {
            const wait = Atomics.waitAsync(words, 1, turn - 1);
            if (wait.async) {
              await wait.value;
            }
          }
        });
    },
  },
  {
    name: 'threadsafe function',
    async setup() {
      // The other side is a native thread that sleeps on a channel.
      const Caller = loadCaller();
      const trips = new Trips(() => caller.request(1));
      const caller = new Caller(trips.arrived);
      return (count) => trips.run(count);
    },
  },
  {
    name: 'uv_async_send',
    async setup() {
      const { open, send } = loadAsync();
      const trips = new Trips(() => send(answer));
      const { answer } = await startPartner(__filename, 'async', open(trips.arrived));
      return (count) => trips.run(count);
    },
  },
  {
    name: 'waitAsync()',
    ours: true,
    async setup() {
      const there = new WaitableEvent();
      const back = new WaitableEvent();
      await startPartner(__filename, 'events', { there: there.handle, back: back.handle });
      return (count) =>
        awaitTrips(count, async () => {
          there.set();
          await back.waitAsync();
          back.clear();
        });
    },
  },
  {
    name: 'run()',
    ours: true,
    async setup() {
      const trips = new Trips(() => there.set());
      const back = new Bell(trips.arrived);
      const { answer } = await startPartner(__filename, 'loop', back.handle);
      const there = WaitableEvent.open(answer);
      void core.run();
      return (count) => trips.run(count);
    },
  },
];

const partners = {
  port(_, ready) {
    parentPort.on('message', () => parentPort.postMessage(0));
    ready();
  },
  async atomics(words, ready) {
    // Nothing else keeps the thread alive: Atomics.waitAsync() does not.
    parentPort.on('message', () => {});
    ready();
    for (let turn = 1; ; turn += 1) {
      while (Atomics.load(words, 0) !== turn) {
        const wait = Atomics.waitAsync(words, 0, turn - 1);
        if (wait.async) {
          await wait.value;
        }
      }
      Atomics.store(words, 1, turn);
      Atomics.notify(words, 1);
    }
  },
  async(back, ready) {
    const { open, send } = loadAsync();
    ready(open(() => send(back)));
  },
  async events(handles, ready) {
    const there = WaitableEvent.open(handles.there);
    const back = WaitableEvent.open(handles.back);
    ready();
    for (;;) {
      await there.waitAsync();
      there.clear();
      back.set();
    }
  },
  loop(handle, ready) {
    const back = WaitableEvent.open(handle);
    const there = new Bell(() => back.set());
    ready(there.handle);
    return core.run();
  },
};

module.exports = {
  title: "Round trip between two threads in Node's event loop",
  text: "A worker and the main thread wake each other in turn, both in Node's event loop, which other work shares.",
  chart: 'distribution',
  contenders,
  targets: ['waitAsync()', 'run()'].flatMap((ours) => [
    { row: '2', ours, against: 'postMessage', atMost: 0.6 },
    { row: '2', ours, against: 'Atomics.waitAsync', atMost: 0.5 },
    { row: '16', ours, against: 'uv_async_send', atMost: 0.8 },
  ]),
};

bePartner(partners);

'use strict';
/** Measures waits that come and go: each wake-up ends one, and the next one begins. */

const { readSync, writeSync } = require('node:fs');

const { FileDispatcher, WaitableEvent, core, selectAsync } = require('../..');
const { openFifos } = require('../lib/fifos');
const { loadPeer } = require('../lib/pools');

const WAITS = 1000;
const ONE = Buffer.alloc(1);

const readOne = (fd) => readSync(fd, ONE, 0, 1, null);
const writeOne = (fd) => writeSync(fd, ONE);

/** Counts wake-ups, and calls `again()` until there were enough. All waits of a turn are woken together. */
class Turns {
  constructor(again) {
    this.again = again;
    this.woken = this.woken.bind(this);
  }

  /** Resolves with the nanoseconds of a wake-up, after at least `count` of them. */
  run(count) {
    this.turns = Math.ceil(count / WAITS);
    this.all = this.turns * WAITS;
    this.before = performance.now();
    return new Promise((resolve) => {
      this.resolve = resolve;
      this.begin();
    });
  }

  begin() {
    this.turns -= 1;
    this.left = WAITS;
    this.again();
  }

  woken() {
    this.left -= 1;
    if (this.left > 0) {
      return;
    }
    if (this.turns > 0) {
      this.begin();
    } else {
      this.resolve([((performance.now() - this.before) * 1e6) / this.all]);
    }
  }
}

/** A FIFO that stays in the loop. */
class Member extends FileDispatcher {
  constructor(fd, woken) {
    super(fd);
    this.woken = woken;
  }

  writable() {
    return false;
  }

  handleRead() {
    this.recv(1);
    this.woken();
  }
}

/** An event that stays in the loop. */
class Bell extends WaitableEvent {
  constructor(woken) {
    super();
    this.woken = woken;
    this.addChannel(core);
  }

  handleRead() {
    this.clear();
    this.woken();
  }
}

const makeEvents = (make) => Array.from({ length: WAITS }, make);

const contenders = [
  {
    name: 'npm epoll, added and removed',
    setup() {
      const { Epoll } = loadPeer('epoll');
      const fifos = openFifos(WAITS);
      const turns = new Turns(() => {
        for (const fd of fifos) {
          poller.add(fd, Epoll.EPOLLIN);
        }
        fifos.forEach(writeOne);
      });
      const poller = new Epoll((error, fd) => {
        if (error) {
          throw error;
        }
        poller.remove(fd);
        readOne(fd);
        turns.woken();
      });
      return (count) => turns.run(count);
    },
  },
  {
    name: 'run(), descriptors that stay',
    ours: true,
    setup() {
      const fifos = openFifos(WAITS);
      const turns = new Turns(() => fifos.forEach(writeOne));
      for (const fd of fifos) {
        new Member(fd, turns.woken).addChannel(core);
      }
      void core.run();
      return (count) => turns.run(count);
    },
  },
  {
    name: 'selectAsync()',
    ours: true,
    setup() {
      const fifos = openFifos(WAITS);
      const waitFor = async (fd) => {
        await selectAsync([fd], [], []);
        readOne(fd);
        turns.woken();
      };
      const turns = new Turns(() => {
        fifos.forEach((fd) => void waitFor(fd));
        fifos.forEach(writeOne);
      });
      return (count) => turns.run(count);
    },
  },
  {
    name: 'run(), events that stay',
    ours: true,
    setup() {
      const turns = new Turns(() => events.forEach((event) => event.set()));
      const events = makeEvents(() => new Bell(turns.woken));
      void core.run();
      return (count) => turns.run(count);
    },
  },
  {
    name: 'waitAsync()',
    ours: true,
    setup() {
      const events = makeEvents(() => new WaitableEvent({ loop: null }));
      const waitFor = async (event) => {
        await event.waitAsync();
        event.clear();
        turns.woken();
      };
      const turns = new Turns(() => {
        events.forEach((event) => void waitFor(event));
        events.forEach((event) => event.set());
      });
      return (count) => turns.run(count);
    },
  },
];

module.exports = {
  title: 'Waits that come and go',
  text:
    `${WAITS} descriptors, or events, are waited for at the same time, and all of them wake the loop. The figure is ` +
    'the time of one wake-up: the wait, a byte that is written and read (or an event that is set and cleared), and ' +
    'what is called.',
  chart: 'bars',
  mostRounds: ({ quick }) => (quick ? 3 : Infinity),
  contenders,
  targets: [
    { row: '21', ours: 'selectAsync()', against: 'run(), descriptors that stay', atMost: 2 },
    { row: '21', ours: 'waitAsync()', against: 'run(), events that stay', atMost: 2 },
  ],
};

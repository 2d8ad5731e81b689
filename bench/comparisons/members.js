'use strict';
/** Measures what members without events cost a loop. 10 members are active, however many there are. */

const { readSync, writeSync } = require('node:fs');

const { Dispatcher, FileDispatcher, RunLoop } = require('../..');
const { mostDescriptors } = require('../lib/environment');
const { openFifos } = require('../lib/fifos');
const { limit } = require('../lib/programs');
const { Skipped } = require('../lib/skipped');

const ACTIVE = 10;
const SIZES = [20, 100, 1000, 10_000, 100_000];

/** The sizes that `ulimit -n` allows. The others say so themselves, but for the Rust program. */
const ALLOWED = SIZES.filter((size) => size < mostDescriptors());
const ONE = Buffer.alloc(1);

/** Reads the byte of a FIFO and writes it back, so that the FIFO is ready again in the next pass. */
function turnOver(fd) {
  readSync(fd, ONE, 0, 1, null);
  writeSync(fd, ONE);
}

/** Counts events down, and measures how long they took. */
class Countdown {
  run(count) {
    this.count = count;
    this.left = count;
    this.before = performance.now();
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  /** Counts an event, and returns whether it was the last one. */
  event() {
    this.left -= 1;
    if (this.left === 0) {
      this.resolve([((performance.now() - this.before) * 1e6) / this.count]);
    }
    return this.left <= 0;
  }
}

/** A FIFO without events. */
class Member extends Dispatcher {
  constructor(fd, members) {
    super();
    this.fd = fd;
    this.addChannel(members);
  }

  fileno() {
    return this.fd;
  }

  writable() {
    return false;
  }
}

/** A FIFO that is read and written as a channel does it. */
class Active extends FileDispatcher {
  constructor(fd, members, rung) {
    super(fd, members);
    this.rung = rung;
  }

  writable() {
    return false;
  }

  handleRead() {
    this.recv(1);
    this.send(ONE);
    this.rung();
  }
}

/** Calls `add(fd, active)` for the members, the active ones evenly among them. */
function eachMember(size, add) {
  openFifos(size).forEach((fd, index) => {
    const active = index % (size / ACTIVE) === 0;
    if (active) {
      writeSync(fd, ONE);
    }
    add(fd, active);
  });
}

function loop(size, way) {
  return {
    name: `${way}(), ${size} members`,
    ours: true,
    x: size,
    setup() {
      const members = new RunLoop();
      const countdown = new Countdown();
      const rung = () => {
        if (countdown.event()) {
          members.stop();
        }
      };
      eachMember(size, (fd, active) => (active ? new Active(fd, members, rung) : new Member(fd, members)));
      return async (count) => {
        const done = countdown.run(count);
        await members[way]();
        return done;
      };
    },
  };
}

/** Returns the limit: a Rust program. */
function rustEpoll(size) {
  return { ...limit(`epoll, ${size} members`, 'epoll', size), x: size };
}

function npmEpoll(size) {
  return {
    name: `npm epoll, ${size} members`,
    x: size,
    setup() {
      let Epoll;
      try {
        ({ Epoll } = require('epoll'));
      } catch (error) {
        throw new Skipped(`npm's epoll: ${error.message.split('\n')[0]}`);
      }
      const countdown = new Countdown();
      let running = false;
      const waiting = [];
      const poller = new Epoll((error, fd) => {
        if (error) {
          throw error;
        }
        if (!running) {
          // Between two rounds the members leave the poller. Otherwise it would report them indefinitely, because
          // nothing reads them.
          poller.modify(fd, 0);
          return;
        }
        turnOver(fd);
        running = !countdown.event();
      });
      eachMember(size, (fd, active) => {
        poller.add(fd, active ? 0 : Epoll.EPOLLIN);
        if (active) {
          waiting.push(fd);
        }
      });
      return (count) => {
        running = true;
        const done = countdown.run(count);
        waiting.forEach((fd) => poller.modify(fd, Epoll.EPOLLIN));
        return done;
      };
    },
  };
}

module.exports = {
  title: 'Members on which nothing happens',
  text:
    '10 of the FIFOs in a loop are active. In an event, a byte is read and written back. The limit is an epoll ' +
    'in a Rust program.',
  chart: 'scaling',
  axis: 'members',
  contenders: [
    ...ALLOWED.map(rustEpoll),
    ...SIZES.map((size) => loop(size, 'run')),
    ...SIZES.map((size) => loop(size, 'runSync')),
    ...SIZES.map(npmEpoll),
  ],
  targets: ['run', 'runSync'].flatMap((way) => [
    { row: '12', ours: `${way}(), 10000 members`, against: `${way}(), 20 members`, atMost: 1.5 },
    { row: '12', ours: `${way}(), 10000 members`, against: 'npm epoll, 10000 members', atLeast: 5 },
    { row: '12', ours: `${way}(), 10000 members`, against: 'epoll, 10000 members', atMost: 3 },
  ]),
};

'use strict';

// A run loop whose handlers change it: they add, remove, close and replace channels, throw, defer functions, install
// tasks and stop the loop. What holds in every mode:
// - a channel is called only while it is in the loop, open, and wants it; in one pass once for each direction;
// - a channel that joins in a pass is called in a later one;
// - in loop({ count: 1 }) every channel that was ready is called, unless one before it changed that;
// - deferred functions run once, in order, in a later pass than the functions that deferred them, and channels are
//   called between two batches;
// - tasks run once (in which order: local-tasks.js);
// - after stop() the pass ends, and no other begins.

const { FileDispatcher, OneShotTask, RunLoop, WaitableEvent } = require('waitable-event');

const { Fifo, socketPair } = require('./descriptors');
const { hold, outcomeOf, same, turn } = require('./finding');

const CHANNELS = 8;
const ACTIONS = 3;
const THROWN = 'thrown by a deferred function';

class World {
  context;
  loop = new RunLoop();
  channels = [];
  /** Those that were ready when the pass of loop() began, and have not been called. */
  expected = new Set();
  /** Whether passes are made one by one, so that the program knows when one begins. */
  knowsPasses = false;
  pass = 0;
  /** Ends of sockets that no channel has. */
  freeSockets = [];
  /** Numbers of the functions that are deferred. */
  deferred = [];
  nextDeferred = 0;
  /** The batch of deferred functions that runs, to tell where the next one begins. */
  batchEnd = 0;
  /** Calls of an always ready channel since the last batch. */
  beats = 0;
  tasks = [];
  nextTask = 0;
  isStopped = false;
  errors = 0;
  left = 0;

  constructor(context) {
    this.context = context;
  }

  note(text) {
    this.context.log.note(text);
  }

  /** Random changes from inside a handler, or between passes. */
  act(self) {
    const { dice } = this.context;
    for (let count = dice.below(ACTIONS); count > 0 && this.left > 0; count -= 1) {
      this.left -= 1;
      const channel = dice.chance(0.3) && self !== undefined ? self : dice.pick(this.channels);
      const what = dice.weighted({
        make: 3,
        set: 8,
        clear: 6,
        remove: 3,
        add: 5,
        close: 1.5,
        replace: 1.5,
        interest: 3,
        defer: 4,
        task: 3,
        stop: this.mayStop ? 0.7 : 0,
      });
      if (what === 'make') {
        this.make();
      } else if (what === 'defer') {
        this.defer();
      } else if (what === 'task') {
        this.install();
      } else if (what === 'stop') {
        this.note('stop()');
        this.isStopped = true;
        this.loop.stop();
      } else if (channel !== undefined) {
        this.change(channel, what);
      }
    }
  }

  make() {
    const { dice } = this.context;
    if (this.channels.filter(({ isClosed }) => !isClosed).length >= CHANNELS) {
      return;
    }
    const kind = dice.weighted({ event: 5, file: 3, socket: this.freeSockets.length > 0 ? 3 : 0 });
    const channel = { event: makeEvent, file: makeFile, socket: makeSocket }[kind](this);
    this.note(`make ${channel.name}`);
    this.channels.push(channel);
    channel.join();
  }

  change(channel, what) {
    const { dice } = this.context;
    if (channel.isClosed) {
      return;
    }
    this.note(`${what} ${channel.name}`);
    if (what === 'set') {
      channel.makeReady();
    } else if (what === 'clear') {
      channel.makeQuiet();
      // The kernel may have reported it already.
      this.expected.delete(channel);
    } else if (what === 'remove') {
      channel.leave();
    } else if (what === 'add') {
      channel.join();
    } else if (what === 'close') {
      channel.end();
    } else if (what === 'replace') {
      channel.end();
      this.left += 1;
      this.make();
    } else if (what === 'interest') {
      channel.wants = dice.pick([
        { read: true, write: false },
        { read: false, write: false },
        { read: true, write: channel.canWrite },
      ]);
      this.loop.update(channel.dispatcher);
      this.expected.delete(channel);
    }
  }

  defer() {
    const number = this.nextDeferred;
    this.nextDeferred += 1;
    const throws = this.context.dice.chance(0.1);
    this.note(`defer ${number}${throws ? ', which throws' : ''}`);
    this.deferred.push(number);
    this.loop.deferred(() => this.onDeferred(number, throws));
  }

  onDeferred(number, throws) {
    this.note(`deferred ${number}`);
    same(this.deferred.shift(), number, 'the next deferred function');
    if (number >= this.batchEnd) {
      // The first of a batch: what is deferred from here on comes in the next one.
      hold(this.beats > 0 || !this.hasBeat, 'The channels had no turn between two batches of deferred functions');
      this.beats = 0;
      this.batchEnd = this.nextDeferred;
    }
    hold(!this.isOver, 'A deferred function ran after the loop had ended');
    this.act();
    if (throws) {
      this.errors += 1;
      throw new Error(THROWN);
    }
  }

  install() {
    const { dice } = this.context;
    const number = this.nextTask;
    this.nextTask += 1;
    const due = this.loop.taskManager.getTime() + dice.pick([-1000, -10, 0, 0, 0, 0.5, 2]);
    const entry = { number, due, priority: dice.pick([0, 0, 1, -1]), isDone: false };
    this.tasks.push(entry);
    const world = this;
    class Once extends OneShotTask {
      processTask() {
        world.onTask(entry);
      }
    }
    const task = new Once();
    task.priority = entry.priority;
    this.note(`install ${number} at ${due}, priority ${entry.priority}`);
    if (dice.chance(0.2)) {
      // In this thread's own manager, whose loop does not run: the next call moves it.
      task.installTask({ when: due });
    }
    this.loop.taskManager.installTask(task, { when: due });
  }

  onTask(entry) {
    this.note(`task ${entry.number}`);
    hold(!entry.isDone, () => `Task ${entry.number} ran twice`);
    const early = entry.due - this.loop.taskManager.getTime();
    hold(early <= 0, () => `Task ${entry.number} ran ${early} ms early`);
    hold(!this.isOver, 'A task ran after the loop had ended');
    entry.isDone = true;
    this.tasks.splice(this.tasks.indexOf(entry), 1);
    this.act();
  }

  /** Notes what a pass of loop() has to call. */
  beginPass() {
    this.pass += 1;
    this.expected = new Set(this.channels.filter((channel) => channel.isReady));
    this.channels.forEach((channel) => (channel.calls = 0));
  }

  endPass() {
    for (const channel of this.expected) {
      hold(!channel.isReady, () => `${channel.name} was ready, and was not called`);
    }
  }
}

/** What the program knows of a channel. */
class Known {
  name;
  isIn = false;
  isClosed = false;
  joined = -1;
  calls = 0;
  wants = { read: true, write: false };
  canWrite = false;
  world;
  dispatcher;

  constructor(world, name) {
    this.world = world;
    this.name = `${name} ${world.channels.length}`;
  }

  join() {
    if (!this.isIn) {
      this.isIn = true;
      this.joined = this.world.pass;
      this.dispatcher.addChannel(this.world.loop);
    }
  }

  leave() {
    this.isIn = false;
    this.world.expected.delete(this);
    this.dispatcher.delChannel();
  }

  end() {
    this.isIn = false;
    this.isClosed = true;
    this.world.expected.delete(this);
    this.dispatcher.close();
    this.onEnd?.();
  }

  get isReady() {
    return this.isIn && ((this.wants.read && this.hasInput) || this.wants.write);
  }

  onCall(direction) {
    const { world } = this;
    world.note(`${direction} ${this.name}`);
    hold(!world.isOver, () => `${this.name} was called after the loop had ended`);
    hold(this.isIn && !this.isClosed, () => `${this.name} was called, and is not in the loop`);
    if (world.knowsPasses) {
      hold(this.joined < world.pass, () => `${this.name} was called in the pass in which it joined`);
      this.calls += 1;
      hold(this.calls <= 2, () => `${this.name} was called ${this.calls} times in one pass`);
    }
    world.expected.delete(this);
    const { dice } = world.context;
    if (dice.chance(0.7)) {
      this.makeQuiet();
    }
    world.act(this);
    if (dice.chance(0.06)) {
      const error = new Error('thrown by a handler');
      if (dice.chance(0.3)) {
        error.code = 'EPIPE';
        this.closes = 'handleClose';
      } else {
        this.closes = 'handleError';
        this.error = error;
      }
      world.note(`${this.name} throws ${error.code ?? ''}`);
      throw error;
    }
  }

  onHandler(name, error) {
    const { world } = this;
    world.note(`${name}() of ${this.name}`);
    same(this.closes, name, `${name}() of ${this.name}`);
    if (name === 'handleError') {
      same(error === this.error, true, 'the error');
    }
    this.closes = undefined;
    if (!this.isClosed && world.context.dice.chance(0.5)) {
      this.end();
    }
  }
}

/** The handlers that tell a Known what the loop does. */
function handlers(Base) {
  return class extends Base {
    known;

    readable() {
      return this.known?.wants.read ?? true;
    }

    writable() {
      return this.known?.wants.write ?? false;
    }

    handleRead() {
      this.known.onCall('read');
    }

    handleWrite() {
      this.known.onCall('write');
    }

    handleError(error) {
      this.known.onHandler('handleError', error);
    }

    handleClose() {
      this.known.onHandler('handleClose');
    }
  };
}

const EventChannel = handlers(WaitableEvent);
const FileChannel = handlers(FileDispatcher);

function makeEvent(world) {
  const known = new Known(world, 'event');
  known.dispatcher = new EventChannel();
  known.dispatcher.known = known;
  Object.defineProperty(known, 'hasInput', { get: () => known.dispatcher.isSet() });
  known.makeReady = () => known.dispatcher.set();
  known.makeQuiet = () => known.isClosed || known.dispatcher.clear();
  return known;
}

function makeFile(world) {
  const known = new Known(world, 'file');
  const fifo = new Fifo(world.context.directory);
  const writes = world.context.dice.chance(0.3);
  known.canWrite = writes;
  known.dispatcher = new FileChannel(writes ? fifo.writer : fifo.reader, world.parking);
  known.dispatcher.delChannel();
  known.dispatcher.known = known;
  known.wants = { read: !writes, write: writes };
  Object.defineProperty(known, 'hasInput', { get: () => !writes && fifo.bytes > 0 });
  known.makeReady = () => {
    if (!writes && fifo.isWritable === true) {
      fifo.write(1 + world.context.dice.below(10));
    }
  };
  known.makeQuiet = () => {
    if (fifo.bytes > 0 && !known.isClosed) {
      fifo.bytes -= known.dispatcher.recv(fifo.bytes).length;
    }
  };
  known.onEnd = () => {
    fifo.closeReader();
    fifo.closeWriter();
  };
  return known;
}

/** A channel that reads and writes. The other end of the socket is the program's, unless it is a channel too. */
function makeSocket(world) {
  const known = new Known(world, 'socket');
  const ends = world.freeSockets.pop();
  const { input, output } = ends;
  known.canWrite = true;
  known.dispatcher = new FileChannel(input.reader, world.parking);
  known.dispatcher.delChannel();
  known.dispatcher.known = known;
  known.wants = { read: true, write: world.context.dice.chance(0.5) };
  Object.defineProperty(known, 'hasInput', { get: () => input.bytes > 0 });
  known.makeReady = () => {
    if (input.isWritable === true) {
      input.write(1 + world.context.dice.below(10));
    }
  };
  known.makeQuiet = () => {
    if (input.bytes > 0 && !known.isClosed) {
      input.bytes -= known.dispatcher.recv(input.bytes).length;
    }
  };
  known.onEnd = () => {
    input.drain();
    output.drain();
    world.freeSockets.push(ends);
  };
  return known;
}

const MODES = {
  /** One pass over the channels alone. */
  passes(world) {
    world.knowsPasses = true;
    for (let count = 1 + world.context.dice.below(4); count > 0; count -= 1) {
      world.beginPass();
      world.note(`pass ${world.pass}`);
      world.isOver = false;
      world.loop.loop({ count: 1, timeout: 0 });
      world.isOver = true;
      world.endPass();
    }
    world.knowsPasses = false;
  },

  once(world) {
    world.note('runOnce()');
    const deferred = [...world.deferred];
    // A stop() in between counts for the next run.
    world.isOver = false;
    world.hasBeat = false;
    world.loop.runOnce();
    world.isOver = true;
    hold(
      deferred.every((number) => !world.deferred.includes(number)),
      'runOnce() has not run what was deferred',
    );
  },

  runSync(world) {
    runUntilStopped(world, () => world.loop.runSync());
  },

  async run(world) {
    const running = runUntilStopped(world, () => world.loop.run());
    const { error } = await outcomeOf(running, 'run() after stop()');
    if (error !== undefined) {
      throw error;
    }
  },
};

/** Runs the loop until stop(), which comes from somewhere in it. A channel that is always ready counts the passes. */
function runUntilStopped(world, start) {
  const wasStopped = world.isStopped;
  const beat = new WaitableEvent({ set: true });
  let passes = 0;
  let stoppedAt;
  const most = 1 + world.context.dice.below(6);
  beat.handleRead = () => {
    world.beats += 1;
    passes += 1;
    world.note(`beat ${passes}`);
    hold(!wasStopped, 'A loop that was stopped before made a pass');
    hold(stoppedAt === undefined || passes <= stoppedAt + 1, 'The loop made another pass after stop()');
    if (world.isStopped) {
      stoppedAt ??= passes;
    } else if (passes >= most) {
      world.note('stop(), at last');
      stoppedAt = passes;
      world.isStopped = true;
      world.loop.stop();
    }
  };
  beat.addChannel(world.loop);
  world.hasBeat = true;
  world.beats = 1;
  world.mayStop = true;
  world.isOver = false;
  world.note('run');
  const end = () => {
    world.note('ended');
    world.isOver = true;
    world.isStopped = false;
    world.mayStop = false;
    world.hasBeat = false;
    beat.close();
    same(world.loop.running, false, 'running');
    if (wasStopped) {
      same(passes, 0, 'passes of a loop that was stopped before');
    }
  };
  const result = start();
  return result === undefined ? end() : result.then(end);
}

async function run(context) {
  const { dice, operations, reports } = context;
  const world = new World(context);
  const [ab, ba] = await socketPair(context.directory);
  world.freeSockets = [
    { input: ab, output: ba },
    { input: ba, output: ab },
  ];
  world.left = operations;
  world.parking = new RunLoop();
  world.isOver = true;
  for (let index = 0; index < 3; index += 1) {
    world.make();
  }
  while (world.left > 0) {
    world.left -= 1;
    world.act();
    if (dice.chance(0.1) && !world.isStopped) {
      world.note('stop() before');
      world.isStopped = true;
      world.loop.stop();
    }
    await MODES[dice.pick(Object.keys(MODES))](world);
    if (dice.chance(0.3)) {
      await turn();
    }
  }
  // What is left runs now, and nothing twice.
  world.isOver = false;
  world.hasBeat = false;
  for (let rounds = 0; (world.deferred.length > 0 || world.tasks.length > 0) && rounds < 1000; rounds += 1) {
    world.loop.runOnce();
    await turn(1);
  }
  same([world.deferred, world.tasks], [[], []], 'what never ran');
  world.channels.filter(({ isClosed }) => !isClosed).forEach((channel) => channel.end());
  world.loop.taskManager.close();
  const others = reports.filter((report) => !report.some((part) => String(part).includes(THROWN)));
  const expected = reports.length - others.length;
  reports.length = 0;
  same(others, [], 'reports');
  same(expected, world.errors, 'reports of deferred functions that throw');
}

module.exports = { run };

'use strict';

// Random tasks in virtual time, against a model that is a few lines long.

const { RecurringTask, RunLoop, Task } = require('waitable-event');
const { TimeMachine } = require('waitable-event/testing');

const { hold, same } = require('./finding');

/** The next point of the grid, in exact numbers: times are multiples of a quarter. */
function nextPoint(now, interval, offset) {
  const [time, step, shift] = [BigInt(4 * now), BigInt(4 * interval), BigInt(4 * offset)];
  const steps = (time - shift) / step - ((time - shift) % step < 0n ? 1n : 0n);
  return Number((steps + 1n) * step + shift) / 4;
}

/** What the rules say: which task is next, among which, at which time. */
class Model {
  now;
  entries = new Map();
  /** When each task is due, or was. */
  times = new Map();
  deferred = [];
  #order = 0;

  constructor(now) {
    this.now = now;
  }

  install(task, due) {
    this.entries.delete(task);
    this.entries.set(task, { task, due, order: this.#order });
    this.times.set(task, due);
    this.#order += 1;
  }

  installNext(task) {
    this.install(task, nextPoint(this.now, task.taskInterval, task.taskIntervalOffset));
  }

  get nextDue() {
    return Math.min(...[...this.entries.values()].map(({ due }) => due), Infinity);
  }

  /** The first one that is due, of those with a lower number. */
  first(before = Infinity) {
    return [...this.entries.values()]
      .filter(({ due, order }) => due <= this.now && order < before)
      .reduce(
        (a, b) =>
          a !== undefined && (a.due - b.due || a.task.priority - b.task.priority || a.order - b.order) < 0 ? a : b,
        undefined,
      )?.task;
  }

  /** Yields what runs, in its order, up to a limit: tasks, and the numbers of deferred functions. */
  *advance(limit) {
    while (this.deferred.length > 0 || this.nextDue < limit) {
      if (this.deferred.length === 0) {
        this.now = Math.max(this.now, this.nextDue);
      }
      const pass = this.#order;
      for (let task = this.first(pass); task !== undefined; task = this.first(pass)) {
        this.entries.delete(task);
        if (task instanceof RecurringTask) {
          this.installNext(task);
        }
        yield task;
      }
      yield* this.deferred.splice(0);
    }
    this.now = limit;
  }
}

/** Does the same to a loop and to the model, and compares at each event. */
class Comparison {
  #dice;
  #loop = new RunLoop();
  #machine;
  #model;
  #tasks;
  #running;
  #expected = new Model(0).advance(0);
  #deferred = 0;
  #operations;
  #note;

  constructor({ dice, tasks, operations, note }) {
    this.#dice = dice;
    this.#operations = operations;
    this.#note = note;
    const start = dice.pick([0, 1e12 + 0.25, 1_767_225_600_000, -5000.5]);
    this.#machine = new TimeMachine({ loop: this.#loop, start });
    this.#model = new Model(start);
    this.#tasks = Array.from({ length: tasks }, () => this.#makeTask());
  }

  run() {
    const { taskManager: manager } = this.#loop;
    while (this.#operations > 0) {
      const count = this.#dice.below(this.#dice.chance(0.1) ? this.#tasks.length : 20);
      for (let index = 0; index < count; index += 1) {
        this.#operate();
      }
      const duration = this.#dice.pick([0.25, 1, 5, 10, 100.25, 1000]);
      this.#note(`run({ duration: ${duration} }) at ${this.#model.now}`);
      this.#expected = this.#model.advance(this.#model.now + duration);
      this.#machine.run({ duration });
      const { value, done } = this.#expected.next();
      hold(done, () => `${this.#nameOf(value)} has not run`);
      same(
        [this.#machine.now, manager.stats().pending],
        [this.#model.now, this.#model.entries.size],
        'the time and how many are installed',
      );
    }
    this.#machine.restore();
    manager.close();
  }

  #nameOf(one) {
    return one instanceof Task ? `task ${this.#tasks.indexOf(one)}` : `deferred function ${one}`;
  }

  #makeTask() {
    const onRun = (task) => this.#onEvent(task);
    class Once extends Task {
      processTask() {
        onRun(this);
      }
    }
    class Again extends RecurringTask {
      processTask() {
        onRun(this);
      }
    }
    const task = this.#dice.chance(0.8)
      ? new Once()
      : new Again(
          this.#dice.pick([0.25, 0.5, 1, 7.75, 10, 250, 60_000]),
          this.#dice.pick([0, 0, -3.25, 100, 1e9 + 0.25, -1e6]),
        );
    task.priority = this.#dice.pick([0, 0, 0, -1, 1, 5]);
    return task;
  }

  #onEvent(what) {
    this.#note(`${this.#nameOf(what)} at ${this.#machine.now}`);
    const { value } = this.#expected.next();
    if (value !== what || this.#machine.now !== this.#model.now) {
      // An error that is thrown in a task goes to onError, and the rest goes on.
      throw new Error(
        `${this.#nameOf(what)} at ${this.#machine.now}, but ${this.#nameOf(value)} at ${this.#model.now}`,
      );
    }
    // Within the body of a recurring task its time is the point it runs for, until the body installs it again.
    this.#running = what instanceof RecurringTask ? what : undefined;
    for (let index = this.#dice.below(3); index > 0; index -= 1) {
      this.#operate(what);
    }
    this.#running = undefined;
  }

  #operate(self) {
    this.#operations -= 1;
    if (this.#operations < 0) {
      return;
    }
    const [model, { taskManager: manager }] = [this.#model, this.#loop];
    const task = self instanceof Task && this.#dice.chance(0.2) ? self : this.#dice.pick(this.#tasks);
    const what = this.#dice.weighted({
      install: 45,
      suspend: 20,
      resume: 10,
      defer: 5,
      next: 3,
      priority: 5,
      look: 12,
    });
    this.#note(`${what} ${this.#nameOf(task)}`);
    if (what === 'install') {
      this.#install(task);
    } else if (what === 'suspend') {
      if (this.#dice.chance(0.5)) {
        manager.suspendTask(task);
      } else {
        task.suspendTask();
      }
      model.entries.delete(task);
    } else if (what === 'resume') {
      const time = model.times.get(task);
      if (time !== undefined) {
        task.resumeTask();
        this.#onInstalled(task);
        if (task instanceof RecurringTask) {
          model.installNext(task);
        } else {
          model.install(task, time);
        }
      }
    } else if (what === 'defer') {
      const number = this.#deferred;
      this.#deferred += 1;
      this.#loop.deferred(() => this.#onEvent(number));
      model.deferred.push(number);
    } else if (what === 'next') {
      const [first, delta] = manager.getNextTask();
      const expected = model.first();
      if (expected !== undefined) {
        model.entries.delete(expected);
      }
      const until = model.entries.size === 0 ? null : Math.max(0, model.nextDue - model.now);
      same([first === (expected ?? null), delta], [true, until], 'getNextTask()');
    } else if (what === 'priority') {
      // It counts as it is when the task is installed.
      if (!model.entries.has(task)) {
        task.priority = this.#dice.pick([0, 0, -1, 1, 5, -0.5]);
      }
    } else {
      same(
        [task.isScheduled, task.taskTime],
        [model.entries.has(task), task === this.#running ? model.now : (model.times.get(task) ?? null)],
        () => `state of ${this.#nameOf(task)}`,
      );
    }
  }

  #onInstalled(task) {
    if (task === this.#running) {
      this.#running = undefined;
    }
  }

  #install(task) {
    const { taskManager: manager } = this.#loop;
    this.#onInstalled(task);
    if (task instanceof RecurringTask) {
      const options = this.#dice.chance(0.2) ? { interval: this.#dice.pick([1, 2.5, 10, 100]), offset: -1.25 } : {};
      manager.installTask(task, options);
      this.#model.installNext(task);
      return;
    }
    const { below, pick } = { below: (count) => this.#dice.below(count), pick: (values) => this.#dice.pick(values) };
    const delta = pick([0, 0, 0, -5, 1, 1, 2, 5, 10, 0.25, below(400) / 4, below(40_000) / 4, 1e11]);
    if (this.#dice.chance(0.5)) {
      manager.installTask(task, { when: this.#model.now + delta });
      this.#model.install(task, this.#model.now + delta);
    } else {
      manager.installTask(task, { delta });
      this.#model.install(task, this.#model.now + delta);
    }
  }
}

/** Runs one program: that many tasks, and operations. */
function compare({ dice, tasks, operations, note = () => {} }) {
  new Comparison({ dice, tasks, operations, note }).run();
}

async function run({ dice, log, operations }) {
  // With many tasks the queue has a sorted run, with few a heap alone. Many are rare: the model looks at all of them.
  const tasks = dice.pick([2, 8, 8, 60, 60, dice.chance(0.2) ? 2500 : 300]);
  log.note(`${tasks} tasks`);
  compare({ dice, tasks, operations, note: (text) => log.note(text) });
}

module.exports = { compare, run };

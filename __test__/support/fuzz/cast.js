'use strict';

// The other threads of the programs of this process.

const { join } = require('node:path');
const { Worker } = require('node:worker_threads');

const { ActorLog } = require('./actor-log');
const { Finding } = require('./finding');

class Actor {
  log;
  worker;
  /** The exit code, once the thread has ended. */
  exit;
  #settle;

  constructor(name, isTraced, part, transferList) {
    this.log = new ActorLog(name);
    this.worker = new Worker(join(__dirname, 'actor.js'), {
      workerData: { name, memory: this.log.memory, isTraced, part },
      transferList,
      // What a thread reports when it throws comes as an event.
      stderr: false,
    });
    this.worker.on('message', (message) => this.#settle?.(message));
    this.worker.on('error', (error) => {
      this.error = error;
      this.#settle?.({ failure: `${error?.stack ?? error}` });
    });
    this.exit = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        this.#settle?.({ failure: `The thread has ended with ${code}` });
        resolve(code);
      });
    });
  }

  /** Resolves with what the role returns. */
  async play(part, transferList) {
    const ended = this.ended();
    this.worker.postMessage(part, transferList);
    return ended;
  }

  ended() {
    return new Promise((resolve, reject) => {
      this.#settle = ({ value, failure }) => {
        this.#settle = undefined;
        if (failure === undefined) {
          resolve(value);
        } else {
          reject(new Finding(`${this.log.name}: ${failure}`));
        }
      };
    });
  }
}

/** Threads that are used again, and threads that are to die. */
class Cast {
  #idle = [];
  #all = [];
  #isTraced;
  #onActor;
  #count = 0;

  constructor(isTraced, onActor) {
    this.#isTraced = isTraced;
    this.#onActor = onActor;
  }

  get logs() {
    return this.#all.map(({ log }) => log);
  }

  /** Has an idle thread play a role of a file. */
  async play(file, role, seed, data, transferList) {
    const actor = this.#idle.pop() ?? this.#make();
    const value = await actor.play({ file, role, seed, data }, transferList);
    this.#idle.push(actor);
    return value;
  }

  /** Makes a thread of its own for a role. */
  spawn(file, role, seed, data, transferList) {
    return this.#make({ file, role, seed, data }, transferList);
  }

  /** Forgets a thread that has ended. */
  dismiss(actor) {
    this.#all.splice(this.#all.indexOf(actor), 1);
  }

  #make(part, transferList) {
    this.#count += 1;
    const actor = new Actor(`thread ${this.#count}`, this.#isTraced, part, transferList);
    this.#all.push(actor);
    this.#onActor(actor.log);
    return actor;
  }
}

module.exports = { Cast };

'use strict';
/** Finds the files, starts the workers and takes their results, on the main thread and inside `core.run()`. */

const { join } = require('node:path');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');

const { WaitableEvent, core } = require('waitable-event');

const { checksumLine, quotePath, reasonOf } = require('./format');
const { Output, outputFailure } = require('./output');
const { FileList } = require('./shared');
const { walk } = require('./walk');

/** Maximum time for which the walk blocks this thread, in milliseconds. */
const SLICE = 10;

/** Time between two moves of the bar, and maximum time for which a line waits for others, in milliseconds. */
const TICK = 50;

/** Output of a file that could not be read. */
const NO_LINE = Buffer.alloc(0);

class Job {
  #directory;
  #workerLimit;
  #report;
  #output;
  /** Aborted to end the job early. Its reason is `{ exitCode, message }`. */
  #stopping = new AbortController();
  /** Set while workers may take another file. `Output` clears it when it has too much to write. */
  #go = new WaitableEvent();
  #found = 0;
  /** Undefined during the search for files. */
  #files;
  #workers = new Set();
  #hashed = 0;
  #unreadable = 0;
  /** Number of files for which a worker has sent a result, good or bad. */
  #results = 0;

  constructor(directory, workerLimit, report) {
    this.#directory = directory;
    this.#workerLimit = workerLimit;
    this.#report = report;
    this.#output = new Output(process.stdout, {
      go: this.#go,
      onError: (error) => this.#onOutputError(error),
      // On a terminal that shows both, write the lines above the bar.
      around: process.stdout.isTTY ? (write) => report.aside(write) : undefined,
    });
  }

  /** Ends the job now. The first reason counts. Without a message the job ends silently. */
  stop(exitCode, message) {
    this.#stopping.abort({ exitCode, message });
  }

  /** Runs the job. Resolves with its exit code, and with whether it was stopped early. */
  async run() {
    const { signal } = this.#stopping;
    const startedAt = performance.now();
    this.#define('tick', () => this.#onTick());
    this.#define('hashed', ({ index, digest }) => this.#onHashed(index, digest));
    this.#define('unreadable', ({ index, error }) => this.#onUnreadable(index, error));
    core.taskManager.schedule('tick');
    core.deferred(() => this.#start().catch((error) => this.#onBug(error)));
    // A stopped job has workers that still send results. The closed manager refuses these.
    await core.run({ signal, close: true });

    const milliseconds = performance.now() - startedAt;
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
    const { exitCode, message } = signal.reason ?? { exitCode: this.#unreadable > 0 ? 1 : 0 };
    this.#report.close();
    if (message !== undefined) {
      this.#report.message(message);
    }
    if (message !== undefined || !signal.aborted) {
      this.#report.summary({
        hashed: this.#hashed,
        found: this.#found,
        unreadable: this.#unreadable,
        bytes: this.#files?.bytesRead ?? 0,
        milliseconds,
        tasks: core.taskManager.stats(),
      });
    }
    return { exitCode, stopped: signal.aborted };
  }

  async #start() {
    this.#report.scanning();
    this.#files = FileList.from(await this.#scan());
    this.#report.hashing(this.#found);
    if (this.#found === 0) {
      core.stop();
    }
    const workerData = { files: this.#files.memory, go: this.#go.handle, tasks: core.taskManager.handle };
    while (this.#workers.size < Math.min(this.#workerLimit, this.#found)) {
      this.#startWorker(workerData);
    }
  }

  async #scan() {
    const paths = [];
    let pause = performance.now() + SLICE;
    for (const { path, error } of walk(this.#directory)) {
      if (error === undefined) {
        paths.push(path);
        this.#found = paths.length;
      } else {
        this.#complain(path, error);
      }
      if (performance.now() > pause) {
        // Lets the event loop make an iteration, so that signals arrive.
        await nextTurn();
        pause = performance.now() + SLICE;
      }
    }
    return paths;
  }

  #startWorker(workerData) {
    const worker = new Worker(join(__dirname, 'worker.js'), { workerData });
    this.#workers.add(worker);
    worker.on('error', (error) => {
      // A worker that was still starting when the last result came finds the manager closed.
      if (this.#results < this.#found) {
        this.stop(1, `a worker thread failed: ${error?.message ?? error}`);
      }
    });
    worker.on('exit', () => {
      this.#workers.delete(worker);
      if (this.#workers.size === 0) {
        // Runs in a later pass, which first takes the last tasks that the worker scheduled.
        core.deferred(() => this.#checkComplete());
      }
    });
  }

  /** Stops the job if results are missing, instead of waiting for them indefinitely. */
  #checkComplete() {
    const missing = this.#found - this.#results;
    if (missing > 0) {
      this.stop(1, `all worker threads have ended, and ${missing} results are missing`);
    }
  }

  #define(name, handler) {
    core.taskManager.define(name, (payload) => {
      try {
        handler(payload);
      } catch (error) {
        // The task manager would report the error and go on, but the output would be wrong.
        this.#onBug(error);
      }
    });
  }

  #onHashed(index, digest) {
    this.#hashed += 1;
    this.#onResult(index, checksumLine(digest, this.#files.pathAt(index)));
  }

  #onUnreadable(index, error) {
    this.#complain(this.#files.pathAt(index), error);
    this.#onResult(index, NO_LINE);
  }

  #onResult(index, line) {
    this.#results += 1;
    this.#output.put(index, line);
    if (this.#results === this.#found) {
      void this.#output.flush().then(() => core.stop());
    }
  }

  #onTick() {
    core.taskManager.schedule('tick', undefined, { delta: TICK });
    void this.#output.flush();
    if (this.#files === undefined) {
      this.#report.update(this.#found);
    } else {
      this.#report.update(this.#results, this.#files.bytesRead);
    }
  }

  #onOutputError(error) {
    const { exitCode, message } = outputFailure(error);
    this.stop(exitCode, message);
  }

  #onBug(error) {
    this.stop(1, error.stack);
  }

  #complain(path, error) {
    this.#unreadable += 1;
    this.#report.message(`${quotePath(path)}: ${reasonOf(error)}`);
  }
}

module.exports = { Job };

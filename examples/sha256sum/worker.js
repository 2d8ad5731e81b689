'use strict';
/** Hashes one file after the other in a worker, and schedules each result on the main thread's task manager. */

const { createHash } = require('node:crypto');
const { closeSync, constants, openSync, readSync } = require('node:fs');
const { workerData } = require('node:worker_threads');

const { TaskManager, WaitableEvent } = require('waitable-event');

const { FileList } = require('./shared');

/** The walk found a regular file. If a link or a FIFO has replaced it, do not follow it and do not wait for it. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const buffer = Buffer.allocUnsafeSlow(256 * 1024);

const files = new FileList(workerData.files);
const go = WaitableEvent.open(workerData.go);
const tasks = TaskManager.connect(workerData.tasks);

for (let index = nextFile(); index < files.length; index = nextFile()) {
  const { digest, error } = tryToHash(files.pathAt(index));
  if (error === undefined) {
    tasks.schedule('hashed', { index, digest });
  } else {
    tasks.schedule('unreadable', { index, error });
  }
}

/** Waits until the main thread has room for another result. A worker that has taken a file does not wait. */
function nextFile() {
  go.wait();
  return files.takeNext();
}

function tryToHash(path) {
  try {
    return { digest: hashFile(path) };
  } catch (error) {
    // An error of the operating system concerns this file. Any other error is a bug, and reaches the main thread as
    // 'error'.
    if (typeof error?.errno !== 'number') {
      throw error;
    }
    return { error: { errno: error.errno, message: error.message } };
  }
}

function hashFile(path) {
  const hash = createHash('sha256');
  const file = openSync(path, FLAGS);
  try {
    for (let size = readSync(file, buffer); size > 0; size = readSync(file, buffer)) {
      hash.update(buffer.subarray(0, size));
      files.addBytesRead(size);
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

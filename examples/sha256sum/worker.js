'use strict';
/** A worker thread: hashes one file after the other, and schedules each result on the main thread's task manager. */

const { createHash } = require('node:crypto');
const { closeSync, constants, openSync, readSync } = require('node:fs');
const { workerData } = require('node:worker_threads');

const { TaskManager, WaitableEvent } = require('waitable-event');

const { FileList } = require('./shared');

/** What the walk found was a regular file. Should a link or a FIFO have taken its place, we neither follow nor wait. */
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

/** Waits until the main thread has room for another result. Whoever has a file in hand does not wait. */
function nextFile() {
  go.wait();
  return files.takeNext();
}

function tryToHash(path) {
  try {
    return { digest: hashFile(path) };
  } catch (error) {
    // What the operating system says about this file. Anything else is a bug: the main thread hears of it as 'error'.
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

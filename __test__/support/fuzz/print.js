'use strict';

const { writeSync } = require('node:fs');

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of a text to a descriptor, also when that is a pipe which is full and does not block. */
function print(fd, text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        throw error;
      }
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

module.exports = { print };

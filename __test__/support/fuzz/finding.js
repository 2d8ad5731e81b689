'use strict';

const { isDeepStrictEqual, inspect } = require('node:util');

/** What a program found: the package did something that the model does not allow. */
class Finding extends Error {}

/** Throws a finding unless `condition` holds. */
function hold(condition, what) {
  if (!condition) {
    throw new Finding(typeof what === 'string' ? what : what());
  }
}

/** Throws a finding unless the two are deeply equal. */
function same(actual, expected, what) {
  if (!isDeepStrictEqual(actual, expected)) {
    const show = (value) => inspect(value, { depth: 4, breakLength: 120, maxArrayLength: 40, maxStringLength: 200 });
    throw new Finding(`${typeof what === 'string' ? what : what()}: ${show(actual)} instead of ${show(expected)}`);
  }
}

/** Returns the code, or else the message, of what `call` throws; undefined if it throws nothing. */
function codeOf(call) {
  try {
    call();
  } catch (error) {
    return error.code ?? String(error);
  }
  return undefined;
}

/** Returns the outcome of a promise: `{ value }` or `{ code }`. Throws a finding if there is none after `limit` ms. */
async function outcomeOf(promise, what, limit = 30_000) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Finding(`No end after ${limit} ms: ${what}`)), limit);
  });
  try {
    const settled = promise.then(
      (value) => ({ value }),
      (error) => ({ code: error?.code ?? error?.name ?? String(error), error }),
    );
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves in the next iteration of the event loop, or a moment later. */
function turn(milliseconds) {
  return new Promise((resolve) => {
    if (milliseconds === undefined) {
      setImmediate(resolve);
    } else {
      setTimeout(resolve, milliseconds);
    }
  });
}

module.exports = { Finding, hold, same, codeOf, outcomeOf, turn };

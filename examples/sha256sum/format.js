'use strict';
/** How things are written. */

const { getSystemErrorMap } = require('node:util');

const PROGRAM = 'sha256sum';

const ESCAPES = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

/**
 * The line of `sha256sum` for a file. A name with a backslash or a line break in it is escaped, and a backslash at the
 * beginning of the line says so.
 */
function checksumLine(digest, path) {
  // latin1 maps each byte to one character and back: a way to use regular expressions on bytes.
  const name = path.latin1Slice();
  const escaped = name.replaceAll(/[\\\n\r]/g, (character) => ESCAPES[character]);
  return Buffer.from(`${escaped === name ? '' : '\\'}${digest}  ${escaped}\n`, 'latin1');
}

/** A path for a message: as it is when it is plain text, otherwise as bash would take it, `$'a\nb'`. */
function quotePath(path) {
  const text = path.toString();
  if (text !== '' && !/[\p{Cc}\u{fffd}]/u.test(text)) {
    return text;
  }
  const quoted = path
    .latin1Slice()
    .replaceAll(/['\\]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return text === '' ? "''" : `$'${quoted}'`;
}

/** The reason of a system error, without what Node puts around it: "permission denied". */
function reasonOf({ errno, message }) {
  return getSystemErrorMap().get(errno)?.[1] ?? message;
}

/** 14664 as "14,664". */
function formatCount(count) {
  return count.toLocaleString('en-US');
}

/** 269812345 as "269.8 MB". */
function formatBytes(bytes) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  let amount = bytes;
  // 999.95 would be written as 1000.0.
  while (amount >= 999.95 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** Nanoseconds as "38 µs". */
function formatLatency(nanoseconds) {
  const microseconds = nanoseconds / 1e3;
  return microseconds < 1000 ? `${microseconds.toFixed(0)} µs` : `${(microseconds / 1e3).toFixed(1)} ms`;
}

module.exports = { PROGRAM, checksumLine, formatBytes, formatCount, formatLatency, quotePath, reasonOf };

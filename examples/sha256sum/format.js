'use strict';
/** Formats checksums, paths, errors and figures. */

const { getSystemErrorMap } = require('node:util');

const PROGRAM = 'sha256sum';

const ESCAPES = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

/**
 * Returns the line of `sha256sum` for a file. A name with a backslash or a line break in it is escaped. A backslash at
 * the beginning of the line marks such a line.
 */
function checksumLine(digest, path) {
  // latin1 maps each byte to one character and back, so that regular expressions work on bytes.
  const name = path.latin1Slice();
  const escaped = name.replaceAll(/[\\\n\r]/g, (character) => ESCAPES[character]);
  return Buffer.from(`${escaped === name ? '' : '\\'}${digest}  ${escaped}\n`, 'latin1');
}

/** Returns a path for a message: unchanged if it is plain text, otherwise as bash would accept it, `$'a\nb'`. */
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

/** Returns the reason of a system error without the text that Node adds: "permission denied". */
function reasonOf({ errno, message }) {
  return getSystemErrorMap().get(errno)?.[1] ?? message;
}

/** Formats 14664 as "14,664". */
function formatCount(count) {
  return count.toLocaleString('en-US');
}

/** Formats 269812345 as "269.8 MB". */
function formatBytes(bytes) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  let amount = bytes;
  // 999.95 would become 1000.0.
  while (amount >= 999.95 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** Formats nanoseconds as "38 µs". */
function formatLatency(nanoseconds) {
  const microseconds = nanoseconds / 1e3;
  return microseconds < 1000 ? `${microseconds.toFixed(0)} µs` : `${(microseconds / 1e3).toFixed(1)} ms`;
}

module.exports = { PROGRAM, checksumLine, formatBytes, formatCount, formatLatency, quotePath, reasonOf };

'use strict';
/**
 * Asks an HTTP server as fast as it answers: `http-client.js PORT`. For each message with a number it asks for so many
 * milliseconds, and answers with `{ each, p99 }` in nanoseconds. Each connection waits for its answer.
 */

const { connect } = require('node:net');

const CONNECTIONS = 32;
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

const latencies = [];
let until = 0;
let asking = 0;
let finish;

function ask(socket) {
  socket.before = performance.now();
  socket.write(REQUEST);
}

/** The answers are short: each comes in one piece. */
function answered(socket) {
  const after = performance.now();
  latencies.push(after - socket.before);
  if (after < until) {
    ask(socket);
    return;
  }
  asking -= 1;
  if (asking === 0) {
    finish(after);
  }
}

const sockets = Array.from({ length: CONNECTIONS }, () => {
  const socket = connect(Number(process.argv[2]), '127.0.0.1');
  socket.setNoDelay(true);
  socket.on('data', () => answered(socket));
  return socket;
});

process.on('message', (milliseconds) => {
  latencies.length = 0;
  const before = performance.now();
  until = before + milliseconds;
  asking = CONNECTIONS;
  finish = (after) => {
    const sorted = Float64Array.from(latencies).toSorted();
    const p99 = sorted[Math.floor(sorted.length * 0.99)];
    process.send({ each: ((after - before) * 1e6) / sorted.length, p99: p99 * 1e6 });
  };
  sockets.forEach(ask);
});
process.on('disconnect', () => process.exit());

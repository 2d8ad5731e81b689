// Receives datagrams from a socket that Node has made. The datagram `quit` ends it.
//
//   node examples/udp.js 47808
//   echo hello > /dev/udp/127.0.0.1/47808     # in bash
//   echo quit > /dev/udp/127.0.0.1/47808
'use strict';

require('./support/help')(__filename);
const { createSocket } = require('node:dgram');
const { readFileSync, readdirSync, statSync } = require('node:fs');
const { FileDispatcher, core } = require('waitable-event');

/** Maximum size of a datagram, in bytes. */
const LONGEST = 65_535;

class Datagrams extends FileDispatcher {
  /** Reads one datagram. If there are more, the loop calls this again in its next pass. */
  handleRead() {
    const text = this.recv(LONGEST).toString().trim();
    console.log(`${text.length} characters: ${text}`);
    if (text === 'quit') {
      this.close();
      core.stop();
    }
  }

  /** Ignores an empty datagram: it looks like the end of a stream, but a UDP socket has no end. */
  handleClose() {
    console.log('an empty one');
  }
}

const inodeOf = (fd) => statSync(`/proc/self/fd/${fd}`, { throwIfNoEntry: false })?.ino;

/** Returns the descriptor of the UDP socket that this process has bound to a port: Node has no call for it. */
function descriptorOf(port) {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sockets = readFileSync('/proc/net/udp', 'latin1').split('\n');
  const inode = sockets.map((line) => line.trim().split(/\s+/)).find(([, address]) => address?.endsWith(suffix))?.[9];
  return Number(readdirSync('/proc/self/fd').find((fd) => inodeOf(fd) === Number(inode)));
}

const wanted = Number(process.argv[2] ?? 0);
if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
  console.error('usage: node examples/udp.js [PORT]');
  process.exit(2);
}
const socket = createSocket('udp4');
socket.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
socket.bind(wanted, '127.0.0.1', () => {
  const { port } = socket.address();
  const datagrams = new Datagrams(descriptorOf(port));
  // Node must not receive from the socket too. The duplicate stays bound.
  socket.close();
  console.log(`listening on port ${port}, descriptor ${datagrams.fileno()}`);
  void core.run({ stopOn: ['SIGINT', 'SIGTERM'] });
});

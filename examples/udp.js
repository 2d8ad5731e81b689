// Receives datagrams, and answers each one with its length. The datagram `quit` ends it.
//
//   node examples/udp.js 47808
//   echo hello > /dev/udp/127.0.0.1/47808     # in bash
//   echo quit > /dev/udp/127.0.0.1/47808
'use strict';

require('./support/help')(__filename);
const { DatagramDispatcher, core } = require('waitable-event');

class Datagrams extends DatagramDispatcher {
  /** Reads one datagram. If there are more, the loop calls this again in its next pass. */
  handleRead() {
    const datagram = this.recvFrom();
    if (datagram === null) {
      return;
    }
    const text = datagram.data.toString().trim();
    console.log(`${text.length} characters from ${datagram.address}: ${text}`);
    this.sendTo(String(datagram.data.length), datagram.port, datagram.address);
    if (text === 'quit') {
      core.stop();
    }
  }
}

const port = Number(process.argv[2] ?? 0);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error('usage: node examples/udp.js [PORT]');
  process.exit(2);
}
try {
  const datagrams = new Datagrams({ address: '127.0.0.1', port });
  console.log(`listening on port ${datagrams.address().port}, descriptor ${datagrams.fileno()}`);
  void core.run({ stopOn: ['SIGINT', 'SIGTERM'] }).then(() => datagrams.close());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

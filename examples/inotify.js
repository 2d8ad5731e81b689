// Watches a directory with a descriptor of inotify(7). Removing the file `stop` from it ends the program.
//
// Node gives no access to inotify descriptors, and JavaScript cannot make one. But a process can inherit a descriptor:
// the program that starts it opens it, as systemd does with sockets. Here that is a short Python program, which then
// becomes Node. This works for other descriptors too: timerfd, signalfd, CAN sockets, a configured serial port.
//
//   node examples/inotify.js /tmp/somewhere
'use strict';

require('./support/help')(__filename);
const { spawnSync } = require('node:child_process');
const { FileDispatcher, core } = require('waitable-event');

const LAUNCHER = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = libc.inotify_init1(0)
IN_CLOSE_WRITE, IN_CREATE, IN_DELETE = 0x8, 0x100, 0x200
if libc.inotify_add_watch(fd, os.fsencode(sys.argv[1]), IN_CLOSE_WRITE | IN_CREATE | IN_DELETE) < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[2], [*sys.argv[2:], sys.argv[1], str(fd)])
`;
const NAMES = new Map([
  [0x8, 'written'],
  [0x100, 'created'],
  [0x200, 'deleted'],
]);
/** struct inotify_event: wd, mask, cookie, length of the name, name. */
const HEADER = 16;

class Watch extends FileDispatcher {
  handleRead() {
    const data = this.recv(65_536);
    for (let at = 0; at < data.length;) {
      const end = at + HEADER + data.readUInt32LE(at + 12);
      const name = data.toString('utf8', at + HEADER, end).replaceAll('\0', '');
      const what = NAMES.get(data.readUInt32LE(at + 4));
      console.log(`${what} ${name}`);
      if (name === 'stop' && what === 'deleted') {
        this.close();
        core.stop();
      }
      at = end;
    }
  }
}

const [directory, inherited] = process.argv.slice(2);
if (inherited === undefined) {
  const { status } = spawnSync('python3', ['-c', LAUNCHER, directory ?? '.', process.execPath, __filename], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  const watch = new Watch(Number(inherited));
  console.log(`watching ${directory}, descriptor ${watch.fileno()}`);
  core.runSync({ stopOn: ['SIGINT', 'SIGTERM'] });
}

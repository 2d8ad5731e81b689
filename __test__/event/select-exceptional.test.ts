/** select() and selectAsync() of an exceptional condition. */

import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { spawnSync } from 'node:child_process';

import { expect, test } from '@jest/globals';
import { select, selectAsync } from 'waitable-event';

import { Child, endedWith } from '../support/child';
import { report } from '../support/outcomes';
import { within } from '../support/timing';

const hasPython = spawnSync('python3', ['-c', 'print(1)']).status === 0;

test('out-of-band data is an exceptional condition', async () => {
  if (!hasPython) {
    report('There is no python3 here, and Node cannot send out-of-band data');
    return;
  }
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const python = `import socket, sys
s = socket.create_connection(("127.0.0.1", ${port}))
sys.stdin.readline()
s.send(b"!", socket.MSG_OOB)
sys.stdin.readline()`;
  const child = new Child('python3', ['-c', python], { stdio: ['pipe', 'pipe', 'pipe'] });
  const [socket] = (await within(once(server, 'connection'), 'a connection')) as [Socket];
  const { fd } = Reflect.get(socket, '_handle') as { fd: number };
  expect(select([fd], [fd], [fd], 1)).toEqual([[], [fd], []]);
  expect(select([fd], [], [fd], 1)).toEqual([[], [], []]);
  const wait = selectAsync([fd], [], [fd], 10_000);
  child.write('go\n');
  expect(await within(wait, 'selectAsync()')).toEqual([[], [], [fd]]);
  expect(select([], [], [fd])).toEqual([[], [], [fd]]);
  child.write('done\n');
  endedWith(await child.ended, 0);
  socket.destroy();
  server.close();
});

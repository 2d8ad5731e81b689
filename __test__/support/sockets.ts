import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

import { Child } from './child';
import { finallyDo } from './clean-up';
import { temporaryPath } from './files';
import { within } from './timing';

/** Returns the descriptor of a Node socket. */
export function fdOf(socket: unknown): number {
  // oxlint-disable-next-line no-underscore-dangle -- Node has no other way to tell
  return (socket as { _handle: { fd: number } })._handle.fd;
}

/** Makes two connected stream sockets, which Node itself does not read. */
export async function makeSockets(tcp: boolean = false): Promise<[Socket, Socket]> {
  const server = createServer({ pauseOnConnect: true });
  try {
    const path = temporaryPath('socket');
    await within(
      new Promise<void>((resolve) => (tcp ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve))),
      'listening',
    );
    const { port } = tcp ? (server.address() as AddressInfo) : { port: 0 };
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const client = tcp ? connect(port, '127.0.0.1') : connect(path);
    client.pause();
    const connected = new Promise<void>((resolve) => client.once('connect', resolve));
    const [peer] = await within(Promise.all([accepted, connected]), 'a connection');
    finallyDo(() => [client, peer].forEach((socket) => socket.destroy()));
    return [client, peer];
  } finally {
    server.close();
  }
}

/**
 * Makes a socket to which another process has sent `text` and then an urgent byte; undefined where there is no perl.
 */
export async function makeUrgentSocket(text: string): Promise<Socket | undefined> {
  const server = createServer({ pauseOnConnect: true });
  try {
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    await within(new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)), 'listening');
    const sender = new Child('perl', [
      '-MSocket',
      '-e',
      `socket(S, PF_INET, SOCK_STREAM, 0) && connect(S, sockaddr_in(shift, INADDR_LOOPBACK)) or die "$!";
       send(S, shift, 0); send(S, "!", MSG_OOB); $| = 1; print "sent"; sleep 60`,
      String((server.address() as AddressInfo).port),
      text,
    ]);
    const gone = sender.ended.catch((error: NodeJS.ErrnoException) => error.code);
    if ((await Promise.race([gone, sender.printed('sent')])) === 'ENOENT') {
      return undefined;
    }
    finallyDo(() => sender.kill('SIGKILL'));
    const socket = await within(accepted, 'a connection');
    finallyDo(() => socket.destroy());
    return socket;
  } finally {
    server.close();
  }
}

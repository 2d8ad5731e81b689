/** DatagramDispatcher: datagrams come whole, with their senders, and bad input gets an error with a code. */

import { createSocket } from 'node:dgram';

import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Datagram, DatagramDispatcher, type DatagramOptions, type RunLoop, select } from 'waitable-event';

import { finallyDo } from '../support/clean-up';
import { countDescriptors } from '../support/files';
import { codeOf, report } from '../support/outcomes';
import { Stage, ways } from '../support/run-loop/channels';
import { within } from '../support/timing';

const LOOPBACK = '127.0.0.1';

/** The most bytes of an IPv4 datagram. */
const LONGEST = 65_507;

class Mailbox extends DatagramDispatcher {
  readonly received: Datagram[] = [];
  readonly errors: unknown[] = [];
  size: number | undefined;

  constructor(loop: RunLoop | null, options: DatagramOptions = {}) {
    super({ address: LOOPBACK, ...options }, loop);
    finallyDo(() => this.close());
  }

  override handleRead(): void {
    for (let datagram = this.recvFrom(this.size); datagram !== null; datagram = this.recvFrom(this.size)) {
      this.received.push(datagram);
    }
  }

  override handleError(error: unknown): void {
    this.errors.push(error);
  }

  get port(): number {
    return this.address().port;
  }
}

const texts = (mailbox: Mailbox): string[] => mailbox.received.map(({ data }) => data.toString());

/** Waits for the next datagram without a loop. */
function receive(mailbox: DatagramDispatcher): Datagram | null {
  select([mailbox], [], [], 30_000);
  return mailbox.recvFrom();
}

/** Returns a socket, or reports why this system has none of the kind. */
function unlessRefused(make: () => Mailbox): Mailbox | undefined {
  try {
    return make();
  } catch (error) {
    report(`not tested here: ${String(error)}`);
    return undefined;
  }
}

describe.each(ways)('with %s()', (way) => {
  let stage: Stage;

  beforeEach(() => {
    stage = new Stage(way);
  });

  test('a datagram comes whole and with its sender, and an empty one is a datagram', async () => {
    const mailbox = new Mailbox(stage.loop);
    const sender = new Mailbox(null);
    for (const text of ['spam', '', 'Ѐggs']) {
      expect(sender.sendTo(text, mailbox.port, LOOPBACK)).toBe(true);
    }
    await stage.until(() => mailbox.received.length === 3, 'three datagrams');
    expect(texts(mailbox)).toEqual(['spam', '', 'Ѐggs']);
    for (const { data, ...rest } of mailbox.received) {
      expect(data).toBeInstanceOf(Buffer);
      expect(rest).toEqual({ ...sender.address(), truncated: false });
    }
    expect(mailbox.errors).toEqual([]);
  });

  test('the sender is answered', async () => {
    const asker = new Mailbox(stage.loop);
    const echo = new Mailbox(stage.loop);
    echo.handleRead = () => {
      const { data, port, address } = echo.recvFrom() as Datagram;
      echo.sendTo(data, port, address);
    };
    const longest = Buffer.alloc(LONGEST, 'spam');
    asker.sendTo(longest, echo.port, LOOPBACK);
    await stage.until(() => asker.received.length > 0, 'an answer');
    expect(asker.received[0]?.data.equals(longest)).toBe(true);
  });

  test('one datagram is read in a pass, and the loop calls again for the others', async () => {
    const mailbox = new Mailbox(stage.loop);
    let calls = 0;
    mailbox.handleRead = () => {
      calls += 1;
      mailbox.received.push(mailbox.recvFrom() as Datagram);
    };
    const sender = new Mailbox(null);
    ['1', '2', '3'].forEach((text) => sender.sendTo(text, mailbox.port, LOOPBACK));
    await stage.until(() => mailbox.received.length === 3, 'three datagrams');
    expect([texts(mailbox), calls]).toEqual([['1', '2', '3'], 3]);
  });

  test('what a handler throws reaches handleError(), and the channel stays', async () => {
    const mailbox = new Mailbox(stage.loop);
    const read = mailbox.handleRead.bind(mailbox);
    mailbox.handleRead = () => {
      mailbox.handleRead = read;
      mailbox.recvFrom();
      mailbox.sendTo(Buffer.alloc(LONGEST + 1), mailbox.port, LOOPBACK);
    };
    const sender = new Mailbox(null);
    sender.sendTo('spam', mailbox.port, LOOPBACK);
    await stage.until(() => mailbox.errors.length > 0, 'an error');
    expect(mailbox.errors).toMatchObject([{ code: 'EMSGSIZE', syscall: 'sendto' }]);
    sender.sendTo('eggs', mailbox.port, LOOPBACK);
    await stage.until(() => mailbox.received.length > 0, 'the next datagram');
    expect(texts(mailbox)).toEqual(['eggs']);
  });

  test('a channel with a handleWrite() is told that there is room', async () => {
    const mailbox = new Mailbox(stage.loop);
    let wants = true;
    mailbox.writable = () => wants;
    mailbox.handleWrite = () => {
      wants = !mailbox.sendTo('to myself', mailbox.port, LOOPBACK);
    };
    stage.loop.update(mailbox);
    await stage.until(() => mailbox.received.length > 0, 'a datagram');
    expect(texts(mailbox)).toEqual(['to myself']);
  });

  test('a channel that was closed in its handler is called no more', async () => {
    const mailbox = new Mailbox(stage.loop);
    mailbox.handleRead = () => {
      mailbox.received.push(mailbox.recvFrom() as Datagram);
      mailbox.close();
    };
    const sender = new Mailbox(null);
    ['1', '2'].forEach((text) => sender.sendTo(text, mailbox.port, LOOPBACK));
    await stage.until(() => mailbox.received.length > 0, 'a datagram');
    await stage.passes(3);
    expect(texts(mailbox)).toEqual(['1']);
    expect(codeOf(() => mailbox.address())).toBe('EBADF');
  });
});

test('there is nothing to receive: null, and no wait', () => {
  expect(new Mailbox(null).recvFrom()).toBeNull();
});

test('the rest of a long datagram is lost, and that is told', () => {
  const [mailbox, sender] = [new Mailbox(null), new Mailbox(null)];
  ['spam and eggs', 'ham!', ''].forEach((text) => sender.sendTo(text, mailbox.port, LOOPBACK));
  const received = [4, 4, 0].map((size) => {
    select([mailbox], [], [], 30_000);
    return mailbox.recvFrom(size) as Datagram;
  });
  expect(received.map(({ data, truncated }) => [data.toString(), truncated])).toEqual([
    ['spam', true],
    ['ham!', false],
    ['', false],
  ]);
});

test('a datagram that was received stays as it is when the next one comes', () => {
  const [mailbox, sender] = [new Mailbox(null), new Mailbox(null)];
  sender.sendTo('spam', mailbox.port, LOOPBACK);
  const first = receive(mailbox);
  sender.sendTo('eggs', mailbox.port, LOOPBACK);
  receive(mailbox);
  expect(first?.data.toString()).toBe('spam');
});

test("it talks to Node's own sockets", async () => {
  const socket = createSocket('udp4');
  finallyDo(() => void socket.close());
  const answered = new Promise<string>((resolve) => {
    socket.on('message', (data, { port, address }) => {
      // Some runtimes send later.
      socket.send(`${data.toString()}!`, port, address, () => resolve(`${address} ${port}`));
    });
  });
  await new Promise<void>((resolve) => void socket.bind(0, LOOPBACK, resolve));
  const mailbox = new Mailbox(null);
  mailbox.sendTo(new Uint8Array([104, 105]), socket.address().port, LOOPBACK);
  expect(await within(answered, 'a message')).toBe(`${LOOPBACK} ${mailbox.port}`);
  expect(receive(mailbox)?.data.toString()).toBe('hi!');
});

test('IPv6', () => {
  const mailbox = unlessRefused(() => new Mailbox(null, { address: '::1', ipv6Only: true }));
  if (mailbox === undefined) {
    return;
  }
  mailbox.sendTo('spam', mailbox.port, '::1');
  expect(receive(mailbox)).toMatchObject({ address: '::1', family: 'IPv6', port: mailbox.port });
  expect(codeOf(() => mailbox.sendTo('spam', mailbox.port, '::1%no-such-interface'))).toBe('ERR_INVALID_ARG_VALUE');
});

test('a socket for IPv6 gets datagrams of IPv4, too', () => {
  const mailbox = unlessRefused(() => new Mailbox(null, { address: '::' }));
  if (mailbox === undefined) {
    return;
  }
  const sender = new Mailbox(null);
  sender.sendTo('spam', mailbox.port, LOOPBACK);
  expect(receive(mailbox)).toMatchObject({ address: `::ffff:${LOOPBACK}`, family: 'IPv6', port: sender.port });
});

test('a broadcast needs the permission', () => {
  const mailbox = new Mailbox(null, { address: '0.0.0.0' });
  const send = (): void => void mailbox.sendTo('spam', mailbox.port, '255.255.255.255');
  expect(codeOf(send)).toBe('EACCES');
  mailbox.setBroadcast(true);
  // Without a network there is no way to anybody.
  expect([undefined, 'ENETUNREACH', 'EADDRNOTAVAIL']).toContain(codeOf(send));
  mailbox.setBroadcast(false);
  expect(codeOf(send)).toBe('EACCES');
});

test('multicast: a group is joined and left', () => {
  const group = '239.255.71.8';
  const member = new Mailbox(null, { address: '0.0.0.0' });
  const refused = codeOf(() => member.addMembership(group, LOOPBACK));
  if (refused !== undefined) {
    report(`multicast is not tested here: ${refused}`);
    return;
  }
  const sender = new Mailbox(null);
  sender.setMulticastInterface(LOOPBACK);
  sender.setMulticastTTL(1);
  sender.setMulticastLoopback(true);
  sender.sendTo('spam', member.port, group);
  expect(receive(member)).toMatchObject({ port: sender.port });
  expect(codeOf(() => member.addMembership(group, LOOPBACK))).toBe('EADDRINUSE');
  member.dropMembership(group, LOOPBACK);
  expect(codeOf(() => member.dropMembership(group, LOOPBACK))).toMatch(/^E(?:ADDRNOTAVAIL|INVAL)$/);
  expect(codeOf(() => member.addMembership(LOOPBACK))).toMatch(/^E[A-Z]+$/);
});

test('a port is taken, unless all of its sockets share it', () => {
  const first = new Mailbox(null);
  expect(codeOf(() => new Mailbox(null, { port: first.port }))).toBe('EADDRINUSE');
  const shared = new Mailbox(null, { reuseAddress: true });
  expect(new Mailbox(null, { port: shared.port, reuseAddress: true }).port).toBe(shared.port);
  // An address for documentation: no machine has it.
  expect(codeOf(() => new Mailbox(null, { address: '192.0.2.1' }))).toBe('EADDRNOTAVAIL');
});

test('an attempt that fails leaves no descriptor, and a close frees the port', () => {
  const none = countDescriptors();
  const first = new Mailbox(null);
  const { port } = first;
  const before = countDescriptors();
  for (let attempt = 0; attempt < 20; attempt += 1) {
    expect(codeOf(() => new Mailbox(null, { port }))).toBe('EADDRINUSE');
    expect(codeOf(() => new DatagramDispatcher({}, 'loop' as never))).toBe('ERR_INVALID_ARG_TYPE');
  }
  expect(countDescriptors()).toBe(before);
  first.close();
  first.close();
  new Mailbox(null, { port })[Symbol.dispose]();
  expect(countDescriptors()).toBe(none);
});

test('a closed channel', () => {
  const mailbox = new Mailbox(null);
  mailbox.close();
  const calls = [
    () => mailbox.fileno(),
    () => mailbox.address(),
    () => mailbox.recvFrom(),
    () => mailbox.sendTo('spam', 9, LOOPBACK),
    () => mailbox.setBroadcast(true),
    () => mailbox.setMulticastTTL(1),
    () => mailbox.setMulticastLoopback(true),
    () => mailbox.setMulticastInterface(LOOPBACK),
    () => mailbox.addMembership('239.255.71.8'),
    () => mailbox.dropMembership('239.255.71.8'),
  ];
  expect(calls.map((call) => codeOf(call))).toEqual(calls.map(() => 'EBADF'));
});

const noAddresses = ['', 'localhost', '127.1', '1.2.3.4.5', '1.2.3.4:80', '[::1]', '::1%', '1.2.3.4\0', '\ud800'];

test.each<[string, DatagramOptions, string]>([
  ['no object', 7 as never, 'ERR_INVALID_ARG_TYPE'],
  ['null', null as never, 'ERR_INVALID_ARG_TYPE'],
  ['an unknown name', { adress: LOOPBACK } as never, 'ERR_INVALID_ARG_VALUE'],
  ['an address that is no string', { address: 7 as never }, 'ERR_INVALID_ARG_TYPE'],
  ...noAddresses.map((address): [string, DatagramOptions, string] => [
    `the address ${JSON.stringify(address)}`,
    { address },
    'ERR_INVALID_ARG_VALUE',
  ]),
  ['a port that is a string', { port: '7' as never }, 'ERR_INVALID_ARG_TYPE'],
  ...[-1, 65_536, 1.5, Number.NaN].map((port): [string, DatagramOptions, string] => [
    `the port ${port}`,
    { port },
    'ERR_INVALID_ARG_VALUE',
  ]),
  ['broadcast that is a number', { broadcast: 1 as never }, 'ERR_INVALID_ARG_TYPE'],
  ['reuseAddress that is null', { reuseAddress: null as never }, 'ERR_INVALID_ARG_TYPE'],
  ['ipv6Only that is a string', { ipv6Only: 'yes' as never }, 'ERR_INVALID_ARG_TYPE'],
])('the constructor refuses %s', (_, options, code) => {
  expect(codeOf(() => new DatagramDispatcher(options, null))).toBe(code);
});

test('calls refuse what makes no sense', () => {
  const mailbox = new Mailbox(null);
  const { port } = mailbox;
  const type = 'ERR_INVALID_ARG_TYPE';
  const value = 'ERR_INVALID_ARG_VALUE';
  const cases: [() => unknown, string][] = [
    [() => mailbox.sendTo(7 as never, port, LOOPBACK), type],
    [() => mailbox.sendTo(null as never, port, LOOPBACK), type],
    [() => mailbox.sendTo('spam', String(port) as never, LOOPBACK), type],
    [() => mailbox.sendTo('spam', 0, LOOPBACK), value],
    [() => mailbox.sendTo('spam', 65_536, LOOPBACK), value],
    [() => mailbox.sendTo('spam', port, undefined as never), type],
    ...noAddresses.map((address): [() => unknown, string] => [() => mailbox.sendTo('spam', port, address), value]),
    [() => mailbox.recvFrom(-1), value],
    [() => mailbox.recvFrom(65_536), value],
    [() => mailbox.recvFrom('7' as never), type],
    [() => mailbox.setBroadcast(1 as never), type],
    [() => mailbox.setMulticastTTL(256), value],
    [() => mailbox.setMulticastLoopback(undefined as never), type],
    [() => mailbox.addMembership('all'), value],
    [() => mailbox.addMembership('239.255.71.8', '::1'), value],
    [() => mailbox.setMulticastInterface('::1'), value],
    [() => mailbox.addMembership('239.255.71.8', 7 as never), type],
  ];
  expect(cases.map(([call]) => codeOf(call))).toEqual(cases.map(([, code]) => code));
  expect(codeOf(() => mailbox.sendTo('spam', port, '::1'))).toMatch(/^E[A-Z]+$/);
  expect(mailbox.recvFrom()).toBeNull();
});

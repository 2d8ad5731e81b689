/** A channel that owns a UDP socket. */

import { Buffer as NodeBuffer } from 'node:buffer';

import { ADDRESS_LENGTH, TRUNCATED, check, errno, fast, native, reserveStack, toError } from '../platform';
import {
  InvalidArgTypeError,
  InvalidArgValueError,
  SystemError,
  validateBoolean,
  validateInteger,
  validateNames,
  validateOptions,
  validateString,
} from '../util';
import { Dispatcher } from './dispatcher';
import { AddressCache } from './internet-address';
import { type Loop, activity, defaultLoop } from './loop';

/** The length of the longest datagram that the header of UDP allows, in bytes. */
const LONGEST = 65_535;

const PORTS = 65_535;

/** How a {@link DatagramDispatcher} binds its socket. */
export interface DatagramOptions {
  /**
   * The address to bind to: IPv4, or IPv6 with an optional zone (`fe80::1%eth0`). Names are not resolved. Default:
   * `'0.0.0.0'`, all interfaces by IPv4.
   */
  address?: string | undefined;
  /** The port to bind to, from 0 to 65535. Default: 0, a free one. */
  port?: number | undefined;
  /** Whether datagrams may be sent to broadcast addresses. Default: false. */
  broadcast?: boolean | undefined;
  /**
   * Whether other sockets may have the same address, if they say so, too. They all get broadcasts and multicasts, and
   * one of them gets what is sent to the address itself. Default: false.
   */
  reuseAddress?: boolean | undefined;
  /** Whether a socket that is bound to `'::'` gets no datagrams of IPv4. Default: false. */
  ipv6Only?: boolean | undefined;
}

/** Where a datagram comes from, or what a socket is bound to. */
export interface DatagramAddress {
  /** The address, as {@link DatagramOptions.address} has it. */
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

/** A datagram that was received, with its sender. */
export interface Datagram extends DatagramAddress {
  /** The bytes; none for an empty datagram. */
  data: Buffer;
  /** Whether the datagram was longer than `recvFrom()` has asked for. Its rest is lost. */
  truncated: boolean;
}

/** Where `recvFrom()` receives. One datagram at a time is in it, and is copied to a buffer of its own size. */
let scratch: Buffer | undefined;

/** Closes the socket of a dispatcher that was dropped. */
const dropped = new FinalizationRegistry<number>((fd) => native.closeDatagram(fd));

/**
 * Sends and receives datagrams by a UDP socket of its own in a run loop: what a BACpypes program has in its
 * `UDPDirector`, which is an `asyncore.dispatcher`.
 *
 * Unlike a socket of `node:dgram`, it has a descriptor, so `runSync()`, `loop()` and `select()` wait for it, too. A
 * datagram is read when the program asks for it, not when it arrives. An empty datagram is a datagram, and no end: a
 * UDP socket has none, so nothing but an error calls `handleClose()`.
 *
 * An error of a handler goes to `handleError()`, as for every channel. `recvFrom()` and `sendTo()` never block. A
 * dispatcher that was dropped, and is in no loop, is closed when it is garbage. It belongs to one thread.
 *
 * @example
 * class Echo extends DatagramDispatcher {
 *   handleRead() {
 *     const datagram = this.recvFrom();
 *     if (datagram !== null) this.sendTo(datagram.data, datagram.port, datagram.address);
 *   }
 * }
 * new Echo({ address: '127.0.0.1', port: 7007 });
 */
export class DatagramDispatcher extends Dispatcher {
  #fd: number;
  /** 4 or 6. */
  readonly #family: number;
  readonly #senders = new AddressCache();
  readonly #receivers = new AddressCache();
  /** How often something was received or sent. @internal */
  declare [activity]: number;

  /**
   * Binds a socket, and joins a loop with it. The loop calls no method of the channel before the constructors of its
   * subclasses have returned.
   *
   * Throws `EADDRINUSE` for a port that is taken, `EADDRNOTAVAIL` for an address that this machine does not have,
   * `EACCES` for a port that needs a privilege, `EAFNOSUPPORT` without IPv6, and `EMFILE` when no descriptors are left.
   * Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for other options than there are.
   *
   * @param options What to bind to.
   * @param loop The loop to join; `null` joins none. Default: this thread's own one.
   */
  constructor(options: DatagramOptions = {}, loop: Loop | null = defaultLoop()) {
    super();
    validateOptions(options);
    validateNames('options', options, ['address', 'port', 'broadcast', 'reuseAddress', 'ipv6Only']);
    const { address = '0.0.0.0', port = 0, broadcast = false, reuseAddress = false, ipv6Only = false } = options;
    validateBoolean('options.broadcast', broadcast);
    validateBoolean('options.reuseAddress', reuseAddress);
    validateBoolean('options.ipv6Only', ipv6Only);
    const encoded = parse('options.address', address, validateInteger('options.port', port, 0, PORTS));
    this[activity] = 0;
    this.#family = encoded[0] as number;
    this.#fd = check(native.bindDatagram(encoded, reuseAddress, ipv6Only, broadcast), 'bind');
    dropped.register(this, this.#fd, this);
    if (loop !== null) {
      try {
        this.addChannel(loop);
      } catch (error) {
        this.#release();
        throw error;
      }
    }
  }

  /** Returns the descriptor of the socket. Throws `EBADF` when the channel is closed. */
  fileno(): number {
    if (this.#fd < 0) {
      throw new SystemError(-errno().EBADF, 'fileno');
    }
    return this.#fd;
  }

  /** Returns what the socket is bound to, with the port that the system has chosen. Throws `EBADF` when closed. */
  address(): DatagramAddress {
    const encoded = NodeBuffer.alloc(ADDRESS_LENGTH);
    check(native.localAddress(this.#fd, encoded), 'getsockname');
    return { ...new AddressCache().decode(encoded) };
  }

  /**
   * Receives the next datagram, in a buffer of its own. Returns `null` when there is none: after each readiness, a
   * channel may call this until it is `null`, or once, and is called again.
   *
   * Throws `EBADF` when the channel is closed, and errors that the system keeps for the socket.
   *
   * @param size The most bytes to receive, from 0 to 65535; the rest of a longer datagram is lost. Default: 65535,
   *   which no datagram exceeds.
   */
  recvFrom(size: number = LONGEST): Datagram | null {
    validateInteger('size', size, 0, LONGEST);
    scratch ??= NodeBuffer.allocUnsafeSlow(LONGEST);
    const place = this.#senders.place;
    const result = fast.receiveDatagram(this.#fd, size === LONGEST ? scratch : scratch.subarray(0, size), place);
    if (result < 0) {
      if (result === -errno().EAGAIN) {
        return null;
      }
      throw toError(result, 'recvmsg');
    }
    this[activity] += 1;
    const { address, family, port } = this.#senders.decode(place);
    const data = NodeBuffer.from(scratch.subarray(0, result & ~TRUNCATED));
    return { data, address, family, port, truncated: (result & TRUNCATED) !== 0 };
  }

  /**
   * Sends one datagram. Returns false when the system has no room for it now; then nothing was sent, and a channel that
   * is `writable()` is told when there may be room.
   *
   * True says that it was sent, not that it arrives. Throws `EMSGSIZE` for one that is too long (65507 bytes is the
   * most by IPv4), `EACCES` for a broadcast without `broadcast`, `ENETUNREACH` and `EHOSTUNREACH` without a way to the
   * receiver, and `EBADF` when the channel is closed. Throws `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for what
   * is no data, port or address.
   *
   * @param data What to send; a string is sent as UTF-8. An empty one sends an empty datagram.
   * @param port The port of the receiver, from 1 to 65535.
   * @param address The address of the receiver, of the same family as the socket's. Names are not resolved.
   */
  sendTo(data: Uint8Array | string, port: number, address: string): boolean {
    const bytes = typeof data === 'string' ? NodeBuffer.from(data) : data;
    if (!ArrayBuffer.isView(bytes)) {
      throw new InvalidArgTypeError('data', 'a string or a Uint8Array', data);
    }
    const receiver = this.#receivers.encode(address, port) ?? this.#parseReceiver(address, port);
    const result = fast.sendDatagram(this.#fd, bytes, receiver);
    if (result >= 0) {
      this[activity] += 1;
      return true;
    }
    if (result === -errno().EAGAIN || result === -errno().ENOBUFS) {
      return false;
    }
    throw toError(result, 'sendto');
  }

  /** Sets whether datagrams may be sent to broadcast addresses. Throws `EBADF` when the channel is closed. */
  setBroadcast(isAllowed: boolean): void {
    check(native.setBroadcast(this.#fd, requireBoolean('isAllowed', isAllowed)), 'setsockopt');
  }

  /**
   * Joins a multicast group: the socket gets what is sent to that address and its own port.
   *
   * Throws `EADDRINUSE` for a group that it is in already, `ENODEV` or `EADDRNOTAVAIL` for an interface that does not
   * exist, `EINVAL` for an address that is no group, and `ENOPROTOOPT` for a group of IPv6 on a socket of IPv4.
   *
   * @param group The address of the group.
   * @param networkInterface The interface: one of its addresses for a group of IPv4, `'::%NAME'` for one of IPv6.
   *   Default: the system's choice.
   */
  addMembership(group: string, networkInterface?: string): void {
    this.#changeMembership(group, networkInterface, true);
  }

  /** Leaves a multicast group. Throws `EADDRNOTAVAIL` or `EINVAL` for a group that the socket is not in. */
  dropMembership(group: string, networkInterface?: string): void {
    this.#changeMembership(group, networkInterface, false);
  }

  /**
   * Chooses the interface by which datagrams leave for multicast groups: one of its addresses for a socket of IPv4,
   * `'::%NAME'` for one of IPv6. Throws `EADDRNOTAVAIL` or `ENODEV` for an interface that does not exist.
   */
  setMulticastInterface(networkInterface: string): void {
    const encoded = parse('networkInterface', networkInterface, 0, this.#family);
    check(native.setMulticastInterface(this.#fd, encoded), 'setsockopt');
  }

  /** Sets how many hops a datagram for a multicast group may take, from 0 to 255. The system's default is 1. */
  setMulticastTTL(hops: number): void {
    check(native.setMulticastTtl(this.#fd, validateInteger('hops', hops, 0, 255)), 'setsockopt');
  }

  /** Sets whether sockets of this machine get what this one sends to a multicast group. The default is true. */
  setMulticastLoopback(isWanted: boolean): void {
    check(native.setMulticastLoopback(this.#fd, requireBoolean('isWanted', isWanted)), 'setsockopt');
  }

  /** Leaves the loop and closes the socket. Datagrams that were not read are lost. Closing twice is allowed. */
  override close(): void {
    reserveStack();
    super.close();
    this.#release();
  }

  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #parseReceiver(address: unknown, port: unknown): Uint8Array {
    return this.#receivers.remember(
      parse('address', address, validateInteger('port', port, 1, PORTS)),
      address as string,
    );
  }

  #changeMembership(group: string, networkInterface: string | undefined, joins: boolean): void {
    const encoded = parse('group', group, 0);
    // Bytes that are no address leave the choice to the system.
    const place =
      networkInterface === undefined ? NodeBuffer.alloc(0) : parse('networkInterface', networkInterface, 0, encoded[0]);
    check(native.changeMembership(this.#fd, encoded, place, joins), 'setsockopt');
  }

  /** Closes the socket. */
  #release(): void {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd >= 0) {
      dropped.unregister(this);
      native.closeDatagram(fd);
    }
  }
}

/** Returns an address as native code has it. `family` is 4 or 6, if it must be of one. */
function parse(name: string, text: unknown, port: number, family?: number): Uint8Array {
  const encoded = NodeBuffer.alloc(ADDRESS_LENGTH);
  const isAddress = native.parseInternetAddress(validateString(name, text), port, encoded) >= 0;
  if (!isAddress || (family !== undefined && encoded[0] !== family)) {
    const families = family === undefined ? 'IPv4 or IPv6' : `IPv${family}`;
    throw new InvalidArgValueError(name, `an address of ${families}, names are not resolved`, text);
  }
  return encoded;
}

function requireBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new InvalidArgTypeError(name, 'a boolean', value);
  }
  return value;
}

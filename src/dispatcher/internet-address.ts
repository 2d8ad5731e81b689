/** Addresses as native code has them, 24 bytes each: a datagram costs no string when its peer is the one before. */

import { ADDRESS_LENGTH, native } from '../platform';

const IPV6 = 6;

/** What is read from the bytes of an address. */
export interface DecodedAddress {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
}

/** Translates addresses, and remembers the last one. */
export class AddressCache {
  /** Where native code writes an address. */
  readonly place: Uint8Array = new Uint8Array(ADDRESS_LENGTH);
  #bytes: Uint8Array = new Uint8Array(ADDRESS_LENGTH);
  #address: DecodedAddress = { address: '', family: 'IPv4', port: 0 };

  /** Returns what the bytes of an address say. */
  decode(bytes: Uint8Array): DecodedAddress {
    if (this.#address.address === '' || !isEqual(bytes, this.#bytes)) {
      this.remember(Uint8Array.from(bytes), native.formatInternetAddress(bytes));
    }
    return this.#address;
  }

  /** Returns the bytes of the address that was remembered last, if it is this one. */
  encode(address: unknown, port: unknown): Uint8Array | undefined {
    return this.#address.address === address && this.#address.port === port ? this.#bytes : undefined;
  }

  /** Remembers an address, and returns its bytes. */
  remember(bytes: Uint8Array, address: string): Uint8Array {
    this.#bytes = bytes;
    const [kind, , low, high] = bytes as unknown as [number, number, number, number];
    this.#address = { address, family: kind === IPV6 ? 'IPv6' : 'IPv4', port: low + high * 256 };
    return bytes;
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  for (let index = 0; index < ADDRESS_LENGTH; index += 1) {
    if (one[index] !== other[index]) {
      return false;
    }
  }
  return true;
}

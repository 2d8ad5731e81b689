'use strict';
/** A client: it reads properties, and asks again, by a task, when there is no answer. */

const { ConfirmedServiceChoice, ErrorClass, ErrorCode, PduType } = require('@bacnet-js/client');
const services = require('@bacnet-js/client/dist/lib/services').default;

const { DatagramDispatcher, OneShotTask } = require('../..');

const codec = require('./codec');

/** One request, until it is answered. The task is its time-out. */
class Transaction extends OneShotTask {
  constructor(client, { timeout, retries }, bytes, to) {
    super();
    Object.assign(this, { client, timeout, left: retries, bytes, to });
    this.answer = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.send();
  }

  send() {
    this.client.sendTo(this.bytes, this.to.port, this.to.address);
    this.installTask({ delta: this.timeout });
  }

  processTask() {
    if (this.left === 0) {
      this.reject(new Error(`no answer from ${this.to.address}:${this.to.port}`));
      return;
    }
    this.left -= 1;
    this.send();
  }
}

class Client extends DatagramDispatcher {
  #transactions = new Map();
  #nextId = 0;

  constructor(address, timing = { timeout: 3000, retries: 3 }) {
    super({ address });
    this.timing = timing;
  }

  /** Resolves with the values of a property. At most 256 requests wait at a time. */
  async readProperty(to, { type, instance }, property) {
    const id = this.#nextId;
    this.#nextId = (id + 1) % 256;
    const request = codec.encodeRequest(to, ConfirmedServiceChoice.READ_PROPERTY, id, (place) =>
      services.readProperty.encode(place, type, instance, property, codec.ASN1_ARRAY_ALL),
    );
    const transaction = new Transaction(this, this.timing, Buffer.from(request.bytes), to);
    this.#transactions.set(id, transaction);
    try {
      return await transaction.answer;
    } finally {
      transaction.suspendTask();
      this.#transactions.delete(id);
    }
  }

  handleRead() {
    const datagram = this.recvFrom();
    if (datagram === null) return;
    const { kind, invokeId, peer, data } = codec.decode(datagram);
    const transaction = this.#transactions.get(invokeId);
    if (transaction?.to.address !== peer.address || transaction.to.port !== peer.port) return;
    if (kind === PduType.COMPLEX_ACK) {
      const answer = services.readProperty.decodeAcknowledge(data, 3, data.length - 3);
      transaction.resolve(answer?.values.map(({ value }) => value));
    } else if (kind === PduType.ERROR) {
      const { class: errorClass, code } = services.error.decode(data, 3);
      transaction.reject(new Error(`${ErrorClass[errorClass]}: ${ErrorCode[code]}`));
    } else {
      transaction.reject(new Error(PduType[kind]));
    }
  }

  handleError(error) {
    console.error(error.message);
  }
}

module.exports = { Client };

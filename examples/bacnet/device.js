'use strict';
/** The device: a UDP socket in this thread's loop, and what it answers. */

const {
  AbortReason,
  ConfirmedServiceChoice: Service,
  ErrorClass,
  ErrorCode,
  PduType,
  PropertyIdentifier: Property,
  RejectReason,
} = require('@bacnet-js/client');

const { DatagramDispatcher } = require('../..');

const codec = require('./codec');
const { Objects, Refusal, ValueObject } = require('./objects');
const { Subscriptions } = require('./subscriptions');

/** How many datagrams the device answers before other channels and tasks have their turn. */
const BURST = 64;

/** The least length of one result of many, in bytes: its property, and two tags. */
const RESULT_LENGTH = 4;

/** Which answers are refusals, by their kind. */
const REFUSALS = new Map([
  [PduType.ERROR, 'an error'],
  [PduType.REJECT, 'a reject'],
  [PduType.ABORT, 'an abort'],
]);

/** What has the service a request is of. */
const SERVICES = new Map([
  [Service.READ_PROPERTY, 'readProperty'],
  [Service.READ_PROPERTY_MULTIPLE, 'readPropertyMultiple'],
  [Service.WRITE_PROPERTY, 'writeProperty'],
  [Service.SUBSCRIBE_COV, 'subscribeCov'],
]);

/** Properties that stand for several. */
const SEVERAL = new Set([Property.ALL, Property.REQUIRED, Property.OPTIONAL]);

/** A socket of the device. */
class Port extends DatagramDispatcher {
  constructor(device, options) {
    super(options);
    this.device = device;
  }

  handleRead() {
    for (let count = 0; count < BURST; count += 1) {
      const datagram = this.recvFrom();
      if (datagram === null) return;
      this.device.onDatagram(datagram);
    }
  }

  /** A device outlives every error of its network. */
  handleError(error) {
    this.device.log.limited(`error: ${error.message}`);
  }
}

class Device {
  /** `broadcast` is an address on which the device also listens. Throws what a socket throws that cannot be bound. */
  constructor({ address, port, broadcast, instance, timing, log }) {
    this.log = log;
    this.objects = new Objects(instance, timing);
    this.port = new Port(this, { address, port, broadcast: true });
    this.ports = [this.port];
    if (broadcast !== undefined) {
      try {
        this.ports.push(new Port(this, { address: broadcast, port, reuseAddress: true }));
      } catch (error) {
        this.port.close();
        throw error;
      }
    }
    const send = (peer, notification) =>
      this.send(peer, codec.encodeNotification(peer, { ...notification, device: instance }).bytes);
    this.subscriptions = new Subscriptions({ send, log, timing });
    for (const object of this.objects.all) object.onChange = () => this.subscriptions.onChange(object);
  }

  /** Sends bytes to a client. What has no room is lost, as everything is that UDP loses: the client asks again. */
  send({ address, port }, bytes) {
    try {
      if (!this.port.sendTo(bytes, port, address)) this.log.limited('a datagram was not sent: there was no room');
    } catch (error) {
      this.log.limited(`nothing was sent to ${address}:${port}: ${error.message}`);
    }
  }

  onDatagram(datagram) {
    let request;
    try {
      request = codec.decode(datagram);
    } catch (error) {
      if (!(error instanceof codec.Malformed)) throw error;
      this.log.limited(`ignored a datagram from ${datagram.address}: ${error.message}`);
      return;
    }
    if (request.kind === PduType.CONFIRMED_REQUEST) {
      this.answer(request);
    } else if (request.kind === PduType.UNCONFIRMED_REQUEST) {
      if (request.content !== undefined) this.whoIs(request);
    } else {
      this.subscriptions.onAnswer(request, REFUSALS.get(request.kind));
    }
  }

  whoIs({ peer, content: { lowLimit = 0, highLimit = Infinity } }) {
    const { device } = this.objects;
    if (device.instance >= lowLimit && device.instance <= highLimit) {
      this.send(peer, codec.encodeIAm(peer, device).bytes);
    }
  }

  /** Answers a confirmed request, whatever it has. */
  answer(request) {
    const { peer } = request;
    let answer;
    if (request.isSegmented) {
      answer = codec.encodeAbort(request, AbortReason.SEGMENTATION_NOT_SUPPORTED);
    } else if (request.isUnknown) {
      answer = codec.encodeReject(request, RejectReason.UNRECOGNIZED_SERVICE);
    } else if (request.content === undefined) {
      this.log.limited(`rejected a request from ${peer.address} that cannot be decoded`);
      answer = codec.encodeReject(request, RejectReason.INVALID_TAG);
    } else {
      answer = this.#serve(request);
    }
    if (answer.length > request.limit) {
      // It would have to be cut into segments.
      answer = codec.encodeAbort(request, AbortReason.SEGMENTATION_NOT_SUPPORTED);
    }
    this.send(peer, answer.bytes);
    request.afterwards?.();
  }

  #serve(request) {
    try {
      return this[SERVICES.get(request.service)](request);
    } catch (error) {
      if (error instanceof Refusal) return codec.encodeError(request, error);
      // There are too many results, or the codec cannot encode them into its buffer.
      if (error instanceof RangeError) return codec.encodeAbort(request, AbortReason.BUFFER_OVERFLOW);
      throw error;
    }
  }

  readProperty(request) {
    const { objectId, property } = request.content;
    return codec.encodeReadAck(request, this.objects.get(objectId).read(property.id, property.index));
  }

  readPropertyMultiple(request) {
    let room = Math.floor(request.limit / RESULT_LENGTH);
    const results = request.content.properties.map(({ objectId, properties }) => {
      const values = [];
      for (const property of properties) {
        values.push(...this.#readEach(objectId, property));
        // A short request may ask for all properties hundreds of times.
        if (values.length > room) throw new RangeError('The answer is too long');
      }
      room -= values.length;
      return { objectId, values };
    });
    return codec.encodeReadMultipleAck(request, results);
  }

  /** Returns the result for one property of a list, or for each of those that it stands for. */
  #readEach(objectId, property) {
    try {
      const object = this.objects.get(objectId);
      if (!SEVERAL.has(property.id)) return [{ property, value: object.read(property.id, property.index) }];
      const ids = property.id === Property.OPTIONAL ? [] : [...object.properties.keys()];
      return ids.map((id) => ({ property: { id, index: codec.ASN1_ARRAY_ALL }, value: object.read(id) }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { errorClass, errorCode } = error;
      return [{ property, value: [{ value: { type: 'BacnetError', errorClass, errorCode } }] }];
    }
  }

  writeProperty(request) {
    const { objectId, value } = request.content;
    const object = this.objects.get(objectId);
    object.write(value.property.id, value.value, value.property.index);
    this.log.line(`${request.peer.address} has set ${object.name} to ${object.value}`);
    return codec.encodeSimpleAck(request);
  }

  subscribeCov(request) {
    const { content, peer } = request;
    const object = this.objects.get(content.monitoredObjectId);
    if (!(object instanceof ValueObject)) {
      throw new Refusal(ErrorClass.OBJECT, ErrorCode.OPTIONAL_FUNCTIONALITY_NOT_SUPPORTED);
    }
    if (content.cancellationRequest) {
      this.subscriptions.cancel(object, request);
      this.log.line(`${peer.address} has cancelled its subscription to ${object.name}`);
      return codec.encodeSimpleAck(request);
    }
    const subscription = this.subscriptions.add(object, request);
    if (subscription === undefined) {
      throw new Refusal(ErrorClass.RESOURCES, ErrorCode.NO_SPACE_TO_ADD_LIST_ELEMENT);
    }
    this.log.line(`${subscription} subscribes for ${content.lifetime || 'unlimited'} seconds`);
    // The first notification has the present value, and comes after the answer.
    request.afterwards = () => subscription.notify();
    return codec.encodeSimpleAck(request);
  }

  /** Closes the sockets, and ends all tasks. */
  close() {
    const { size, pending } = this.subscriptions;
    this.log.line(`closed with ${size} subscriptions and ${pending} notifications without an answer`);
    this.subscriptions.close();
    for (const port of this.ports) port.close();
  }
}

module.exports = { Device };

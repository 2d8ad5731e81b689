'use strict';
/** Datagrams of BACnet/IP, by the codec of @bacnet-js/client. Its modules are used alone: its client has a socket. */

const {
  ASN1_ARRAY_ALL,
  BvlcResultPurpose,
  ConfirmedServiceChoice,
  NpduControlBit,
  PduConReqBit,
  PduType,
  Segmentation,
  UnconfirmedServiceChoice,
} = require('@bacnet-js/client');
const apdu = require('@bacnet-js/client/dist/lib/apdu');
const bvlc = require('@bacnet-js/client/dist/lib/bvlc');
const npdu = require('@bacnet-js/client/dist/lib/npdu');
const services = require('@bacnet-js/client/dist/lib/services').default;

/** The longest APDU of this device, in bytes: what one frame of Ethernet carries. */
const MAX_APDU = 1476;

/** The longest datagram of BACnet/IP: an NPDU of 1497 bytes with its header. */
const MAX_DATAGRAM = 1501;

const BVLC_LENGTH = 4;
const HOPS = 255;

/** The APDU lengths that a client may accept, by the number in its request. */
const ACCEPTED_LENGTHS = [50, 128, 206, 480, 1024, 1476];

/** The services with a decoder, by their numbers. */
const CONFIRMED = new Map([
  [ConfirmedServiceChoice.READ_PROPERTY, services.readProperty],
  [ConfirmedServiceChoice.WRITE_PROPERTY, services.writeProperty],
  [ConfirmedServiceChoice.READ_PROPERTY_MULTIPLE, services.readPropertyMultiple],
  [ConfirmedServiceChoice.SUBSCRIBE_COV, services.subscribeCov],
]);

/** Where an answer is written. `sendTo()` copies it, so one place is enough. */
const place = { buffer: Buffer.alloc(16_384), offset: 0 };

/** Why a datagram is ignored. */
class Malformed extends Error {}

/**
 * Returns what a datagram says: where an answer goes, its kind, and the rest by kind. Throws `Malformed` for what is to
 * be ignored. The codec reads beyond the end of what is cut off, so what it returns is checked here.
 */
function decode({ data, address, port }) {
  if (data.length > MAX_DATAGRAM) throw new Malformed(`${data.length} bytes are more than BACnet/IP has`);
  const link = bvlc.decode(data, 0);
  if (link === undefined) throw new Malformed('no header of BACnet/IP');
  const peer = { address, port, network: undefined };
  if (link.func === BvlcResultPurpose.FORWARDED_NPDU) {
    const [host, number = 47_808] = link.originatingIP.split(':');
    Object.assign(peer, { address: host, port: Number(number) });
  } else if (
    link.func !== BvlcResultPurpose.ORIGINAL_UNICAST_NPDU &&
    link.func !== BvlcResultPurpose.ORIGINAL_BROADCAST_NPDU
  ) {
    throw new Malformed(`function ${link.func} of BACnet/IP`);
  }
  const network = npdu.decode(data, link.len);
  if (network === undefined) throw new Malformed('no header of the network layer');
  if ((network.funct & NpduControlBit.NETWORK_LAYER_MESSAGE) !== 0) throw new Malformed('a message to routers');
  if (network.source !== undefined) peer.network = network.source;
  return decodeApdu(data, link.len + network.len, peer);
}

function decodeApdu(data, start, peer) {
  const kind = data[start] & 0xf0;
  switch (data.length > start + 1 ? kind : undefined) {
    case PduType.CONFIRMED_REQUEST:
      return decodeConfirmed(data, start, peer);
    case PduType.UNCONFIRMED_REQUEST:
      return { kind, peer, ...decodeUnconfirmed(data, start) };
    case PduType.SIMPLE_ACK:
    case PduType.COMPLEX_ACK:
    case PduType.ERROR:
    case PduType.REJECT:
    case PduType.ABORT:
      return { kind, peer, invokeId: data[start + 1], data: data.subarray(start) };
    default:
      throw new Malformed('no APDU that a device handles');
  }
}

function decodeConfirmed(data, start, peer) {
  const header = apdu.decodeConfirmedServiceRequest(data, start);
  const at = start + header.len;
  if (at > data.length) throw new Malformed('a request that is cut off');
  const { invokeId, service } = header;
  const limit = Math.min(MAX_APDU, ACCEPTED_LENGTHS[header.maxApdu] ?? ACCEPTED_LENGTHS[0]);
  const request = { kind: PduType.CONFIRMED_REQUEST, peer, invokeId, service, limit };
  if ((header.type & PduConReqBit.SEGMENTED_MESSAGE) !== 0) return { ...request, isSegmented: true };
  const decoder = CONFIRMED.get(service);
  if (decoder === undefined) return { ...request, isUnknown: true };
  return { ...request, content: decodeContent(decoder, data, at) };
}

function decodeUnconfirmed(data, start) {
  const { len, service } = apdu.decodeUnconfirmedServiceRequest(data, start);
  if (service !== UnconfirmedServiceChoice.WHO_IS) return { service };
  const content = decodeContent(services.whoIs, data, start + len);
  if (content === undefined) throw new Malformed('a Who-Is that is cut off');
  return { service, content };
}

/** Returns the content of a service; undefined for what cannot be decoded, or was only in part there. */
function decodeContent(decoder, data, at) {
  try {
    const content = decoder.decode(data, at, data.length - at);
    return (content?.len ?? 0) <= data.length - at ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a datagram: the headers, and what `write` puts behind them. Returns its bytes, and the length of the APDU. */
function encode(peer, write, isRequest = false) {
  place.offset = BVLC_LENGTH;
  npdu.encode(place, isRequest ? NpduControlBit.EXPECTING_REPLY : 0, peer.network, undefined, HOPS);
  const start = place.offset;
  write(place);
  bvlc.encode(place.buffer, BvlcResultPurpose.ORIGINAL_UNICAST_NPDU, place.offset);
  return { bytes: place.buffer.subarray(0, place.offset), length: place.offset - start };
}

const encodeIAm = (peer, { instance, vendor }) =>
  encode(peer, (to) => {
    apdu.encodeUnconfirmedServiceRequest(to, PduType.UNCONFIRMED_REQUEST, UnconfirmedServiceChoice.I_AM);
    services.iAm.encode(to, instance, MAX_APDU, Segmentation.NO_SEGMENTATION, vendor);
  });

const encodeSimpleAck = ({ peer, service, invokeId }) =>
  encode(peer, (to) => apdu.encodeSimpleAck(to, PduType.SIMPLE_ACK, service, invokeId));

const encodeReadAck = ({ peer, service, invokeId, content }, values) =>
  encode(peer, (to) => {
    apdu.encodeComplexAck(to, PduType.COMPLEX_ACK, service, invokeId);
    const { id, index } = content.property;
    services.readProperty.encodeAcknowledge(to, content.objectId, id, index, values);
  });

const encodeReadMultipleAck = ({ peer, service, invokeId }, results) =>
  encode(peer, (to) => {
    apdu.encodeComplexAck(to, PduType.COMPLEX_ACK, service, invokeId);
    services.readPropertyMultiple.encodeAcknowledge(to, results);
  });

const encodeError = ({ peer, service, invokeId }, { errorClass, errorCode }) =>
  encode(peer, (to) => {
    apdu.encodeError(to, PduType.ERROR, service, invokeId);
    services.error.encode(to, errorClass, errorCode);
  });

const encodeReject = ({ peer, invokeId }, reason) =>
  encode(peer, (to) => apdu.encodeAbort(to, PduType.REJECT, invokeId, reason));

/** The lowest bit says that the server aborts. */
const encodeAbort = ({ peer, invokeId }, reason) =>
  encode(peer, (to) => apdu.encodeAbort(to, PduType.ABORT | 1, invokeId, reason));

/** A confirmed request of a client. */
const encodeRequest = (peer, service, invokeId, write) =>
  encode(
    peer,
    (to) => {
      apdu.encodeConfirmedServiceRequest(to, PduType.CONFIRMED_REQUEST, service, 0, 5, invokeId);
      write(to);
    },
    true,
  );

/** A notification of a change of value, confirmed if it has an `invokeId`. */
const encodeNotification = (peer, { invokeId, process, device, objectId, timeRemaining, values }) =>
  encode(
    peer,
    (to) => {
      if (invokeId === undefined) {
        const service = UnconfirmedServiceChoice.UNCONFIRMED_COV_NOTIFICATION;
        apdu.encodeUnconfirmedServiceRequest(to, PduType.UNCONFIRMED_REQUEST, service);
      } else {
        const service = ConfirmedServiceChoice.CONFIRMED_COV_NOTIFICATION;
        apdu.encodeConfirmedServiceRequest(to, PduType.CONFIRMED_REQUEST, service, 0, 5, invokeId);
      }
      services.covNotify.encode(to, process, device, objectId, timeRemaining, values);
    },
    invokeId !== undefined,
  );

module.exports = {
  ASN1_ARRAY_ALL,
  MAX_APDU,
  Malformed,
  decode,
  encodeAbort,
  encodeError,
  encodeIAm,
  encodeNotification,
  encodeReadAck,
  encodeReadMultipleAck,
  encodeReject,
  encodeRequest,
  encodeSimpleAck,
};

"""A client made with BACpypes 0.19. Reads requests as lines of JSON, and prints results and notifications as such.

    python3 bacpypes_client.py ADDRESS
"""

import json
import sys
import threading
import time

from bacpypes.apdu import (
    AbortPDU,
    Error,
    PropertyReference,
    ReadAccessSpecification,
    ReadPropertyMultipleRequest,
    ReadPropertyRequest,
    RejectPDU,
    SimpleAckPDU,
    SubscribeCOVRequest,
    WritePropertyRequest,
)
from bacpypes.app import BIPSimpleApplication
from bacpypes.constructeddata import Any, Array
from bacpypes.core import deferred, run, stop
from bacpypes.iocb import IOCB
from bacpypes.local.device import LocalDeviceObject
from bacpypes.object import get_datatype
from bacpypes.pdu import Address
from bacpypes.primitivedata import CharacterString, Enumerated, Null, ObjectIdentifier, Real, Unsigned

TYPES = {"real": Real, "enumerated": Enumerated, "string": CharacterString, "unsigned": Unsigned, "null": Null}

acknowledges = True


def emit(**fields):
    print(json.dumps(dict(fields, time=time.monotonic() * 1000), default=str), flush=True)


def to_json(value):
    if isinstance(value, (list, tuple)):
        return [to_json(each) for each in value]
    return value if isinstance(value, (int, float, str)) else str(value)


def decode(object_id, property_id, index, value):
    datatype = get_datatype(object_id[0], property_id)
    if issubclass(datatype, Array) and index is not None:
        datatype = Unsigned if index == 0 else datatype.subtype
    cast = value.cast_out(datatype)
    return to_json(cast.value[1:] if isinstance(cast, Array) else cast)


def notification(apdu, confirmed):
    values = {}
    for each in apdu.listOfValues:
        if each.propertyIdentifier == "presentValue":
            values["presentValue"] = decode(apdu.monitoredObjectIdentifier, "presentValue", None, each.value)
    emit(
        event="notification",
        confirmed=confirmed,
        process=apdu.subscriberProcessIdentifier,
        object=list(apdu.monitoredObjectIdentifier),
        remaining=apdu.timeRemaining,
        invokeId=apdu.apduInvokeID if confirmed else None,
        **values,
    )


def is_notification(data):
    """Whether a datagram without a source network is a confirmed notification of a change."""
    return len(data) > 9 and data[6] & 0xF0 == 0 and data[9] == 1


class Client(BIPSimpleApplication):
    def __init__(self, *args):
        super().__init__(*args)
        # The application sees a repeated request once. This sees each datagram.
        upwards = self.annexj.confirmation

        def confirmation(pdu):
            if is_notification(pdu.pduData):
                emit(event="request", data=bytes(pdu.pduData).hex())
            upwards(pdu)

        self.annexj.confirmation = confirmation

    def do_IAmRequest(self, apdu):
        emit(event="i-am", device=apdu.iAmDeviceIdentifier[1], source=str(apdu.pduSource), vendor=apdu.vendorID)

    def do_ConfirmedCOVNotificationRequest(self, apdu):
        notification(apdu, True)
        if acknowledges:
            self.response(SimpleAckPDU(context=apdu))

    def do_UnconfirmedCOVNotificationRequest(self, apdu):
        notification(apdu, False)


def result_of(iocb):
    if iocb.ioError is not None:
        error = iocb.ioError
        if isinstance(error, Error):
            return {"error": f"{error.errorClass}: {error.errorCode}"}
        if isinstance(error, RejectPDU):
            return {"reject": error.apduAbortRejectReason}
        if isinstance(error, AbortPDU):
            return {"abort": error.apduAbortRejectReason}
        return {"failure": str(error)}
    apdu = iocb.ioResponse
    if hasattr(apdu, "propertyValue"):
        index = apdu.propertyArrayIndex
        return {"value": decode(apdu.objectIdentifier, apdu.propertyIdentifier, index, apdu.propertyValue)}
    if hasattr(apdu, "listOfReadAccessResults"):
        found = {}
        for each in apdu.listOfReadAccessResults:
            for element in each.listOfResults:
                name = f"{each.objectIdentifier[0]},{each.objectIdentifier[1]} {element.propertyIdentifier}"
                read = element.readResult
                if read.propertyAccessError is not None:
                    found[name] = f"{read.propertyAccessError.errorClass}: {read.propertyAccessError.errorCode}"
                else:
                    index = element.propertyArrayIndex
                    found[name] = decode(each.objectIdentifier, element.propertyIdentifier, index, read.propertyValue)
        return {"value": found}
    return {"value": True}


def send(number, request, address):
    request.pduDestination = Address(address)
    iocb = IOCB(request)
    iocb.add_callback(lambda iocb: emit(id=number, **result_of(iocb)))
    app.request_io(iocb)


def handle(number, call, address, **rest):
    global acknowledges
    if call == "who-is":
        app.who_is(rest.get("low"), rest.get("high"), Address(address))
        emit(id=number, value=True)
    elif call == "read":
        request = ReadPropertyRequest(objectIdentifier=tuple(rest["object"]), propertyIdentifier=rest["property"])
        if rest.get("index") is not None:
            request.propertyArrayIndex = rest["index"]
        send(number, request, address)
    elif call == "read-multiple":
        specs = []
        for object_id, properties in rest["objects"]:
            references = [PropertyReference(propertyIdentifier=each) for each in properties]
            spec = ReadAccessSpecification(objectIdentifier=tuple(object_id), listOfPropertyReferences=references)
            specs.append(spec)
        send(number, ReadPropertyMultipleRequest(listOfReadAccessSpecs=specs), address)
    elif call == "write":
        request = WritePropertyRequest(objectIdentifier=tuple(rest["object"]), propertyIdentifier=rest["property"])
        request.propertyValue = Any()
        value = TYPES[rest["type"]](rest["value"]) if rest["type"] != "null" else Null()
        request.propertyValue.cast_in(value)
        send(number, request, address)
    elif call == "subscribe":
        request = SubscribeCOVRequest(
            subscriberProcessIdentifier=rest["process"], monitoredObjectIdentifier=tuple(rest["object"])
        )
        if not rest.get("cancel"):
            request.issueConfirmedNotifications = rest["confirmed"]
            request.lifetime = rest["lifetime"]
        send(number, request, address)
    elif call == "acknowledge":
        acknowledges = rest["value"]
        emit(id=number, value=True)


def read_requests():
    for line in sys.stdin:
        fields = json.loads(line)
        number = fields.pop("id")
        deferred(lambda number=number, fields=fields: attempt(number, fields))
    deferred(stop)


def attempt(number, fields):
    try:
        handle(number, **fields)
    except Exception as error:
        emit(id=number, failure=f"{type(error).__name__}: {error}")


device = LocalDeviceObject(
    objectName="client", objectIdentifier=("device", 800), maxApduLengthAccepted=1476,
    segmentationSupported="noSegmentation", vendorIdentifier=15, apduTimeout=30000, numberOfApduRetries=0,
)
app = Client(device, sys.argv[1])
threading.Thread(target=read_requests, daemon=True).start()
deferred(lambda: emit(event="ready"))
run(spin=0.01, sigterm=None, sigusr1=None)

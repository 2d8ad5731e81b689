"""The same client made with bacpypes3, which is built on asyncio.

    python3 bacpypes3_client.py ADDRESS
"""

import asyncio
import json
import sys
import threading
import time

from bacpypes3.apdu import (
    AbortPDU,
    ErrorRejectAbortNack,
    PropertyReference,
    ReadAccessSpecification,
    ReadPropertyMultipleRequest,
    RejectPDU,
    SimpleAckPDU,
    SubscribeCOVRequest,
    WritePropertyRequest,
)
from bacpypes3.basetypes import BinaryPV, PropertyIdentifier
from bacpypes3.constructeddata import Any
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import CharacterString, Enumerated, Null, ObjectIdentifier, Real, Unsigned

TYPES = {"real": Real, "enumerated": Enumerated, "string": CharacterString, "unsigned": Unsigned, "null": Null}

acknowledges = True


def emit(**fields):
    print(json.dumps(dict(fields, time=time.monotonic() * 1000), default=str), flush=True)


def camel(name):
    first, *others = str(name).split("-")
    return first + "".join(each.capitalize() for each in others)


def kebab(name):
    return "".join(f"-{each.lower()}" if each.isupper() else each for each in name)


def identifier(pair):
    return ObjectIdentifier(f"{kebab(pair[0])},{pair[1]}")


def to_json(value):
    if isinstance(value, ObjectIdentifier):
        return [camel(value[0]), value[1]]
    if isinstance(value, (list, tuple)):
        return [to_json(each) for each in value]
    if isinstance(value, Enumerated):
        return camel(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return float(value) if isinstance(value, float) else int(value)


def is_notification(data):
    """Whether a datagram without a source network is a confirmed notification of a change."""
    return len(data) > 9 and data[6] & 0xF0 == 0 and data[9] == 1


class Client(NormalApplication):
    def __init__(self, *args):
        super().__init__(*args)
        # The application sees a repeated request once. This sees each datagram.
        upwards = self.normal.codec.confirmation

        async def confirmation(pdu):
            if is_notification(pdu.pduData):
                emit(event="request", data=bytes(pdu.pduData).hex())
            await upwards(pdu)

        self.normal.codec.confirmation = confirmation

    async def do_IAmRequest(self, apdu):
        device = apdu.iAmDeviceIdentifier[1]
        emit(event="i-am", device=device, source=str(apdu.pduSource), vendor=int(apdu.vendorID))

    async def do_ConfirmedCOVNotificationRequest(self, apdu):
        self.notification(apdu, True)
        if acknowledges:
            await self.response(SimpleAckPDU(context=apdu))

    async def do_UnconfirmedCOVNotificationRequest(self, apdu):
        self.notification(apdu, False)

    def notification(self, apdu, confirmed):
        values = {}
        for each in apdu.listOfValues:
            if each.propertyIdentifier == PropertyIdentifier.presentValue:
                object_type = apdu.monitoredObjectIdentifier[0]
                datatype = Real if str(object_type).startswith("analog") else BinaryPV
                values["presentValue"] = to_json(each.value.cast_out(datatype))
        emit(
            event="notification",
            confirmed=confirmed,
            process=int(apdu.subscriberProcessIdentifier),
            object=to_json(apdu.monitoredObjectIdentifier),
            remaining=int(apdu.timeRemaining),
            invokeId=apdu.apduInvokeID if confirmed else None,
            **values,
        )


async def handle(number, call, address, **rest):
    global acknowledges
    value = True
    if call == "who-is":
        app.who_is(rest.get("low"), rest.get("high"), Address(address))
    elif call == "read":
        name = kebab(rest["property"])
        value = to_json(await app.read_property(Address(address), identifier(rest["object"]), name, rest.get("index")))
    elif call == "read-multiple":
        arguments = []
        for object_id, properties in rest["objects"]:
            arguments += [identifier(object_id), [kebab(each) for each in properties]]
        results = await app.read_property_multiple(Address(address), arguments)
        value = {}
        for object_id, property_id, _, each in results:
            name = f"{camel(object_id[0])},{object_id[1]} {camel(property_id)}"
            if hasattr(each, "errorClass"):
                value[name] = f"{camel(each.errorClass)}: {camel(each.errorCode)}"
            else:
                value[name] = to_json(each)
    elif call == "write":
        written = Null(()) if rest["type"] == "null" else TYPES[rest["type"]](rest["value"])
        request = WritePropertyRequest(
            objectIdentifier=identifier(rest["object"]),
            propertyIdentifier=PropertyIdentifier(kebab(rest["property"])),
            propertyValue=Any(written),
            destination=Address(address),
        )
        await answer(request)
    elif call == "subscribe":
        request = SubscribeCOVRequest(
            subscriberProcessIdentifier=rest["process"],
            monitoredObjectIdentifier=identifier(rest["object"]),
            destination=Address(address),
        )
        if not rest.get("cancel"):
            request.issueConfirmedNotifications = rest["confirmed"]
            request.lifetime = rest["lifetime"]
        await answer(request)
    elif call == "acknowledge":
        acknowledges = rest["value"]
    return value


async def answer(request):
    response = await app.request(request)
    if isinstance(response, ErrorRejectAbortNack):
        raise response


def failure_of(error):
    if isinstance(error, RejectPDU):
        return {"reject": str(error.reason)}
    if isinstance(error, AbortPDU):
        return {"abort": str(error.reason)}
    if hasattr(error, "errorClass"):
        return {"error": f"{camel(error.errorClass)}: {camel(error.errorCode)}"}
    return {"failure": f"{type(error).__name__}: {error}"}


async def attempt(number, fields):
    try:
        emit(id=number, value=await handle(number, **fields))
    except BaseException as error:
        emit(id=number, **failure_of(error))


def read_requests(loop, ended):
    for line in sys.stdin:
        fields = json.loads(line)
        number = fields.pop("id")
        asyncio.run_coroutine_threadsafe(attempt(number, fields), loop)
    loop.call_soon_threadsafe(ended.set)


async def main():
    global app
    device = DeviceObject(
        objectName="client", objectIdentifier=("device", 801), maxApduLengthAccepted=1476,
        segmentationSupported="no-segmentation", vendorIdentifier=999, apduTimeout=30000, numberOfApduRetries=0,
    )
    app = Client(device, IPv4Address(sys.argv[1]))
    ended = asyncio.Event()
    threading.Thread(target=read_requests, args=(asyncio.get_running_loop(), ended), daemon=True).start()
    await asyncio.sleep(0.1)
    emit(event="ready")
    await ended.wait()
    app.close()


asyncio.run(main())

"""The same device in BACpypes 0.19: its objects, its values, its one loop. For the figures.

    python3 bacpypes_device.py ADDRESS
"""

import sys

from bacpypes.app import BIPSimpleApplication
from bacpypes.basetypes import BinaryPV
from bacpypes.core import deferred, run
from bacpypes.local.device import LocalDeviceObject
from bacpypes.object import (
    AnalogInputObject,
    AnalogValueObject,
    BinaryValueObject,
    WritableProperty,
    register_object_type,
)
from bacpypes.primitivedata import Real
from bacpypes.service.cov import ChangeOfValueServices
from bacpypes.service.object import ReadWritePropertyMultipleServices


@register_object_type(vendor_id=999)
class Setpoint(AnalogValueObject):
    properties = [WritableProperty("presentValue", Real)]


@register_object_type(vendor_id=999)
class Fan(BinaryValueObject):
    properties = [WritableProperty("presentValue", BinaryPV)]


class Device(BIPSimpleApplication, ReadWritePropertyMultipleServices, ChangeOfValueServices):
    pass


device = LocalDeviceObject(
    objectName="bacpypes 599", objectIdentifier=("device", 599), maxApduLengthAccepted=1476,
    segmentationSupported="noSegmentation", vendorIdentifier=999,
)
app = Device(device, sys.argv[1])
state = {"statusFlags": [0, 0, 0, 0], "eventState": "normal", "outOfService": False}
analog = dict(state, covIncrement=0.5, units="degreesCelsius")
app.add_object(
    AnalogInputObject(objectIdentifier=("analogInput", 1), objectName="temperature", presentValue=20.0, **analog)
)
app.add_object(
    Setpoint(objectIdentifier=("analogValue", 1), objectName="setpoint", presentValue=21.0, **analog)
)
app.add_object(
    Fan(objectIdentifier=("binaryValue", 1), objectName="fan", presentValue="inactive", **state)
)
deferred(lambda: print("listens on", sys.argv[1], flush=True))
run()

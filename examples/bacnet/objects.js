'use strict';
/** The objects of the device, with their properties and what a write may do to them. */

const {
  ApplicationTag: Tag,
  ConfirmedServiceChoice,
  DeviceStatus,
  EngineeringUnits,
  ErrorClass,
  ErrorCode,
  EventState,
  ObjectType,
  ObjectTypesSupportedBitString,
  PropertyIdentifier: Property,
  Segmentation,
  ServicesSupportedBitString,
  StatusFlagsBitString,
} = require('@bacnet-js/client');

const { ASN1_ARRAY_ALL, MAX_APDU } = require('./codec');

/** A refusal that the client is told of. */
class Refusal extends Error {
  constructor(errorClass, errorCode) {
    super(`${ErrorClass[errorClass]}: ${ErrorCode[errorCode]}`);
    this.errorClass = errorClass;
    this.errorCode = errorCode;
  }
}

const refuse = (code) => new Refusal(ErrorClass.PROPERTY, ErrorCode[code]);

const unsigned = (value) => [{ type: Tag.UNSIGNED_INTEGER, value }];
const enumerated = (value) => [{ type: Tag.ENUMERATED, value }];
const real = (value) => [{ type: Tag.REAL, value }];
const text = (value) => [{ type: Tag.CHARACTER_STRING, value }];
const boolean = (value) => [{ type: Tag.BOOLEAN, value }];
const bits = (value) => [{ type: Tag.BIT_STRING, value }];
const identifier = ({ type, instance }) => ({ type: Tag.OBJECTIDENTIFIER, value: { type, instance } });

/** Lists are read by index, too; index 0 is their length. */
const LISTS = new Set([Property.OBJECT_LIST]);

/** An object: a table of properties, each a function that returns its values. */
class BacnetObject {
  /** Called after the value of the object has changed. */
  onChange = () => {};
  properties = new Map();

  constructor(type, instance, name) {
    this.id = { type, instance };
    this.name = name;
    this.add(Property.OBJECT_IDENTIFIER, () => [identifier(this.id)]);
    this.add(Property.OBJECT_NAME, () => text(name));
    this.add(Property.OBJECT_TYPE, () => enumerated(type));
  }

  add(property, read) {
    this.properties.set(property, read);
  }

  /** Returns the values of a property. Throws a `Refusal`. */
  read(property, index = ASN1_ARRAY_ALL) {
    const values = this.properties.get(property)?.();
    if (values === undefined) throw refuse('UNKNOWN_PROPERTY');
    if (index === ASN1_ARRAY_ALL) return values;
    if (!LISTS.has(property)) throw refuse('PROPERTY_IS_NOT_AN_ARRAY');
    if (index === 0) return unsigned(values.length);
    if (index > values.length) throw refuse('INVALID_ARRAY_INDEX');
    return [values[index - 1]];
  }

  /** Writes a property. Throws a `Refusal`: this object has none that can be written. */
  write(property) {
    throw refuse(this.properties.has(property) ? 'WRITE_ACCESS_DENIED' : 'UNKNOWN_PROPERTY');
  }
}

/** An object with a present value that clients may subscribe to. */
class ValueObject extends BacnetObject {
  constructor(type, instance, name, { value, toValues, check, isWritable = false }) {
    super(type, instance, name);
    this.value = value;
    this.toValues = toValues;
    this.check = check;
    this.isWritable = isWritable;
    this.add(Property.PRESENT_VALUE, () => toValues(this.value));
    this.add(Property.STATUS_FLAGS, () => bits(new StatusFlagsBitString()));
    this.add(Property.EVENT_STATE, () => enumerated(EventState.NORMAL));
    this.add(Property.OUT_OF_SERVICE, () => boolean(false));
  }

  write(property, values, index = ASN1_ARRAY_ALL) {
    if (property !== Property.PRESENT_VALUE || !this.isWritable) return super.write(property);
    if (index !== ASN1_ARRAY_ALL) throw refuse('PROPERTY_IS_NOT_AN_ARRAY');
    return this.set(this.check(values));
  }

  /** Sets the value. */
  set(value) {
    this.value = value;
    this.onChange();
  }

  /** Returns whether a subscriber who was told `known` is to be told of the present value. */
  differs(known) {
    return this.value !== known;
  }

  /** What a notification of a change has. */
  get reported() {
    return [Property.PRESENT_VALUE, Property.STATUS_FLAGS].map((id) => ({ property: { id }, value: this.read(id) }));
  }
}

/** A number with a unit. */
class Analog extends ValueObject {
  constructor(type, instance, name, { value, increment, units, isWritable, limits: [low, high] }) {
    const check = ([first, ...others]) => {
      if (first?.type !== Tag.REAL || others.length > 0) throw refuse('INVALID_DATA_TYPE');
      // A comparison that NaN fails, too.
      if (!(first.value >= low && first.value <= high)) throw refuse('VALUE_OUT_OF_RANGE');
      return first.value;
    };
    super(type, instance, name, { value, toValues: real, check, isWritable });
    this.increment = increment;
    this.add(Property.UNITS, () => enumerated(units));
    this.add(Property.COV_INCREMENT, () => real(increment));
  }

  differs(known) {
    return Math.abs(this.value - known) >= this.increment;
  }
}

function checkBinary([first, ...others]) {
  if (first?.type !== Tag.ENUMERATED || others.length > 0) throw refuse('INVALID_DATA_TYPE');
  if (first.value !== 0 && first.value !== 1) throw refuse('VALUE_OUT_OF_RANGE');
  return first.value;
}

/** A value that is on or off. */
class Binary extends ValueObject {
  constructor(type, instance, name, value) {
    super(type, instance, name, { value, toValues: enumerated, check: checkBinary, isWritable: true });
  }
}

/** The device itself, which lists the others. */
class DeviceObject extends BacnetObject {
  vendor = 999;

  constructor(instance, objects, { timeout, retries }) {
    super(ObjectType.DEVICE, instance, `waitable-event ${instance}`);
    const supported = ['READ_PROPERTY', 'WRITE_PROPERTY', 'READ_PROPERTY_MULTIPLE', 'SUBSCRIBE_COV'];
    const services = supported.map((name) => ConfirmedServiceChoice[name]);
    /** The bit of Who-Is in protocol-services-supported. */
    const whoIs = 34;
    const types = [...new Set([ObjectType.DEVICE, ...objects.map(({ id }) => id.type)])];
    const list = [this, ...objects];
    this.instance = instance;
    this.add(Property.SYSTEM_STATUS, () => enumerated(DeviceStatus.OPERATIONAL));
    this.add(Property.VENDOR_NAME, () => text('The waitable-event authors'));
    this.add(Property.VENDOR_IDENTIFIER, () => unsigned(this.vendor));
    this.add(Property.MODEL_NAME, () => text('examples/bacnet'));
    this.add(Property.FIRMWARE_REVISION, () => text(process.version));
    this.add(Property.APPLICATION_SOFTWARE_VERSION, () => text('1'));
    this.add(Property.PROTOCOL_VERSION, () => unsigned(1));
    this.add(Property.PROTOCOL_REVISION, () => unsigned(14));
    this.add(Property.PROTOCOL_SERVICES_SUPPORTED, () => bits(new ServicesSupportedBitString(...services, whoIs)));
    this.add(Property.PROTOCOL_OBJECT_TYPES_SUPPORTED, () => bits(new ObjectTypesSupportedBitString(...types)));
    this.add(Property.OBJECT_LIST, () => list.map(({ id }) => identifier(id)));
    this.add(Property.MAX_APDU_LENGTH_ACCEPTED, () => unsigned(MAX_APDU));
    this.add(Property.SEGMENTATION_SUPPORTED, () => enumerated(Segmentation.NO_SEGMENTATION));
    this.add(Property.APDU_TIMEOUT, () => unsigned(timeout));
    this.add(Property.NUMBER_OF_APDU_RETRIES, () => unsigned(retries));
    this.add(Property.DEVICE_ADDRESS_BINDING, () => []);
    this.add(Property.DATABASE_REVISION, () => unsigned(1));
  }
}

/** All objects, by type and instance. */
class Objects {
  temperature = new Analog(ObjectType.ANALOG_INPUT, 1, 'temperature', {
    value: 20,
    increment: 0.5,
    units: EngineeringUnits.DEGREES_CELSIUS,
    limits: [-50, 100],
  });

  setpoint = new Analog(ObjectType.ANALOG_VALUE, 1, 'setpoint', {
    value: 21,
    increment: 0.5,
    units: EngineeringUnits.DEGREES_CELSIUS,
    limits: [5, 35],
    isWritable: true,
  });

  fan = new Binary(ObjectType.BINARY_VALUE, 1, 'fan', 0);
  #byId = new Map();

  constructor(instance, timing) {
    const values = [this.temperature, this.setpoint, this.fan];
    this.device = new DeviceObject(instance, values, timing);
    this.all = [this.device, ...values];
    for (const object of this.all) this.#byId.set(keyOf(object.id), object);
  }

  /** Returns an object. Throws a `Refusal`. */
  get(id) {
    const object = this.#byId.get(keyOf(id)) ?? this.#anyDevice(id);
    if (object === undefined) throw new Refusal(ErrorClass.OBJECT, ErrorCode.UNKNOWN_OBJECT);
    return object;
  }

  /** The highest instance stands for the device that is asked, whatever its own is. */
  #anyDevice({ type, instance }) {
    return type === ObjectType.DEVICE && instance === 4_194_303 ? this.device : undefined;
  }
}

function keyOf({ type, instance }) {
  return type * 4_194_304 + instance;
}

module.exports = { Objects, Refusal, ValueObject, keyOf };

import { types } from 'node:util';

/** Objects of another realm are not strictly equal to ours: their contents are, in ours. */
export function toPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (types.isRegExp(value) || types.isDate(value) || types.isBoxedPrimitive(value)) {
    return [
      Object.prototype.toString.call(value),
      String(value),
      types.isRegExp(value) ? value.flags : '',
      Number(value) || 0,
    ];
  }
  if (types.isMap(value)) {
    return ['Map', ...[...value].map(([key, entry]) => [toPlain(key), toPlain(entry)])];
  }
  if (types.isSet(value)) {
    return ['Set', ...[...value].map(toPlain)];
  }
  if (ArrayBuffer.isView(value)) {
    return [Object.prototype.toString.call(value), [...Buffer.from(value.buffer, value.byteOffset, value.byteLength)]];
  }
  if (types.isAnyArrayBuffer(value)) {
    return [Object.prototype.toString.call(value), [...Buffer.from(value as ArrayBuffer)]];
  }
  const properties = Object.keys(value).map((key) => [key, toPlain((value as Record<string, unknown>)[key])]);
  return Array.isArray(value) ? ['Array', value.length, properties] : properties;
}

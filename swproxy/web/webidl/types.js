// Web IDL types (https://webidl.spec.whatwg.org/#js-type-mapping): each has convert(value, place), which gives
// the IDL value or throws a TypeError. `place` is a string or a Place: it begins the message of the error.
import {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  ArrayBufferPrototypeGetResizable,
  ArrayPrototypeSort,
  BigIntAsIntN,
  BigIntAsUintN,
  BigIntConstructor,
  DataViewPrototypeGetBuffer,
  MathFloor,
  MathFround,
  MathMax,
  MathMin,
  MathPow,
  MathTrunc,
  NumberConstructor,
  NumberIsFinite,
  NumberIsNaN,
  NumberMAX_SAFE_INTEGER,
  ObjectKeys,
  PromiseConstructor,
  ReflectApply,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  SafeSet,
  StringPrototypeCharCodeAt,
  StringPrototypeToWellFormed,
  SymbolIterator,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypeErrorConstructor,
} from "../infra/primordials.js";

/** Where a value stands in a call: made once, changed as the conversion goes on, read only when it fails. */
export class Place {
  constructor(prefix, parameters = true) {
    this.prefix = prefix;
    this.parameters = parameters;
    this.index = 0;
    this.member = "";
  }

  toString() {
    const subject = this.parameters ? `parameter ${this.index + 1}` : "the value";
    return this.member ? `${this.prefix}: ${subject}, member '${this.member}',` : `${this.prefix}: ${subject}`;
  }
}

function fail(place, what) {
  throw new TypeErrorConstructor(`${place} ${what}.`);
}

export const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

class Any {
  convert(value) {
    return value;
  }
}
export const any = new Any();

class Undefined {
  convert() {
    return undefined;
  }
}
export const undefined_ = new Undefined();

class Boolean_ {
  convert(value) {
    return !!value;
  }
}
export const boolean = new Boolean_();

class ObjectType {
  convert(value, place) {
    return isObject(value) ? value : fail(place, "is not an object");
  }
}
export const object = new ObjectType();

// https://webidl.spec.whatwg.org/#abstract-opdef-converttoint
class Integer {
  constructor(name, bits, signed, mode = "") {
    this.name = name;
    this.bits = bits;
    this.signed = signed;
    this.mode = mode;
    this.numeric = true;
    this.upper = bits === 64 ? NumberMAX_SAFE_INTEGER : MathPow(2, signed ? bits - 1 : bits) - 1;
    this.lower = signed ? (bits === 64 ? -NumberMAX_SAFE_INTEGER : -MathPow(2, bits - 1)) : 0;
  }

  convert(value, place) {
    let x = toNumber(value, place);
    if (this.mode === "enforceRange") {
      if (!NumberIsFinite(x)) fail(place, `is not a finite number, as ${this.name} must be`);
      x = MathTrunc(x);
      if (x < this.lower || x > this.upper) fail(place, `is outside the range of ${this.name}`);
      return x + 0;
    }
    if (this.mode === "clamp" && !NumberIsNaN(x)) {
      x = MathMin(MathMax(x, this.lower), this.upper);
      const floor = MathFloor(x); // to the nearest integer, a half to the even one
      const up = x - floor > 0.5 || (x - floor === 0.5 && floor % 2 !== 0);
      return (up ? floor + 1 : floor) + 0;
    }
    if (!NumberIsFinite(x)) return 0;
    x = MathTrunc(x) + 0;
    if (x >= this.lower && x <= this.upper) return x;
    if (this.bits === 64) {
      const big = BigIntConstructor(x);
      return NumberConstructor(this.signed ? BigIntAsIntN(64, big) : BigIntAsUintN(64, big));
    }
    const modulus = MathPow(2, this.bits);
    x %= modulus;
    if (x < 0) x += modulus;
    return this.signed && x > this.upper ? x - modulus : x;
  }
}

function toNumber(value, place) {
  if (typeof value === "bigint" || typeof value === "symbol") fail(place, "cannot be converted to a number");
  return +value;
}

export const byte = new Integer("byte", 8, true);
export const octet = new Integer("octet", 8, false);
export const short = new Integer("short", 16, true);
export const unsignedShort = new Integer("unsigned short", 16, false);
export const long = new Integer("long", 32, true);
export const unsignedLong = new Integer("unsigned long", 32, false);
export const longLong = new Integer("long long", 64, true);
export const unsignedLongLong = new Integer("unsigned long long", 64, false);
export const enforceRange = (type) => new Integer(type.name, type.bits, type.signed, "enforceRange");
export const clamp = (type) => new Integer(type.name, type.bits, type.signed, "clamp");

class Float {
  constructor(name, single, unrestricted) {
    this.name = name;
    this.single = single;
    this.unrestricted = unrestricted;
    this.numeric = true;
  }

  convert(value, place) {
    let x = toNumber(value, place);
    if (this.single) x = MathFround(x);
    if (!this.unrestricted && !NumberIsFinite(x)) fail(place, "is not a finite number");
    return x;
  }
}
export const float = new Float("float", true, false);
export const unrestrictedFloat = new Float("unrestricted float", true, true);
export const double = new Float("double", false, false);
export const unrestrictedDouble = new Float("unrestricted double", false, true);

class DOMStringType {
  constructor(nullToEmpty = false) {
    this.nullToEmpty = nullToEmpty;
    this.string = true;
  }

  convert(value, place) {
    if (typeof value === "string") return value;
    if (value === null && this.nullToEmpty) return "";
    if (typeof value === "symbol") fail(place, "is a symbol, which cannot be converted to a string");
    return `${value}`;
  }
}
export const DOMString = new DOMStringType();
export const legacyNullToEmptyString = new DOMStringType(true);

class USVStringType {
  get string() {
    return true;
  }

  convert(value, place) {
    return StringPrototypeToWellFormed(DOMString.convert(value, place));
  }
}
export const USVString = new USVStringType();

class ByteStringType {
  get string() {
    return true;
  }

  convert(value, place) {
    const string = DOMString.convert(value, place);
    for (let i = 0; i < string.length; i++) {
      const code = StringPrototypeCharCodeAt(string, i);
      if (code > 255) {
        fail(place, `cannot be converted to a ByteString: the character at index ${i} has the value ${code}`);
      }
    }
    return string;
  }
}
export const ByteString = new ByteStringType();

class Enumeration {
  constructor(name, values) {
    this.name = name;
    this.values = new SafeSet();
    for (let i = 0; i < values.length; i++) this.values.add(values[i]);
    this.string = true;
  }

  convert(value, place) {
    const string = DOMString.convert(value, place);
    if (!this.values.has(string)) fail(place, `is '${string}', which is not a valid value of ${this.name}`);
    return string;
  }
}
export const enumeration = (name, values) => new Enumeration(name, values);

class Nullable {
  constructor(inner) {
    this.inner = inner;
    this.nullable = true;
  }

  convert(value, place) {
    return value === null || value === undefined ? null : this.inner.convert(value, place);
  }
}
export const nullable = (type) => new Nullable(type);

class Sequence {
  constructor(inner) {
    this.inner = inner;
  }

  convert(value, place) {
    if (!isObject(value)) fail(place, "is not a sequence");
    const method = value[SymbolIterator];
    if (method === undefined || method === null) fail(place, "is not iterable");
    return this.from(value, method, place);
  }

  /** https://webidl.spec.whatwg.org/#create-sequence-from-iterable */
  from(iterable, method, place) {
    if (typeof method !== "function") fail(place, "has a Symbol.iterator that is not a function");
    const iterator = ReflectApply(method, iterable, []);
    if (!isObject(iterator)) fail(place, "has an iterator that is not an object");
    const { next } = iterator;
    const list = [];
    for (;;) {
      const result = ReflectApply(next, iterator, []);
      if (!isObject(result)) fail(place, "has an iterator whose result is not an object");
      if (result.done) return list;
      list[list.length] = this.inner.convert(result.value, place);
    }
  }
}
export const sequence = (type) => new Sequence(type);

class RecordType {
  constructor(key, value) {
    this.key = key;
    this.value = value;
    this.record = true;
  }

  /** A list of [key, value]. */
  convert(object_, place) {
    if (!isObject(object_)) fail(place, "is not an object");
    const entries = [];
    const seen = { __proto__: null };
    const keys = ReflectOwnKeys(object_);
    for (let i = 0; i < keys.length; i++) {
      const descriptor = ReflectGetOwnPropertyDescriptor(object_, keys[i]);
      if (descriptor === undefined || !descriptor.enumerable) continue;
      const key = this.key.convert(keys[i], place);
      const value = this.value.convert(object_[keys[i]], place);
      if (key in seen) {
        entries[seen[key]][1] = value;
      } else {
        seen[key] = entries.length;
        entries[entries.length] = [key, value];
      }
    }
    return entries;
  }
}
export const record = (key, value) => new RecordType(key, value);

class PromiseType {
  convert(value) {
    return new PromiseConstructor((resolve) => resolve(value));
  }
}
/** Promise<T>: what the promise gives is converted by those who wait for it. */
export const promise = new PromiseType();

class Interface {
  constructor(name, is) {
    this.name = name;
    this.is = is;
  }

  convert(value, place) {
    return this.is(value) ? value : fail(place, `is not of type '${this.name}'`);
  }
}
/** An interface type; `is` tells whether a value implements it. */
export const interfaceType = (name, is) => new Interface(name, is);

class CallbackFunction {
  constructor(legacyTreatNonObjectAsNull = false) {
    this.legacyTreatNonObjectAsNull = legacyTreatNonObjectAsNull;
    this.callback = true;
  }

  convert(value, place) {
    if (typeof value === "function") return value;
    if (this.legacyTreatNonObjectAsNull) return isObject(value) ? value : null;
    return fail(place, "is not a function");
  }
}
export const callbackFunction = new CallbackFunction();
/** What an event handler attribute takes: an object is kept, though never called; anything else is null. */
export const EventHandler = new CallbackFunction(true);

/** A callback interface with one operation: any object, or a function. */
export const callbackInterface = object;

// Dictionaries (https://webidl.spec.whatwg.org/#js-dictionary). Members are read in the order of their names,
// those of the dictionary it inherits from first.
class Dictionary {
  constructor(name, members, parent) {
    this.name = name;
    this.parent = parent;
    this.keys = ArrayPrototypeSort(ObjectKeys(members));
    this.members = { __proto__: null };
    for (let i = 0; i < this.keys.length; i++) {
      const member = members[this.keys[i]];
      this.members[this.keys[i]] = member.convert === undefined ? member : { __proto__: null, type: member };
    }
    this.dictionary = true;
  }

  convert(value, place) {
    if (value !== undefined && value !== null && !isObject(value)) fail(place, "is not an object");
    const result = { __proto__: null };
    this.read(value, result, place);
    if (place instanceof Place) place.member = "";
    return result;
  }

  read(value, result, place) {
    this.parent?.read(value, result, place);
    for (let i = 0; i < this.keys.length; i++) {
      const key = this.keys[i];
      const member = this.members[key];
      const given = value === undefined || value === null ? undefined : value[key];
      if (place instanceof Place) place.member = key;
      if (given !== undefined) {
        result[key] = member.type.convert(given, place);
      } else if (member.required) {
        fail(place, "is required");
      } else if (member.defaultValue !== undefined) {
        result[key] = typeof member.defaultValue === "function" ? member.defaultValue() : member.defaultValue;
      }
    }
  }
}
/**
 * A dictionary type.
 * @param members name -> type, withDefault(type, value) or required(type)
 */
export const dictionary = (name, members, parent = undefined) => new Dictionary(name, members, parent);
export const required = (type) => ({ __proto__: null, type, required: true });
/** `defaultValue` may be a function that makes the value. */
export const withDefault = (type, defaultValue) => ({ __proto__: null, type, defaultValue });

// Unions (https://webidl.spec.whatwg.org/#js-union).
class Union {
  constructor(types) {
    this.types = [];
    for (let i = 0; i < types.length; i++) {
      const type = types[i];
      if (type instanceof Nullable || type instanceof Union) {
        if (type.nullable) this.nullable = true;
        const inner = type instanceof Nullable ? [type.inner] : type.types;
        for (let j = 0; j < inner.length; j++) this.types[this.types.length] = inner[j];
      } else {
        this.types[this.types.length] = type;
      }
    }
    for (let i = 0; i < this.types.length; i++) {
      const type = this.types[i];
      if (type instanceof Dictionary) this.dictionary = type;
      else if (type instanceof RecordType) this.recordType = type;
      else if (type instanceof Sequence) this.sequence = type;
      else if (type instanceof CallbackFunction) this.callback = type;
      else if (type === object) this.objectType = type;
      else if (type === boolean) this.booleanType = type;
      else if (type.string) this.stringType = type;
      else if (type.numeric) this.numericType = type;
      else if (type instanceof PromiseType) this.promise = type;
      else if (type === any) this.anyType = type;
    }
  }

  convert(value, place) {
    if (value === undefined && this.undefinedAllowed) return undefined;
    if (value === null || value === undefined) {
      if (this.nullable) return null;
      if (this.dictionary) return this.dictionary.convert(value, place);
    }
    if (isObject(value)) {
      for (let i = 0; i < this.types.length; i++) {
        const type = this.types[i];
        if (type.is?.(value)) return type.convert(value, place);
      }
      if (this.callback && typeof value === "function") return value;
      if (this.sequence) {
        const method = value[SymbolIterator];
        if (method !== undefined && method !== null) return this.sequence.from(value, method, place);
      }
      if (this.dictionary) return this.dictionary.convert(value, place);
      if (this.recordType) return this.recordType.convert(value, place);
      if (this.objectType) return value;
    }
    if (typeof value === "boolean" && this.booleanType) return value;
    if (typeof value === "number" && this.numericType) return this.numericType.convert(value, place);
    if (this.stringType) return this.stringType.convert(value, place);
    if (this.numericType) return this.numericType.convert(value, place);
    if (this.booleanType) return !!value;
    if (this.anyType) return value;
    return fail(place, "is of none of the types that are allowed here");
  }
}
export const union = (...types) => new Union(types);

// Buffer sources (https://webidl.spec.whatwg.org/#js-buffer-source-types).

const { byteLengthOfShared } = (() => {
  const descriptor =
    typeof SharedArrayBuffer === "function" &&
    ReflectGetOwnPropertyDescriptor(SharedArrayBuffer.prototype, "byteLength");
  return { byteLengthOfShared: descriptor ? descriptor.get : undefined };
})();

export function isArrayBuffer(value) {
  try {
    ArrayBufferPrototypeGetByteLength(value);
    return true;
  } catch {
    return false;
  }
}

export function isSharedArrayBuffer(value) {
  try {
    ReflectApply(byteLengthOfShared, value, []);
    return true;
  } catch {
    return false;
  }
}

/** The ArrayBuffer (or SharedArrayBuffer) of a typed array or DataView. */
export function viewedBuffer(view) {
  return TypedArrayPrototypeGetSymbolToStringTag(view) === undefined
    ? DataViewPrototypeGetBuffer(view)
    : TypedArrayPrototypeGetBuffer(view);
}

class BufferType {
  constructor(name, accepts, allow = {}) {
    this.name = name;
    this.accepts = accepts;
    this.allow = allow;
  }

  is(value) {
    return isObject(value) && this.accepts(value);
  }

  convert(value, place) {
    if (!this.is(value)) fail(place, `is not of type '${this.name}'`);
    const buffer = ArrayBufferIsView(value) ? viewedBuffer(value) : value;
    if (isArrayBuffer(buffer)) {
      if (!this.allow.resizable && ArrayBufferPrototypeGetResizable(buffer)) fail(place, "is resizable");
    } else if (!this.allow.shared) {
      fail(place, "is shared memory");
    }
    return value;
  }
}
const anyBuffer = (value) => isArrayBuffer(value) || isSharedArrayBuffer(value);
const typedArray = (name, allow) =>
  new BufferType(name, (v) => TypedArrayPrototypeGetSymbolToStringTag(v) === name, allow);

export const ArrayBufferType = new BufferType("ArrayBuffer", anyBuffer);
export const ArrayBufferView = new BufferType("ArrayBufferView", ArrayBufferIsView);
export const BufferSource = new BufferType("BufferSource", (v) => ArrayBufferIsView(v) || anyBuffer(v));
export const AllowSharedBufferSource = new BufferType("BufferSource", (v) => ArrayBufferIsView(v) || anyBuffer(v), {
  shared: true,
});
export const Float16ArrayType = typedArray("Float16Array");
export const Float32ArrayType = typedArray("Float32Array");
export const Float64ArrayType = typedArray("Float64Array");
export const Uint8ArrayType = typedArray("Uint8Array");
export const Uint8ClampedArrayType = typedArray("Uint8ClampedArray");
export const AllowSharedUint8Array = typedArray("Uint8Array", { shared: true });

/** Whether the buffer, or that of the view, is detached. */
export function isDetached(source) {
  const buffer = ArrayBufferIsView(source) ? viewedBuffer(source) : source;
  return isArrayBuffer(buffer) && ArrayBufferPrototypeGetDetached(buffer);
}

// Callbacks.

/**
 * Calls what an IDL callback interface is: a function, or the method of an object.
 * https://webidl.spec.whatwg.org/#call-a-user-objects-operation
 */
export function callUserObjectOperation(callback, name, self, values) {
  if (typeof callback === "function") return ReflectApply(callback, self, values);
  const method = callback[name];
  if (typeof method !== "function") {
    throw new TypeErrorConstructor(`The object's '${name}' is not a function.`);
  }
  return ReflectApply(method, callback, values);
}

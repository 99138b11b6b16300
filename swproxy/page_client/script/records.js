// https://html.spec.whatwg.org/#safe-passing-of-structured-data: values of the language as records, and back.
// swproxy/web/structured_clone/README.md describes the tokens.
import {
  ArrayBuffer,
  bare,
  BigInt,
  byteLengthOf,
  setBytes,
  Boolean,
  DataView,
  Date,
  defineOwn,
  DOMException,
  getter,
  JSONParse,
  Map,
  MapPrototypeForEach,
  MapPrototypeSet,
  Number,
  Object,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ownDescriptor,
  ReflectApply,
  RegExp,
  SafeMap,
  Set,
  String,
  Uint8Array,
  uncurry,
} from "./primordials.js";

export const VERSION = 1;
// Tags that are more than the next object's kind.
const END = 0;
const HOLE = 7;
const REFERENCE = 8;
export const TRANSFERRED = 9;
const ARRAY = 5;
const SPARSE_ARRAY = 6;
const ARRAY_BUFFER = 19;
const RESIZABLE_ARRAY_BUFFER = 20;
export const PLATFORM_OBJECT = 22;
export const COMPOSED_PLATFORM_OBJECT = 23;

export const dataCloneError = (message) => new DOMException(message, "DataCloneError");

/** The getters of some attributes, of which a browser need not have all: the value is null then. */
export function gettersOf(prototype, names) {
  const getters = [];
  for (let i = 0; i < names.length; i++) {
    getters[i] = ownDescriptor(prototype, names[i])?.get ? getter(prototype, names[i]) : () => null;
  }
  return getters;
}

export function valuesOf(object, getters) {
  const values = bare();
  for (let i = 0; i < getters.length; i++) values[i] = getters[i](object);
  return values;
}

// What is written is the browser's own clone of a value: nothing but data, with the prototypes of this realm, and nobody
// else has it. So an object is what its prototype says.
const kinds = new SafeMap(); // prototype -> { tag, write, isView }
export const readers = []; // tag -> (reader) => value

/** How objects of a class are written after their tag, and read. A tag of null is written by `write`. */
export function define(tag, Class, write, read) {
  kinds.set(Class.prototype, { tag, write, isView: false });
  if (read) readers[tag] = read;
}

/** Writes one value, in which streams are those that are transferred. */
export class Writer {
  tokens = bare([VERSION]);
  parts = bare();
  streams = bare();
  portCount;
  #memory = new SafeMap(); // object -> its number, or ~index of a port
  #count = 0;

  constructor(ports) {
    this.portCount = ports.length;
    for (let i = 0; i < ports.length; i++) this.#memory.set(ports[i], ~i);
  }

  token(token) {
    this.tokens[this.tokens.length] = token;
  }

  number(value) {
    const hasToken = value - value === 0 && !(value === 0 && 1 / value < 0);
    this.token(hasToken ? value : value === 0 ? "-0" : `${value}`);
  }

  // Few frames of the stack for each level: values may be nested as deep as the browser lets them.
  value(value) {
    if (typeof value !== "object" || value === null) {
      this.#primitive(value);
      return;
    }
    const known = this.#memory.get(value);
    if (known !== undefined) {
      this.token(known < 0 ? TRANSFERRED : REFERENCE);
      this.token(known < 0 ? ~known : known);
      return;
    }
    const kind = kinds.get(ObjectGetPrototypeOf(value));
    if (kind === undefined) throw dataCloneError("An object of this kind cannot be sent to a service worker.");
    if (!kind.isView) this.#memory.set(value, this.#count++);
    if (kind.tag !== null) this.token(kind.tag);
    kind.write(this, value);
    if (kind.isView) this.#memory.set(value, this.#count++); // comes after its buffer
  }

  #primitive(value) {
    const tag = { __proto__: null, undefined: 1, number: 2, bigint: 3 }[typeof value];
    this.token(tag ?? value);
    if (tag === 2) this.number(value);
    else if (tag === 3) this.token(`${value}`);
  }

  list(items, write) {
    this.token(items.length);
    for (let i = 0; i < items.length; i++) write(items[i]);
  }

  properties(object, keys, from) {
    for (let i = from; i < keys.length; i++) {
      this.token(keys[i]);
      this.value(object[keys[i]]);
    }
    this.token(END);
  }

  part(part) {
    this.token(this.parts.length);
    this.parts[this.parts.length] = part;
  }

  platform(name, { 0: fields, 1: parts, 2: values }) {
    this.token(values === null ? PLATFORM_OBJECT : COMPOSED_PLATFORM_OBJECT);
    this.token(name);
    this.list(fields, (field) => this.token(field));
    this.list(parts, (part) => this.part(part));
    if (values !== null) this.list(values, (value) => this.value(value));
  }
}

/** Reads one value; see `readRecord`. */
export class Reader {
  parts;
  portAt;
  streamAt;
  #tokens;
  #memory = bare();
  #next = 0;

  constructor(text, parts, portAt, streamAt) {
    this.#tokens = JSONParse(text);
    this.parts = parts;
    this.portAt = portAt;
    this.streamAt = streamAt;
  }

  token() {
    return this.#tokens[this.#next++];
  }

  skip(tag) {
    if (this.#tokens[this.#next] !== tag) return false;
    this.#next++;
    return true;
  }

  number() {
    return Number(this.token());
  }

  value() {
    const token = this.token();
    return typeof token === "number" ? readers[token](this) : token;
  }

  remember(object) {
    return (this.#memory[this.#memory.length] = object);
  }

  /** Takes the object's place in the memory before what it is made of. */
  rememberFirst(make) {
    const index = this.#memory.length++;
    return (this.#memory[index] = make());
  }

  known() {
    return this.#memory[this.token()];
  }

  list(read) {
    const items = bare();
    for (let i = 0, count = this.token(); i < count; i++) items[i] = read();
    return items;
  }

  properties(object) {
    while (!this.skip(END)) setProperty(object, this.token(), this.value());
    return object;
  }

  part() {
    return this.parts[this.token()];
  }
}

function setProperty(object, key, value) {
  if (key in object) setOwn(object, key, value, true);
  else object[key] = value;
}

function setOwn(object, key, value, enumerable = false) {
  defineOwn(object, key, { __proto__: null, value, writable: true, configurable: true, enumerable });
}

readers[1] = () => undefined;
readers[2] = (reader) => reader.number();
readers[3] = (reader) => BigInt(reader.token());
readers[REFERENCE] = (reader) => reader.known();
readers[TRANSFERRED] = (reader) => reader.portAt(reader.token());

define(
  4,
  Object,
  (writer, object) => writer.properties(object, ObjectKeys(object), 0),
  (reader) => reader.properties(reader.remember({})),
);
define(null, Array, (writer, array) => {
  const keys = ObjectKeys(array);
  const { length } = array;
  // Keys that are indices come first, in order: if the last one is where it is without gaps, there are none.
  const isDense = length === 0 || keys[length - 1] === `${length - 1}`;
  writer.token(isDense ? ARRAY : SPARSE_ARRAY);
  writer.token(length);
  for (let i = 0; isDense && i < length; i++) writer.value(array[i]);
  writer.properties(array, keys, isDense ? length : 0);
});
readers[ARRAY] = (reader) => {
  const array = reader.remember([]);
  const length = reader.token();
  for (let i = 0; i < length; i++) if (!reader.skip(HOLE)) setProperty(array, i, reader.value());
  array.length = length;
  return reader.properties(array);
};
readers[SPARSE_ARRAY] = (reader) => {
  const array = reader.remember([]);
  array.length = reader.token();
  return reader.properties(array);
};

/** The wrapper objects of primitives. */
function defineWrapper(tag, Class, write, read) {
  const valueOf = uncurry(Class.prototype.valueOf);
  const wrap = (reader) => reader.remember(Object(read(reader)));
  define(tag, Class, (writer, object) => write(writer, valueOf(object)), wrap);
}
const writeToken = (writer, value) => writer.token(value);
const readToken = (reader) => reader.token();
defineWrapper(10, Boolean, writeToken, readToken);
defineWrapper(11, Number, (writer, value) => writer.number(value), readers[2]);
defineWrapper(12, BigInt, (writer, value) => writer.token(`${value}`), readers[3]);
defineWrapper(13, String, writeToken, readToken);

const timeOf = uncurry(Date.prototype.getTime);
define(
  14,
  Date,
  (writer, date) => writer.number(timeOf(date)),
  (reader) => reader.remember(new Date(reader.number())),
);

const FLAGS = ["hasIndices", "global", "ignoreCase", "multiline", "dotAll", "unicode", "unicodeSets", "sticky"];
const flagGetters = gettersOf(RegExp.prototype, FLAGS);
const sourceOf = getter(RegExp.prototype, "source");
define(
  15,
  RegExp,
  (writer, regExp) => {
    let flags = "";
    for (let i = 0; i < FLAGS.length; i++) if (flagGetters[i](regExp)) flags += "dgimsuvy"[i];
    writer.token(sourceOf(regExp));
    writer.token(flags);
  },
  (reader) => reader.remember(new RegExp(reader.token(), reader.token())),
);

const mapSizeOf = getter(Map.prototype, "size");
define(
  16,
  Map,
  (writer, map) => {
    writer.token(mapSizeOf(map));
    MapPrototypeForEach(map, (value, key) => {
      writer.value(key);
      writer.value(value);
    });
  },
  (reader) => {
    const map = reader.remember(new Map());
    reader.list(() => MapPrototypeSet(map, reader.value(), reader.value()));
    return map;
  },
);
const setSizeOf = getter(Set.prototype, "size");
const SetPrototypeForEach = uncurry(Set.prototype.forEach);
const SetPrototypeAdd = uncurry(Set.prototype.add);
define(
  17,
  Set,
  (writer, set) => {
    writer.token(setSizeOf(set));
    SetPrototypeForEach(set, (value) => writer.value(value));
  },
  (reader) => {
    const set = reader.remember(new Set());
    reader.list(() => SetPrototypeAdd(set, reader.value()));
    return set;
  },
);

const stackGetter = gettersOf(Error.prototype, ["stack"])[0];
/** Where browsers keep it: an own property, or an accessor of the error or of its prototype. */
export function stackOf(error) {
  const own = ownDescriptor(error, "stack") ?? { __proto__: null, get: stackGetter };
  const stack = own.get ? ReflectApply(own.get, error, [error]) : own.value;
  return typeof stack === "string" ? stack : null;
}
export function withStack(error, stack) {
  if (stack !== null) setOwn(error, "stack", stack);
  return error;
}

const errors = { __proto__: null };
const ERRORS = ["Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"];
for (let i = 0; i < ERRORS.length; i++) {
  const name = ERRORS[i];
  errors[name] = globalThis[name];
  define(18, errors[name], (writer, error) => {
    const message = ownDescriptor(error, "message");
    const cause = ownDescriptor(error, "cause");
    writer.token(name);
    writer.token(message === undefined ? null : message.value);
    writer.token(stackOf(error));
    writer.token(cause !== undefined);
    if (cause !== undefined) writer.value(cause.value);
  });
}
readers[18] = (reader) => {
  const Class = errors[reader.token()] ?? errors.Error;
  const error = reader.remember(new Class());
  const message = reader.token();
  if (message !== null) setOwn(error, "message", message);
  withStack(error, reader.token());
  if (reader.token()) setOwn(error, "cause", reader.value());
  return error;
};

// Bytes

const resize = ArrayBuffer.prototype.resize && uncurry(ArrayBuffer.prototype.resize);
const resizability = gettersOf(ArrayBuffer.prototype, ["resizable", "maxByteLength"]);
const isResizable = resizability[0];
define(null, ArrayBuffer, (writer, buffer) => {
  writer.token(isResizable(buffer) ? RESIZABLE_ARRAY_BUFFER : ARRAY_BUFFER);
  if (isResizable(buffer)) writer.token(resizability[1](buffer));
  writer.part(buffer);
});
readers[ARRAY_BUFFER] = (reader) => reader.remember(viewGetters[0](new Uint8Array(reader.part())));
readers[RESIZABLE_ARRAY_BUFFER] = (reader) => {
  const maxByteLength = reader.token();
  const part = reader.part();
  const buffer = reader.remember(new ArrayBuffer(part.length, { __proto__: null, maxByteLength }));
  setBytes(new Uint8Array(buffer), part);
  return buffer;
};

const viewClasses = { __proto__: null };

/** A kind of views; `getters` have the buffer, the offset, and the length. */
function defineView(name, elementSize, getters) {
  const Class = globalThis[name];
  if (Class === undefined) return;
  viewClasses[name] = Class;
  const write = (writer, view) => {
    const { 0: buffer, 1: offset, 2: length } = valuesOf(view, getters);
    writer.token(name);
    writer.token(offset);
    writer.token(isLengthTracking(view, buffer, offset, length * elementSize) ? null : length);
    writer.value(buffer);
  };
  kinds.set(Class.prototype, { tag: 21, write, isView: true });
}
readers[21] = (reader) => {
  const Class = viewClasses[reader.token()];
  const offset = reader.token();
  const length = reader.token() ?? undefined;
  return reader.remember(new Class(reader.value(), offset, length));
};

/** The language does not tell: the buffer, which is ours alone, is made too short for a view of that length. */
function isLengthTracking(view, buffer, offset, byteLength) {
  if (!isResizable(buffer)) return false;
  const whole = byteLengthOf(buffer);
  if (byteLength === 0) return offset === whole;
  const bytes = new Uint8Array(new Uint8Array(buffer));
  resize(buffer, offset + byteLength - 1);
  try {
    if (ObjectGetPrototypeOf(view) === DataView.prototype) viewLength(view);
    else setBytes(view, []);
    return true;
  } catch {
    return false;
  } finally {
    resize(buffer, whole);
    setBytes(new Uint8Array(buffer), bytes);
  }
}

const viewLength = getter(DataView.prototype, "byteLength");
const viewGetters = gettersOf(ObjectGetPrototypeOf(Uint8Array.prototype), ["buffer", "byteOffset", "length"]);
const SIZES = {
  Int8: 1,
  Uint8: 1,
  Uint8Clamped: 1,
  Int16: 2,
  Uint16: 2,
  Float16: 2,
  Int32: 4,
  Uint32: 4,
  Float32: 4,
};
for (const type in SIZES) defineView(`${type}Array`, SIZES[type], viewGetters);
defineView("Float64Array", 8, viewGetters);
defineView("BigInt64Array", 8, viewGetters);
defineView("BigUint64Array", 8, viewGetters);
defineView("DataView", 1, gettersOf(DataView.prototype, ["buffer", "byteOffset", "byteLength"]));

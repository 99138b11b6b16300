// https://html.spec.whatwg.org/#structuredserializeinternal: a value becomes the tokens of a Record.
import {
  ArrayBufferPrototypeGetByteLength,
  ArrayBufferPrototypeGetDetached,
  BigIntPrototypeValueOf,
  BooleanPrototypeValueOf,
  DatePrototypeGetTime,
  MapKeys,
  MapValues,
  NumberIsFinite,
  NumberPrototypeValueOf,
  ObjectHasOwn,
  ObjectKeys,
  ReflectGetOwnPropertyDescriptor,
  RegExpFlags,
  RegExpPrototypeGetSource,
  SafeMap,
  SetValues,
  StringPrototypeValueOf,
  TypedArrayPrototypeGetSymbolToStringTag,
} from "../infra/primordials.js";
import { viewedBuffer } from "../webidl/types.js";
import { kindOf } from "./kinds.js";
import {
  ARRAY,
  ARRAY_BUFFER,
  BIGINT,
  BIGINT_OBJECT,
  BOOLEAN_OBJECT,
  COMPOSED_PLATFORM_OBJECT,
  copyBuffer,
  dataCloneError,
  DATE,
  END,
  ERROR,
  HOLE,
  MAP,
  maxByteLengthOf,
  NUMBER,
  NUMBER_OBJECT,
  OBJECT,
  PLATFORM_OBJECT,
  Record,
  REFERENCE,
  REGEXP,
  releaseParts,
  RESIZABLE_ARRAY_BUFFER,
  SET,
  SPARSE_ARRAY,
  STRING_OBJECT,
  TRANSFERRED,
  UNDEFINED,
  VERSION,
  VIEW,
} from "./record.js";
import { serializableOf } from "./registry.js";
import { isLengthTracking, isOutOfBounds, lengthOf, offsetOf } from "./views.js";

/** Serializes one value. What it finds in there is held by frames and not by recursion: depth has no limit. */
export class Serializer {
  #tokens = [VERSION];
  #parts = [];
  #memory = new SafeMap(); // object -> its number in order of appearance
  #count = 0;
  #transfers;
  #portCount = 0;
  #frames = []; // { object, items, index, elements, closed }: see #enter

  /**
   * transfers: object -> { declaration, place }, of those that are transferred; the place of ports is given, and
   * another's is set when the value has it.
   */
  constructor(transfers = null, portCount = 0) {
    this.#transfers = transfers;
    this.#portCount = portCount;
  }

  /** @throws a DataCloneError, or what a getter throws */
  serialize(value) {
    try {
      this.#value(value);
      while (this.#frames.length > 0) this.#step(this.#frames[this.#frames.length - 1]);
    } catch (error) {
      releaseParts(this.#parts);
      throw error;
    }
    return new Record(this.#tokens, this.#parts);
  }

  #push(token) {
    this.#tokens[this.#tokens.length] = token;
  }

  /** The next item of a frame. */
  #step(frame) {
    const { object, items } = frame;
    if (frame.index === items.length) {
      this.#frames.length--;
      if (frame.closed) this.#push(END);
      return;
    }
    const item = items[frame.index++];
    if (object === null) {
      this.#value(item);
      return;
    }
    const isElement = frame.index <= frame.elements;
    if (ObjectHasOwn(object, item)) {
      if (!isElement) this.#push(item);
      this.#value(object[item]);
    } else if (isElement) {
      this.#push(HOLE);
    }
  }

  /** Goes on with the properties of an object, of which the first `elements` are written without their keys. */
  #enter(object, keys, elements) {
    this.#frames[this.#frames.length] = { object, items: keys, index: 0, elements, closed: true };
  }

  /** Goes on with some values. */
  #enterValues(values) {
    this.#frames[this.#frames.length] = { object: null, items: values, index: 0, elements: 0, closed: false };
  }

  #value(value) {
    switch (typeof value) {
      case "string":
      case "boolean":
        this.#push(value);
        break;
      case "undefined":
        this.#push(UNDEFINED);
        break;
      case "number":
        this.#push(NUMBER);
        this.#number(value);
        break;
      case "bigint":
        this.#push(BIGINT);
        this.#push(`${value}`);
        break;
      case "symbol":
        throw dataCloneError("A symbol could not be cloned.");
      case "function":
        throw dataCloneError("A function could not be cloned.");
      default:
        if (value === null) this.#push(null);
        else this.#reference(value);
    }
  }

  /** JSON has no token for some numbers. */
  #number(value) {
    const hasToken = NumberIsFinite(value) && !(value === 0 && 1 / value < 0);
    this.#push(hasToken ? value : value === 0 ? "-0" : `${value}`);
  }

  #reference(object) {
    const known = this.#memory.get(object);
    if (known !== undefined) {
      this.#push(REFERENCE);
      this.#push(known);
      return;
    }
    const transfer = this.#transfers?.get(object);
    if (transfer === undefined) this.#object(object, kindOf(object));
    else this.#transferred(object, transfer);
  }

  #transferred(object, transfer) {
    const { declaration, place } = transfer;
    if (declaration === null) {
      this.#remember(object);
      this.#arrayBufferTag(maxByteLengthOf(object));
      transfer.place = this.#parts.length;
      this.#part(null);
    } else if (place !== null) {
      this.#port(place);
    } else {
      this.#remember(object);
      this.#platformObjectTag(COMPOSED_PLATFORM_OBJECT, declaration.name, [], []);
      this.#push(declaration.portCount);
      transfer.place = this.#portCount;
      for (let i = 0; i < declaration.portCount; i++) this.#port(this.#portCount++);
    }
  }

  #port(place) {
    this.#push(TRANSFERRED);
    this.#push(place);
  }

  #remember(object) {
    this.#memory.set(object, this.#count++);
  }

  #object(object, kind) {
    if (kind === "ArrayBufferView") {
      this.#view(object); // comes after its buffer in the memory
      return;
    }
    this.#remember(object);
    switch (kind) {
      case "Object":
        this.#push(OBJECT);
        this.#enter(object, ObjectKeys(object), 0);
        break;
      case "Array":
        this.#array(object);
        break;
      case "Boolean":
        this.#push(BOOLEAN_OBJECT);
        this.#push(BooleanPrototypeValueOf(object));
        break;
      case "Number":
        this.#push(NUMBER_OBJECT);
        this.#number(NumberPrototypeValueOf(object));
        break;
      case "BigInt":
        this.#push(BIGINT_OBJECT);
        this.#push(`${BigIntPrototypeValueOf(object)}`);
        break;
      case "String":
        this.#push(STRING_OBJECT);
        this.#push(StringPrototypeValueOf(object));
        break;
      case "Date":
        this.#push(DATE);
        this.#number(DatePrototypeGetTime(object));
        break;
      case "RegExp":
        this.#regExp(object);
        break;
      case "Map":
        this.#map(object);
        break;
      case "Set":
        this.#set(object);
        break;
      case "Error":
        this.#error(object);
        break;
      case "ArrayBuffer":
        this.#arrayBuffer(object);
        break;
      case "platform object":
        this.#platformObject(object);
        break;
      default:
        throw dataCloneError(`An object of the type ${kind} could not be cloned.`);
    }
  }

  #array(array) {
    const keys = ObjectKeys(array);
    const { length } = array;
    // Keys that are indices come first, in order: if the last index is where it is without gaps, there are none.
    const isDense = length === 0 || keys[length - 1] === `${length - 1}`;
    this.#push(isDense ? ARRAY : SPARSE_ARRAY);
    this.#push(length);
    this.#enter(array, keys, isDense ? length : 0);
  }

  #regExp(regExp) {
    let flags = "";
    for (let i = 0; i < RegExpFlags.length; i++) {
      const { flag, isSet } = RegExpFlags[i];
      if (isSet(regExp)) flags += flag;
    }
    this.#push(REGEXP);
    this.#push(RegExpPrototypeGetSource(regExp));
    this.#push(flags);
  }

  #map(map) {
    const keys = MapKeys(map);
    const values = MapValues(map);
    const entries = [];
    for (let i = 0; i < keys.length; i++) {
      entries[2 * i] = keys[i];
      entries[2 * i + 1] = values[i];
    }
    this.#push(MAP);
    this.#push(keys.length);
    this.#enterValues(entries);
  }

  #set(set) {
    const values = SetValues(set);
    this.#push(SET);
    this.#push(values.length);
    this.#enterValues(values);
  }

  #error(error) {
    const { name } = error;
    const message = ReflectGetOwnPropertyDescriptor(error, "message");
    const stack = ReflectGetOwnPropertyDescriptor(error, "stack");
    const cause = ReflectGetOwnPropertyDescriptor(error, "cause");
    const isData = (descriptor) => descriptor !== undefined && ObjectHasOwn(descriptor, "value");
    this.#push(ERROR);
    this.#push(typeof name === "string" ? name : "Error");
    this.#push(isData(message) ? `${message.value}` : null);
    this.#push(isData(stack) && typeof stack.value === "string" ? stack.value : null);
    this.#push(isData(cause));
    if (isData(cause)) this.#enterValues([cause.value]);
  }

  #arrayBuffer(buffer) {
    if (ArrayBufferPrototypeGetDetached(buffer)) throw dataCloneError("An ArrayBuffer is detached.");
    const maxByteLength = maxByteLengthOf(buffer);
    this.#arrayBufferTag(maxByteLength);
    this.#part(copyOf(buffer, maxByteLength));
  }

  #arrayBufferTag(maxByteLength) {
    this.#push(maxByteLength === undefined ? ARRAY_BUFFER : RESIZABLE_ARRAY_BUFFER);
    if (maxByteLength !== undefined) this.#push(maxByteLength);
  }

  #part(part) {
    this.#push(this.#parts.length);
    this.#parts[this.#parts.length] = part;
  }

  #view(view) {
    if (isOutOfBounds(view)) throw dataCloneError("The ArrayBuffer of a view is detached or too short for it.");
    this.#push(VIEW);
    this.#push(TypedArrayPrototypeGetSymbolToStringTag(view) ?? "DataView");
    this.#push(offsetOf(view));
    this.#push(isLengthTracking(view) ? null : lengthOf(view));
    this.#reference(viewedBuffer(view));
    this.#remember(view);
  }

  #platformObject(object) {
    const declaration = serializableOf(object);
    if (declaration === null) throw dataCloneError("A platform object could not be cloned.");
    const { fields, bodies, values } = declaration.serialize(object);
    const tag = values === undefined ? PLATFORM_OBJECT : COMPOSED_PLATFORM_OBJECT;
    this.#platformObjectTag(tag, declaration.name, fields, bodies);
    if (values !== undefined) {
      this.#push(values.length);
      this.#enterValues(values);
    }
  }

  #platformObjectTag(tag, name, fields, bodies) {
    this.#push(tag);
    this.#push(name);
    this.#push(fields.length);
    for (let i = 0; i < fields.length; i++) this.#push(fields[i]);
    this.#push(bodies.length);
    for (let i = 0; i < bodies.length; i++) this.#part(bodies[i]);
  }
}

function copyOf(buffer, maxByteLength) {
  try {
    return copyBuffer(buffer, maxByteLength);
  } catch {
    const length = ArrayBufferPrototypeGetByteLength(buffer);
    throw dataCloneError(`An ArrayBuffer of ${length} bytes could not be cloned: out of memory.`);
  }
}

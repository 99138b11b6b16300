// https://html.spec.whatwg.org/#structureddeserialize: the tokens of a Record become a value.
import { op_interface_file } from "host:ops";
import {
  BigIntConstructor,
  DateConstructor,
  ErrorConstructor,
  EvalErrorConstructor,
  MapConstructor,
  MapPrototypeSet,
  NumberConstructor,
  ObjectConstructor,
  ObjectDefineProperty,
  RangeErrorConstructor,
  ReferenceErrorConstructor,
  RegExpConstructor,
  SetConstructor,
  SetPrototypeAdd,
  SyntaxErrorConstructor,
  TypeErrorConstructor,
  URIErrorConstructor,
} from "../infra/primordials.js";
import { loadByPath } from "swproxy:bootstrap";
import {
  ARRAY,
  ARRAY_BUFFER,
  BIGINT,
  BIGINT_OBJECT,
  BOOLEAN_OBJECT,
  COMPOSED_PLATFORM_OBJECT,
  dataCloneError,
  DATE,
  END,
  ERROR,
  HOLE,
  MAP,
  NUMBER,
  NUMBER_OBJECT,
  OBJECT,
  PLATFORM_OBJECT,
  REFERENCE,
  REGEXP,
  RESIZABLE_ARRAY_BUFFER,
  SET,
  SPARSE_ARRAY,
  STRING_OBJECT,
  TRANSFERRED,
  UNDEFINED,
  VERSION,
  VIEW,
} from "./record.js";
import { declarationNamed } from "./registry.js";
import { createView } from "./views.js";

const ERRORS = {
  __proto__: null,
  EvalError: EvalErrorConstructor,
  RangeError: RangeErrorConstructor,
  ReferenceError: ReferenceErrorConstructor,
  SyntaxError: SyntaxErrorConstructor,
  TypeError: TypeErrorConstructor,
  URIError: URIErrorConstructor,
};

/** CreateDataProperty of an object that nobody else has seen yet. */
function createDataProperty(object, key, value) {
  if (key in object) {
    const descriptor = { __proto__: null, value, writable: true, enumerable: true, configurable: true };
    ObjectDefineProperty(object, key, descriptor);
  } else {
    object[key] = value;
  }
}

function createHiddenProperty(object, key, value) {
  ObjectDefineProperty(object, key, {
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

/** Reads one record, which is used up. Objects whose contents are still to come are held by frames. */
export class Deserializer {
  #record;
  #tokens;
  #ports;
  #next = 0;
  #memory = [];
  #frames = []; // see the classes below

  /** ports: what the record's Endpoints have become. */
  constructor(record, ports = []) {
    this.#record = record;
    this.#tokens = record.tokens;
    this.#ports = ports;
  }

  deserialize() {
    if (this.token() !== VERSION) throw dataCloneError("The data were made by another version.");
    const value = this.read();
    while (this.#frames.length > 0) {
      const frame = this.#frames[this.#frames.length - 1];
      // What a frame reads may put another one on top of it; what that one is about is known already.
      if (!frame.read(this)) this.#frames.length--;
    }
    return value;
  }

  token() {
    return this.#tokens[this.#next++];
  }

  /** Whether the tag is the next token, which is skipped then. */
  skip(tag) {
    if (this.#tokens[this.#next] !== tag) return false;
    this.#next++;
    return true;
  }

  #number() {
    const token = this.token();
    return typeof token === "number" ? token : NumberConstructor(token);
  }

  #remember(object) {
    this.#memory[this.#memory.length] = object;
    return object;
  }

  #enter(object, frame) {
    this.#frames[this.#frames.length] = frame;
    return this.#remember(object);
  }

  /** The next value; the contents of an object may follow. */
  read() {
    const token = this.token();
    if (typeof token !== "number") return token;
    switch (token) {
      case UNDEFINED:
        return undefined;
      case NUMBER:
        return this.#number();
      case BIGINT:
        return BigIntConstructor(this.token());
      case REFERENCE:
        return this.#memory[this.token()];
      case TRANSFERRED:
        return this.#ports[this.token()];
      case OBJECT:
      case ARRAY:
      case SPARSE_ARRAY:
      case MAP:
      case SET:
      case ERROR:
        return this.#container(token);
      case VIEW:
        return this.#view();
      case COMPOSED_PLATFORM_OBJECT:
        return this.#composedPlatformObject();
      default:
        return this.#remember(this.#leaf(token));
    }
  }

  #container(tag) {
    switch (tag) {
      case OBJECT: {
        const object = {};
        return this.#enter(object, new Properties(object));
      }
      case ARRAY: {
        const array = [];
        return this.#enter(array, new Elements(array, this.token()));
      }
      case SPARSE_ARRAY: {
        const array = [];
        array.length = this.token();
        return this.#enter(array, new Properties(array));
      }
      case MAP: {
        const map = new MapConstructor();
        return this.#enter(map, new Entries(map, this.token()));
      }
      case SET: {
        const set = new SetConstructor();
        return this.#enter(set, new Members(set, this.token()));
      }
      default:
        return this.#error();
    }
  }

  #leaf(tag) {
    switch (tag) {
      case BOOLEAN_OBJECT:
      case STRING_OBJECT:
        return ObjectConstructor(this.token());
      case NUMBER_OBJECT:
        return ObjectConstructor(this.#number());
      case BIGINT_OBJECT:
        return ObjectConstructor(BigIntConstructor(this.token()));
      case DATE:
        return new DateConstructor(this.#number());
      case REGEXP:
        return new RegExpConstructor(this.token(), this.token());
      case ARRAY_BUFFER:
        return this.#record.takeBuffer(this.token());
      case RESIZABLE_ARRAY_BUFFER: {
        const maxByteLength = this.token();
        return this.#record.takeBuffer(this.token(), maxByteLength);
      }
      case PLATFORM_OBJECT:
        return this.#platformObject(false);
      default:
        throw dataCloneError("The data could not be read.");
    }
  }

  #view() {
    const type = this.token();
    const offset = this.token();
    const length = this.token();
    const buffer = this.read();
    return this.#remember(createView(type, buffer, offset, length));
  }

  #error() {
    const Constructor = ERRORS[this.token()] ?? ErrorConstructor;
    const message = this.token();
    const stack = this.token();
    const hasCause = this.token();
    const error = new Constructor();
    if (message !== null) createHiddenProperty(error, "message", message);
    delete error.stack; // that of this place
    if (stack !== null) createHiddenProperty(error, "stack", stack);
    return hasCause ? this.#enter(error, new Cause(error)) : this.#remember(error);
  }

  /** The object comes before its values in the memory, and is made of them: no value has contents that follow. */
  #composedPlatformObject() {
    const index = this.#memory.length;
    this.#remember(null);
    this.#memory[index] = this.#platformObject(true);
    return this.#memory[index];
  }

  #platformObject(isComposed) {
    const name = this.token();
    const fields = [];
    const fieldCount = this.token();
    for (let i = 0; i < fieldCount; i++) fields[i] = this.token();
    const bodies = [];
    const bodyCount = this.token();
    for (let i = 0; i < bodyCount; i++) bodies[i] = this.#record.takeHandle(this.token());
    const values = [];
    const valueCount = isComposed ? this.token() : 0;
    for (let i = 0; i < valueCount; i++) values[i] = this.read();
    return declarationOf(name).deserialize(fields, bodies, values);
  }
}

function declarationOf(name) {
  const known = declarationNamed(name);
  if (known !== null) return known;
  const path = op_interface_file(name);
  if (path !== undefined) loadByPath(path);
  const declaration = declarationNamed(name);
  if (declaration === null) throw dataCloneError(`A ${name} cannot be received here.`);
  return declaration;
}

// Frames: an object and what of it is still to be read. read() reads one item; false, if there is none left.

class Properties {
  object;

  constructor(object) {
    this.object = object;
  }

  read(input) {
    if (input.skip(END)) return false;
    const key = input.token();
    createDataProperty(this.object, key, input.read());
    return true;
  }
}

class Elements {
  array;
  length;
  index = 0;

  constructor(array, length) {
    this.array = array;
    this.length = length;
  }

  read(input) {
    const index = this.index++;
    if (index < this.length) {
      if (!input.skip(HOLE)) createDataProperty(this.array, index, input.read());
      return true;
    }
    if (index === this.length) this.array.length = index;
    if (input.skip(END)) return false;
    const key = input.token();
    createDataProperty(this.array, key, input.read());
    return true;
  }
}

class Entries {
  map;
  left;
  key = undefined;

  constructor(map, count) {
    this.map = map;
    this.left = 2 * count;
  }

  read(input) {
    if (this.left === 0) return false;
    if (this.left-- % 2 === 0) this.key = input.read();
    else MapPrototypeSet(this.map, this.key, input.read());
    return true;
  }
}

class Members {
  set;
  left;

  constructor(set, count) {
    this.set = set;
    this.left = count;
  }

  read(input) {
    if (this.left-- === 0) return false;
    SetPrototypeAdd(this.set, input.read());
    return true;
  }
}

class Cause {
  error;
  isRead = false;

  constructor(error) {
    this.error = error;
  }

  read(input) {
    if (this.isRead) return false;
    this.isRead = true;
    createHiddenProperty(this.error, "cause", input.read());
    return true;
  }
}

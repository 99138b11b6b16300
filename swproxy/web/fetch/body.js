// https://fetch.spec.whatwg.org/#bodies and #body-mixin.
//
// A body is text or bytes of the script's own, a handle for bytes that the host holds, or a stream. Bytes of the
// host come into the heap when the script reads them, and no sooner.
import {
  op_body_bytes,
  op_body_clone,
  op_body_from_bytes,
  op_body_from_text,
  op_body_release,
  op_body_text,
} from "host:ops";
import {
  ArrayBufferIsView,
  JSONParse,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  SafeFinalizationRegistry,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypedArrayPrototypeGetBuffer,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { bytesOf, bytesToBinary, binaryToBytes } from "../infra/bytes.js";
import { URLSearchParams } from "../url/url_search_params.js";
import { BufferSource, isArrayBuffer, isObject, USVString } from "../webidl/types.js";

const registry = new SafeFinalizationRegistry((handle) => op_body_release(handle));

// The classes of the parts that are loaded at their first use: until then no object of theirs exists.
export const bodyKinds = {
  isStream: () => false,
  isBlob: () => false,
  isFormData: () => false,
  /** Blob -> { handle } of a host body with its bytes */
  fromBlob: null,
  /** FormData -> { handle, type } */
  fromFormData: null,
};

export class InnerBody {
  handle = null; // a number
  text = null;
  bytes = null;
  stream = null;
  #used = false;

  static ofHandle(handle) {
    const body = new InnerBody();
    body.handle = handle;
    registry.register(body, handle, body);
    return body;
  }

  static ofText(text) {
    const body = new InnerBody();
    body.text = text;
    return body;
  }

  static ofBytes(bytes) {
    const body = new InnerBody();
    body.bytes = bytes;
    return body;
  }

  static ofStream(stream) {
    const body = new InnerBody();
    body.stream = stream;
    return body;
  }

  /** https://fetch.spec.whatwg.org/#body-unusable is `used` or `locked`. */
  get used() {
    return this.stream === null ? this.#used : load("../streams/internals.js").isDisturbed(this.stream);
  }

  get locked() {
    return this.stream !== null && load("../streams/internals.js").isLocked(this.stream);
  }

  get unusable() {
    return this.#used || this.used || this.locked;
  }

  /** The handle of a host body with these bytes, which is the caller's from now on: this body is used up. */
  takeHandle() {
    this.#used = true;
    if (this.handle !== null) {
      registry.unregister(this);
      const { handle } = this;
      this.handle = null;
      return handle;
    }
    if (this.text !== null) return op_body_from_text(this.text);
    if (this.bytes !== null) return op_body_from_bytes(bytesToBinary(this.bytes));
    return load("../streams/body_stream.js").pump(this.stream);
  }

  /** https://fetch.spec.whatwg.org/#concept-body-clone */
  clone() {
    if (this.stream !== null) {
      const [one, two] = load("../streams/internals.js").tee(this.stream);
      this.stream = one;
      return InnerBody.ofStream(two);
    }
    if (this.handle !== null) return InnerBody.ofHandle(op_body_clone(this.handle));
    return this.text !== null ? InnerBody.ofText(this.text) : InnerBody.ofBytes(this.bytes);
  }

  /** What a new Request does with the body of the Request it is made from: this one is used up. */
  transfer() {
    const body = new InnerBody();
    const { text, bytes, stream } = this;
    if (this.handle !== null) {
      this.#used = true;
      return InnerBody.ofHandle(this.takeHandle());
    }
    body.text = text;
    body.bytes = bytes;
    body.stream = stream === null ? null : load("../streams/internals.js").proxyOf(stream);
    this.#used = true;
    return body;
  }

  /** The stream that scripts see. */
  toStream() {
    this.stream ??= load("../streams/body_stream.js").streamOf(this);
    return this.stream;
  }

  /** Gives what backs the stream to the stream. */
  takeSource() {
    const { text, bytes } = this;
    const handle = this.handle === null ? null : this.takeHandle();
    this.text = null;
    this.bytes = null;
    this.#used = false;
    return { text, bytes, handle };
  }

  async readText() {
    if (this.stream !== null) return decode(await this.#readStream());
    this.#used = true;
    if (this.text !== null) {
      return StringPrototypeStartsWith(this.text, "\ufeff") ? StringPrototypeSlice(this.text, 1) : this.text;
    }
    if (this.bytes !== null) return decode(this.bytes);
    return op_body_text(this.takeHandle());
  }

  /** A Uint8Array of its own. */
  async readBytes() {
    if (this.stream !== null) return this.#readStream();
    this.#used = true;
    if (this.bytes !== null) return bytesOf(this.bytes);
    return binaryToBytes(await op_body_bytes(this.takeHandle()));
  }

  #readStream() {
    return load("../streams/body_stream.js").readAll(this.stream);
  }
}

const decode = (bytes) => op_body_text(op_body_from_bytes(bytesToBinary(bytes)));

/** What a Response or Request constructor takes; the order of the tests is that of the union's conversion. */
class BodyInit {
  convert(value, place) {
    if (isObject(value)) {
      if (bodyKinds.isStream(value) || bodyKinds.isBlob(value) || bodyKinds.isFormData(value)) return value;
      if (ArrayBufferIsView(value) || isArrayBuffer(value)) return BufferSource.convert(value, place);
      if (URLSearchParams.is(value)) return value;
    }
    return USVString.convert(value, place);
  }
}
export const XMLHttpRequestBodyInit = new BodyInit();

/**
 * https://fetch.spec.whatwg.org/#concept-bodyinit-extract
 * @returns { body, type }: type is the Content-Type or null
 */
export function extractBody(object, keepalive = false) {
  if (typeof object === "string") return { body: InnerBody.ofText(object), type: "text/plain;charset=UTF-8" };
  if (bodyKinds.isStream(object)) {
    if (keepalive) throw new TypeErrorConstructor("A request with keepalive cannot have a stream as its body.");
    if (load("../streams/internals.js").isDisturbed(object) || load("../streams/internals.js").isLocked(object)) {
      throw new TypeErrorConstructor("The stream is disturbed or locked.");
    }
    return { body: InnerBody.ofStream(object), type: null };
  }
  if (bodyKinds.isBlob(object)) {
    return { body: InnerBody.ofHandle(bodyKinds.fromBlob(object)), type: object.type || null };
  }
  if (bodyKinds.isFormData(object)) {
    const { handle, type } = bodyKinds.fromFormData(object);
    return { body: InnerBody.ofHandle(handle), type };
  }
  if (URLSearchParams.is(object)) {
    const type = "application/x-www-form-urlencoded;charset=UTF-8";
    return { body: InnerBody.ofText(URLSearchParams.serialize(object)), type };
  }
  return { body: InnerBody.ofBytes(bytesOf(object)), type: null };
}

// The members of the mixin, for a class whose static bodyOf(object) gives the InnerBody or null.

function readable(body) {
  if (body !== null && body.unusable) throw new TypeErrorConstructor("The body is locked or has been read.");
}

async function consumeText(body) {
  readable(body);
  return body === null ? "" : body.readText();
}

async function consumeBytes(body) {
  readable(body);
  return body === null ? bytesOf(undefined) : body.readBytes();
}

/** Adds body, bodyUsed and the reading methods to the prototype of a class. */
export function mixInBody(implementation, mimeType) {
  const { bodyOf } = implementation;
  const members = {
    get body() {
      return bodyOf(this)?.toStream() ?? null;
    },
    get bodyUsed() {
      return bodyOf(this)?.used ?? false;
    },
    async arrayBuffer() {
      return TypedArrayPrototypeGetBuffer(await consumeBytes(bodyOf(this)));
    },
    async blob() {
      const body = bodyOf(this);
      readable(body);
      return load("../file/blob.js").blobOfBody(body, mimeType(this));
    },
    async bytes() {
      return consumeBytes(bodyOf(this));
    },
    async formData() {
      const body = bodyOf(this);
      readable(body);
      return load("../xhr/form_data.js").formDataOfBody(body, mimeType(this));
    },
    async json() {
      return JSONParse(await consumeText(bodyOf(this)));
    },
    async text() {
      return consumeText(bodyOf(this));
    },
  };
  const names = ["body", "bodyUsed", "arrayBuffer", "blob", "bytes", "formData", "json", "text"];
  for (let i = 0; i < names.length; i++) {
    const { prototype } = implementation;
    ObjectDefineProperty(prototype, names[i], ObjectGetOwnPropertyDescriptor(members, names[i]));
  }
}

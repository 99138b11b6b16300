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
  ArrayIsArray,
  JSONParse,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  PromiseConstructor,
  SafeFinalizationRegistry,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetLength,
  TypeErrorConstructor,
  upon,
} from "../infra/primordials.js";
import { bytesOf, packBytes, unpackBytes } from "../infra/bytes.js";
import { URLSearchParams } from "../url/url_search_params.js";
import { BufferSource, isArrayBuffer, isObject, USVString } from "../webidl/types.js";

// The host takes as many bytes in one piece: packed, some take twelve times their size for a moment.
const AT_ONCE = 1 << 19;

const registry = new SafeFinalizationRegistry((handle) => op_body_release(handle));

// The classes of the parts that are loaded at their first use: until then no object of theirs exists.
export const bodyKinds = {
  isStream: () => false,
  isBlob: () => false,
  isFormData: () => false,
  /** Blob -> { handle, type } of a host body; type is its Content-Type, or null */
  fromBlob: null,
  /** FormData -> the same */
  fromFormData: null,
};

export class InnerBody {
  handle = null; // a number
  text = null;
  bytes = null;
  stream = null;
  /** what became of the fetch that it is of, { aborted, reason }; null if nobody can abort that */
  fetch = null;
  #used = false;
  #rejectRead = null;
  #token = null; // of the registry, and not the body itself: the engine keeps tokens alive

  static ofHandle(handle, fetch = null) {
    const body = new InnerBody();
    body.handle = handle;
    body.fetch = fetch;
    body.#token = {};
    registry.register(body, handle, body.#token);
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
      registry.unregister(this.#token);
      const { handle } = this;
      this.handle = null;
      return handle;
    }
    if (this.text !== null) return op_body_from_text(this.text);
    if (this.bytes !== null) {
      return TypedArrayPrototypeGetLength(this.bytes) <= AT_ONCE
        ? op_body_from_bytes(packBytes(this.bytes))
        : load("../file/byte_range.js").bodyOfBytes(this.bytes);
    }
    const reclaimed = this.#reclaim();
    if (reclaimed === null) return load("../streams/body_stream.js").pump(this.stream);
    this.fetch = reclaimed.fetch;
    return reclaimed.takeHandle();
  }

  /** What is behind the stream that scripts have seen and not touched: an InnerBody, or null. */
  #reclaim() {
    return this.stream === null ? null : load("../streams/body_stream.js").reclaim(this.stream);
  }

  /** https://fetch.spec.whatwg.org/#concept-body-clone */
  clone() {
    const reclaimed = this.#reclaim();
    if (reclaimed !== null) {
      const copy = reclaimed.clone();
      this.stream = load("../streams/body_stream.js").streamOf(reclaimed);
      return copy;
    }
    if (this.stream !== null) {
      const { branch1, branch2 } = load("../streams/internals.js").tee(this.stream);
      this.stream = branch1;
      return InnerBody.ofStream(branch2);
    }
    if (this.handle !== null) return InnerBody.ofHandle(op_body_clone(this.handle), this.fetch);
    return this.text !== null ? InnerBody.ofText(this.text) : InnerBody.ofBytes(this.bytes);
  }

  /** What a new Request does with the body of the Request it is made from: this one is used up. */
  transfer() {
    const reclaimed = this.#reclaim();
    if (reclaimed !== null) return reclaimed;
    if (this.stream !== null) return InnerBody.ofStream(load("../streams/internals.js").proxyOf(this.stream));
    return this.#take();
  }

  /** A body of what this one has, which is used up. */
  #take() {
    this.#used = true;
    if (this.handle !== null) return InnerBody.ofHandle(this.takeHandle(), this.fetch);
    return this.text !== null ? InnerBody.ofText(this.text) : InnerBody.ofBytes(this.bytes);
  }

  /** The stream that scripts see. */
  toStream() {
    if (this.stream === null) {
      const { streamOf, usedStream } = load("../streams/body_stream.js");
      this.stream = this.#used ? usedStream() : streamOf(this.#take());
      this.text = null;
      this.bytes = null;
      this.#used = false; // the stream tells
    }
    return this.stream;
  }

  /** https://streams.spec.whatwg.org/#readablestream-cancel, if it is a stream */
  cancel(reason) {
    if (this.stream !== null) load("../streams/internals.js").cancel(this.stream, reason);
  }

  /** https://fetch.spec.whatwg.org/#abort-fetch: what is not read yet cannot be read any more. */
  abort(reason) {
    if (this.#rejectRead !== null) this.#rejectRead(reason);
    else load("../streams/body_stream.js").abort(this.toStream(), reason);
  }

  async readText() {
    const reclaimed = this.#reclaim();
    if (reclaimed !== null) return await this.#unlessAborted(() => reclaimed.readText());
    if (this.stream !== null) return await this.#readStream(decode);
    this.#used = true;
    if (this.text !== null) {
      return StringPrototypeStartsWith(this.text, "\ufeff") ? StringPrototypeSlice(this.text, 1) : this.text;
    }
    if (this.bytes !== null) return decode(this.bytes);
    return await this.#unlessAborted(() => op_body_text(this.takeHandle()));
  }

  /** A Uint8Array of its own. */
  async readBytes() {
    const reclaimed = this.#reclaim();
    if (reclaimed !== null) return await this.#unlessAborted(() => reclaimed.readBytes());
    if (this.stream !== null) return await this.#readStream((bytes) => bytes);
    this.#used = true;
    if (this.handle === null) return this.ownBytes();
    return unpackBytes(await this.#unlessAborted(() => op_body_bytes(this.takeHandle())));
  }

  /** A promise of what `read` makes of the handle of a host body with these bytes; abort() rejects it. */
  async readHandle(read) {
    return await this.#unlessAborted(() => read(this.takeHandle()));
  }

  /** What the script itself has given, in a Uint8Array of its own. */
  ownBytes() {
    return this.text === null ? bytesOf(this.bytes) : load("../encoding/utf_8.js").utf8Encode(this.text);
  }

  #readStream(convert) {
    const { readAllBytes } = load("../streams/body_stream.js");
    return new PromiseConstructor((resolve, reject) => {
      readAllBytes(this.stream, (bytes) => resolve(convert(bytes)), reject);
    });
  }

  /** The answer of the host, or a promise of it that abort() rejects. */
  #unlessAborted(read) {
    let answer;
    try {
      answer = read();
    } catch (error) {
      throw this.failure(error);
    }
    if (!isPending(answer)) return answer;
    return new PromiseConstructor((resolve, reject) => {
      this.#rejectRead = reject;
      upon(answer, resolve, (error) => reject(this.failure(error)));
    });
  }

  /** What scripts hear when the host cannot read on: it knows that the fetch was aborted, and not why. */
  failure(error) {
    return this.fetch?.aborted ? this.fetch.reason : error;
  }
}

/** Whether the host's answer is a promise of text or packed bytes. */
export const isPending = (answer) => typeof answer === "object" && !ArrayIsArray(answer);

const decode = (bytes) => load("../encoding/utf_8.js").utf8Decode(bytes);

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
  if (bodyKinds.isBlob(object)) return extracted(bodyKinds.fromBlob(object));
  if (bodyKinds.isFormData(object)) return extracted(bodyKinds.fromFormData(object));
  if (URLSearchParams.is(object)) {
    const type = "application/x-www-form-urlencoded;charset=UTF-8";
    return { body: InnerBody.ofText(URLSearchParams.serialize(object)), type };
  }
  return { body: InnerBody.ofBytes(bytesOf(object)), type: null };
}

const extracted = ({ handle, type }) => ({ body: InnerBody.ofHandle(handle), type });

// The members of the mixin, for a class whose static bodyOf(object) gives the InnerBody or null.

function throwIfUnusable(body) {
  if (body !== null && body.unusable) throw new TypeErrorConstructor("The body is locked or has been read.");
}

function readable(body) {
  throwIfUnusable(body);
  if (body === null) return;
  if (body.stream !== null) load("../streams/internals.js").throwIfErrored(body.stream);
}

function consumeText(body) {
  readable(body);
  return body === null ? "" : body.readText();
}

function consumeBytes(body) {
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
    textStream() {
      const body = bodyOf(this);
      throwIfUnusable(body);
      const { utf8TextStream } = load("../encoding/text_decoder_stream.js");
      return utf8TextStream((body ?? InnerBody.ofText("")).toStream());
    },
  };
  const names = ["body", "bodyUsed", "arrayBuffer", "blob", "bytes", "formData", "json", "text", "textStream"];
  for (let i = 0; i < names.length; i++) {
    const { prototype } = implementation;
    ObjectDefineProperty(prototype, names[i], ObjectGetOwnPropertyDescriptor(members, names[i]));
  }
}

// Bodies as streams: those whose bytes are elsewhere until the stream is read, and those that a script writes.
import {
  op_body_close,
  op_body_error,
  op_body_open,
  op_body_pull,
  op_body_release,
  op_body_size,
  op_body_write,
} from "host:ops";
import {
  DOMExceptionConstructor,
  markAsHandled,
  MathMin,
  PromisePrototypeThen,
  PromiseReject,
  queueMicrotask,
  SafeMap,
  TypedArrayPrototypeGetLength,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypedArrayPrototypeSet,
  TypeErrorConstructor,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { isPending } from "../fetch/body.js";
import { describe } from "../html/report_error.js";
import { bytesOf, packBytes, subarray, unpackBytes } from "../infra/bytes.js";
import { upon } from "./promises.js";
import {
  createReadableByteStream,
  isReadableStreamLocked,
  ReadableStream,
  readableStreamCancel,
} from "./readable_stream.js";
import {
  readableByteStreamControllerClose,
  readableByteStreamControllerEnqueue,
} from "./readable_byte_stream_controller.js";
import {
  acquireReadableStreamDefaultReader,
  readableStreamDefaultReaderRead,
} from "./readable_stream_default_reader.js";

/** The algorithms of a stream that has an InnerBody behind it; they are those of createReadableStream. */
class BodySource {
  #controller;
  #offset = 0;

  constructor(body) {
    this.body = body;
  }

  start(controller) {
    this.#controller = controller;
  }

  pull() {
    try {
      return this.#pull();
    } catch (error) {
      return PromiseReject(this.body.failure(error));
    }
  }

  #pull() {
    if (this.body.handle === null) {
      this.#enqueue(this.body.ownBytes());
      this.#close();
      return undefined;
    }
    const packed = op_body_pull(this.body.handle, this.#offset);
    if (isPending(packed)) return PromisePrototypeThen(packed, this.#arrived, this.#failed);
    this.#arrived(packed);
    return undefined;
  }

  #arrived = (packed) => {
    if (packed === undefined) {
      this.release();
      this.#close();
    } else {
      this.#enqueue(unpackBytes(packed));
    }
  };

  #failed = (error) => {
    throw this.body.failure(error);
  };

  cancel() {
    this.release();
  }

  get isEmpty() {
    return this.body.handle !== null && op_body_size(this.body.handle) === 0;
  }

  release() {
    if (this.body.handle !== null) op_body_release(this.body.takeHandle());
  }

  #enqueue(bytes) {
    const length = TypedArrayPrototypeGetLength(bytes);
    this.#offset += length;
    if (length > 0) readableByteStreamControllerEnqueue(this.#controller, bytes);
  }

  #close() {
    const controller = this.#controller;
    readableByteStreamControllerClose(controller);
    if (controller.pendingPullIntos.length === 0) return;
    load("./readable_stream_byob_request.js").readableByteStreamControllerRespond(controller, 0);
  }
}

/** The ReadableStream of an InnerBody that is not one, and not anybody else's. */
export const streamOf = (body) => new ReadableStream(createReadableByteStream(new BodySource(body)));

/** The ReadableStream of a body that was read without one. */
export function usedStream() {
  const stream = createReadableByteStream(new BodySource(null));
  readableByteStreamControllerClose(stream.controller);
  lock(stream);
  return new ReadableStream(stream);
}

function lock(stream) {
  acquireReadableStreamDefaultReader(stream);
  stream.disturbed = true;
}

/**
 * The InnerBody behind a stream that streamOf has made, if nobody has touched the stream: its bytes need not come here
 * to go back to the host. The stream is as if it was being read. Null for any other stream.
 */
export function reclaim(object) {
  const stream = ReadableStream.inner(object);
  const { algorithms } = stream.controller;
  if (!(algorithms instanceof BodySource) || stream.disturbed || isReadableStreamLocked(stream)) return null;
  lock(stream);
  return algorithms.body;
}

/** Errors the stream of a body. */
export function abort(object, reason) {
  const { controller } = ReadableStream.inner(object);
  const { algorithms } = controller;
  const ours = algorithms instanceof BodySource;
  if (ours && algorithms.isEmpty) return; // it has ended, though nobody has looked
  controller.error(reason);
  if (ours) algorithms.release();
}

function checkChunk(chunk) {
  if (TypedArrayPrototypeGetSymbolToStringTag(chunk) === "Uint8Array") return;
  throw new TypeErrorConstructor("The stream of a body has a chunk that is not a Uint8Array.");
}

/** https://streams.spec.whatwg.org/#readablestreamdefaultreader-read-all-bytes; it is the read request of its reads. */
class ReadAllBytes {
  #reader;
  #successSteps;
  #chunks = [];
  #size = 0;

  constructor(reader, successSteps, failureSteps) {
    this.#reader = reader;
    this.#successSteps = successSteps;
    this.errorSteps = failureSteps;
    this.#read();
  }

  #read = () => readableStreamDefaultReaderRead(this.#reader, this);

  chunkSteps(chunk) {
    try {
      checkChunk(chunk);
      // The bytes as they are now; those of a byte stream are nobody else's.
      const ours = this.#reader.stream.controller.isByteController ? chunk : bytesOf(chunk);
      this.#chunks[this.#chunks.length] = ours;
      this.#size += TypedArrayPrototypeGetLength(ours);
      queueMicrotask(this.#read);
    } catch (error) {
      this.errorSteps(error);
    }
  }

  closeSteps() {
    try {
      this.#successSteps(this.#joined());
    } catch (error) {
      this.errorSteps(error);
    }
  }

  #joined() {
    const bytes = new Uint8ArrayConstructor(this.#size);
    for (let i = 0, offset = 0; i < this.#chunks.length; i++) {
      TypedArrayPrototypeSet(bytes, this.#chunks[i], offset);
      offset += TypedArrayPrototypeGetLength(this.#chunks[i]);
    }
    return bytes;
  }
}

/** Reads a script's stream to its end; successSteps get one Uint8Array. */
export function readAllBytes(object, successSteps, failureSteps) {
  new ReadAllBytes(acquireReadableStreamDefaultReader(ReadableStream.inner(object)), successSteps, failureSteps);
}

// As many bytes go to the host at once.
const PIECE = 1 << 18;

/** number of a host body -> the Pump that writes it */
const pumps = new SafeMap();

/** Writes a script's stream to a body of the host; it is the read request of its reads. */
class Pump {
  #reader;
  #id;

  constructor(reader, id) {
    this.#reader = reader;
    this.#id = id;
    pumps.set(id, this);
    this.#read();
  }

  #read = () => {
    if (pumps.has(this.#id)) readableStreamDefaultReaderRead(this.#reader, this);
  };

  chunkSteps(chunk) {
    try {
      checkChunk(chunk);
      this.#write(chunk, 0);
    } catch (error) {
      this.errorSteps(error);
      this.#cancel(error);
    }
  }

  closeSteps() {
    pumps.delete(this.#id);
    op_body_close(this.#id);
  }

  errorSteps(error) {
    pumps.delete(this.#id);
    op_body_error(this.#id, describe(error));
  }

  #write(bytes, start) {
    const length = TypedArrayPrototypeGetLength(bytes);
    let offset = start;
    while (offset < length) {
      const count = MathMin(PIECE, length - offset);
      const wanted = op_body_write(this.#id, packBytes(subarray(bytes, offset, count)));
      offset += count;
      if (wanted === false) return;
      if (wanted !== true) {
        upon(wanted, (more) => more && this.#write(bytes, offset));
        return;
      }
    }
    queueMicrotask(this.#read);
  }

  /** Nobody will read the body any more. */
  abandon() {
    pumps.delete(this.#id);
    this.#cancel(new DOMExceptionConstructor("The body is not wanted any more.", "AbortError"));
  }

  #cancel(reason) {
    markAsHandled(readableStreamCancel(this.#reader.stream, reason));
  }
}

/** The handle of a host body that gets what the script's stream gives, from now on and by itself. */
export function pump(object) {
  const reader = acquireReadableStreamDefaultReader(ReadableStream.inner(object));
  const { 0: handle, 1: id } = op_body_open();
  new Pump(reader, id);
  return handle;
}

/** The host's reader of the body with this number has gone. */
export function released(id) {
  pumps.get(id)?.abandon();
}

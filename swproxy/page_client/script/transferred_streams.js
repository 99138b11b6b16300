// https://streams.spec.whatwg.org/#transferrable-streams: streams whose chunks go through message ports.
import { deserialize, serialize } from "./message_ports.js";
import { dataCloneError } from "./records.js";
import {
  closeReadable,
  DOMException,
  enqueue,
  getter,
  Promise,
  PromisePrototypeThen,
  ReadableStream,
  TransformStream,
  uncurry,
  WritableStream,
} from "./primordials.js";

const { prototype: readableController } = ReadableStreamDefaultController;
const errorReadable = uncurry(readableController.error);
const errorWritable = uncurry(WritableStreamDefaultController.prototype.error);
const pipeNatively = uncurry(ReadableStream.prototype.pipeTo);
const readableOf = getter(TransformStream.prototype, "readable");
const writableOf = getter(TransformStream.prototype, "writable");
const isGone = () => new DOMException("The other side of the stream is gone.", "AbortError");

/** PackAndPostMessage */
const say = (end, type, value = undefined) => end.send(serialize({ __proto__: null, type, value }, []));

/** CrossRealmTransformSendError */
function sayError(end, error) {
  try {
    say(end, "error", error);
  } catch {
    // It cannot be cloned, and there is no other way to tell.
  }
}

/** PackAndPostMessageHandlingError */
function sayOrFail(end, type, value) {
  try {
    say(end, type, value);
  } catch (error) {
    sayError(end, error);
    throw error;
  }
}

/** Says an error as the last thing. */
function abandon(end, reason) {
  try {
    sayOrFail(end, "error", reason);
  } finally {
    end.close();
  }
}

function listen(end, onMessage, onError) {
  end.receive = (record) => {
    let message;
    try {
      message = deserialize(record).value;
    } catch {
      const error = new DOMException("A chunk could not be cloned.", "DataCloneError");
      sayError(end, error);
      onError(error);
      return;
    }
    onMessage(message.type, message.value);
  };
  end.onClosed = () => onError(isGone());
}

/** SetUpCrossRealmTransformReadable */
function crossRealmReadable(end) {
  let controller;
  const source = {
    __proto__: null,
    start: (itsController) => {
      controller = itsController;
    },
    pull: () => say(end, "pull"),
    cancel: (reason) => abandon(end, reason),
  };
  const stream = new ReadableStream(source, { __proto__: null, highWaterMark: 0 });
  const fail = (error) => {
    errorReadable(controller, error);
    end.close();
  };
  listen(
    end,
    (type, value) => {
      if (type === "chunk") {
        enqueue(controller, value);
      } else if (type === "close") {
        closeReadable(controller);
        end.close();
      } else {
        fail(value);
      }
    },
    fail,
  );
  return stream;
}

/** SetUpCrossRealmTransformWritable */
function crossRealmWritable(end) {
  let controller, isPulled, pulled;
  const waitForPull = () => {
    isPulled = new Promise((resolve) => {
      pulled = resolve;
    });
  };
  waitForPull();
  const fail = (error) => {
    errorWritable(controller, error);
    pulled();
  };
  listen(end, (type, value) => (type === "error" ? fail(value) : pulled()), fail);
  return new WritableStream({
    __proto__: null,
    start: (itsController) => {
      controller = itsController;
    },
    write: (chunk) =>
      PromisePrototypeThen(isPulled, () => {
        waitForPull();
        try {
          sayOrFail(end, "chunk", chunk);
        } catch (error) {
          end.close();
          throw error;
        }
      }),
    close: () => {
      say(end, "close");
      end.close();
    },
    abort: (reason) => abandon(end, reason),
  });
}

function pipe(readable, writable) {
  const ignore = () => {};
  PromisePrototypeThen(pipeNatively(readable, writable), ignore, ignore);
}

/** Sends what a stream needs: `open` is called with what to do with each end that is this document's. */
export function sendStream({ name, stream }, open) {
  if (name === "TransformStream") {
    sendStream({ name: "ReadableStream", stream: readableOf(stream) }, open);
    sendStream({ name: "WritableStream", stream: writableOf(stream) }, open);
  } else if (name === "ReadableStream") {
    open((end) => pipe(stream, crossRealmWritable(end)));
  } else {
    open((end) => pipe(crossRealmReadable(end), stream));
  }
}

/** The stream at this side of an end. */
export function receiveStream(name, end) {
  if (name === "ReadableStream") return crossRealmReadable(end);
  if (name === "WritableStream") return crossRealmWritable(end);
  // Nobody but the browser can make one of two given sides.
  throw dataCloneError(`A ${name} cannot be received here.`);
}

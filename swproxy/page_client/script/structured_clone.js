// https://html.spec.whatwg.org/#safe-passing-of-structured-data: platform objects, and all of it together.
import { Blob, DOMException, forJSON, getter, JSONStringify, ReflectConstruct, sequenceOf } from "./primordials.js";
import {
  COMPOSED_PLATFORM_OBJECT,
  dataCloneError,
  define,
  gettersOf,
  PLATFORM_OBJECT,
  Reader,
  readers,
  stackOf,
  TRANSFERRED,
  valuesOf,
  VERSION,
  withStack,
  Writer,
} from "./records.js";

const makers = { __proto__: null };

/**
 * @param write (object) -> [fields, parts, values]: parts are Blobs, and values null where there are none
 * @param make (Interface, fields, parts, values) -> an object
 */
function definePlatform(name, write, make) {
  const Interface = globalThis[name];
  if (Interface === undefined) return;
  define(null, Interface, (writer, object) => writer.platform(name, write(object)));
  makers[name] = (fields, parts, values) => make(Interface, fields, parts, values);
}

function readPlatform(reader, isComposed) {
  const name = reader.token();
  const fields = reader.list(() => reader.token());
  const parts = reader.list(() => reader.part());
  const readPlace = () => reader.skip(TRANSFERRED) && reader.token();
  if (isComposed && name in STREAMS) return reader.streamAt(name, reader.list(readPlace));
  return makers[name](fields, parts, isComposed ? reader.list(() => reader.value()) : []);
}
readers[PLATFORM_OBJECT] = (reader) => reader.remember(readPlatform(reader, false));
readers[COMPOSED_PLATFORM_OBJECT] = (reader) => reader.rememberFirst(() => readPlatform(reader, true));

const blobGetters = gettersOf(Blob.prototype, ["size", "type"]);
const fileGetters = [...blobGetters, ...gettersOf(File.prototype, ["name", "lastModified"])];
definePlatform(
  "Blob",
  (blob) => [valuesOf(blob, blobGetters), [blob], null],
  (Blob, fields, parts) => new Blob(sequenceOf(parts), { __proto__: null, type: fields[1] }),
);
definePlatform(
  "File",
  (file) => [valuesOf(file, fileGetters), [file], null],
  (File, fields, parts) =>
    new File(sequenceOf(parts), fields[2], { __proto__: null, type: fields[1], lastModified: fields[3] }),
);

const imageGetters = gettersOf(ImageData.prototype, ["width", "height", "colorSpace", "pixelFormat"]);
const pixelsOf = getter(ImageData.prototype, "data");
definePlatform(
  "ImageData",
  (image) => {
    const fields = valuesOf(image, imageGetters);
    fields[2] ??= "srgb";
    fields[3] ??= "rgba-unorm8";
    return [fields, [], [pixelsOf(image)]];
  },
  (ImageData, fields, _parts, values) => {
    const settings = { __proto__: null, colorSpace: fields[2], pixelFormat: fields[3] };
    return new ImageData(values[0], fields[0], fields[1], settings);
  },
);

const exceptionGetters = gettersOf(DOMException.prototype, ["name", "message"]);
const quotaGetters = gettersOf(globalThis.QuotaExceededError?.prototype ?? {}, ["quota", "requested"]);
const writeException = (getters) => (error) => {
  const fields = valuesOf(error, exceptionGetters);
  fields[2] = stackOf(error);
  for (let i = 0; i < getters.length; i++) fields[3 + i] = getters[i](error);
  return [fields, [], null];
};
definePlatform("DOMException", writeException([]), (DOMException, fields) =>
  withStack(new DOMException(fields[1], fields[0]), fields[2]),
);
makers.QuotaExceededError = makers.DOMException;
definePlatform("QuotaExceededError", writeException(quotaGetters), (QuotaExceededError, fields) => {
  const options = { __proto__: null, quota: fields[3] ?? undefined, requested: fields[4] ?? undefined };
  return withStack(new QuotaExceededError(fields[1], options), fields[2]);
});

/** Geometry interfaces, which are made of numbers or points alone. */
function defineGeometry(name, gettersFor, make) {
  const write = (object) => [[], [], valuesOf(object, gettersFor(object))];
  definePlatform(name, write, make);
  definePlatform(`${name}ReadOnly`, write, make);
}
const makeOfValues = (Interface, _fields, _parts, values) => ReflectConstruct(Interface, values);
const pointGetters = gettersOf(DOMPointReadOnly.prototype, ["x", "y", "z", "w"]);
const rectGetters = gettersOf(DOMRectReadOnly.prototype, ["x", "y", "width", "height"]);
const quadGetters = gettersOf(DOMQuad.prototype, ["p1", "p2", "p3", "p4"]);
defineGeometry("DOMPoint", () => pointGetters, makeOfValues);
defineGeometry("DOMRect", () => rectGetters, makeOfValues);
defineGeometry("DOMQuad", () => quadGetters, makeOfValues);

const CELLS = [];
for (let i = 0; i < 16; i++) CELLS[i] = `m${(i >> 2) + 1}${(i & 3) + 1}`;
const cellGetters = gettersOf(DOMMatrixReadOnly.prototype, CELLS);
const flatGetters = gettersOf(DOMMatrixReadOnly.prototype, ["a", "b", "c", "d", "e", "f"]);
const is2D = getter(DOMMatrixReadOnly.prototype, "is2D");
defineGeometry(
  "DOMMatrix",
  (matrix) => (is2D(matrix) ? flatGetters : cellGetters),
  (Interface, _fields, _parts, values) => new Interface(sequenceOf(values)),
);

// Streams are among the tokens what has one port, or two.
const STREAMS = { __proto__: null, ReadableStream: 1, WritableStream: 1, TransformStream: 2 };
for (const name in STREAMS) {
  define(COMPOSED_PLATFORM_OBJECT, globalThis[name], (writer, stream) => {
    writer.streams[writer.streams.length] = { name, stream };
    writer.token(name);
    writer.token(0);
    writer.token(0);
    writer.token(STREAMS[name]);
    for (let i = 0; i < STREAMS[name]; i++) {
      writer.token(TRANSFERRED);
      writer.token(writer.portCount++);
    }
  });
}

/**
 * Writes a value of which nobody else has anything.
 * @param ports MessagePorts of the value that are transferred
 * @returns { text, parts, streams }: parts are ArrayBuffers and Blobs; streams, { name, stream }, need more ports
 * @throws a DataCloneError
 */
export function writeRecord(value, ports) {
  const writer = new Writer(ports);
  writer.value(value);
  return { text: JSONStringify(forJSON(writer.tokens)), parts: writer.parts, streams: writer.streams };
}

/**
 * Reads the value of a record.
 * @param parts Uint8Arrays
 * @param portAt (index) -> the MessagePort that the end at that index has become
 * @param streamAt (name, indices) -> the stream that ends have become
 * @throws anything, if it cannot be read here
 */
export function readRecord(text, parts, portAt, streamAt) {
  const reader = new Reader(text, parts, portAt, streamAt);
  if (reader.token() !== VERSION) throw dataCloneError("The message was made by another version.");
  return reader.value();
}

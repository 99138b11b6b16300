// https://html.spec.whatwg.org/#message-ports that lead to workers. Their other ends are with the proxy, and what this
// document gets is a MessagePort of the browser, whose other end is here. swproxy/workers/ports.py has the rules.
import { onTold, tell } from "./channel.js";
import {
  addListener,
  ArrayBuffer,
  ArrayPrototypeShift,
  bare,
  Blob,
  blobSize,
  byteLengthOf,
  dataOf,
  dispatch,
  getter,
  MapPrototypeForEach,
  MessageChannel,
  MessageEvent,
  MessagePort,
  ObjectGetPrototypeOf,
  PromisePrototypeThen,
  ReflectApply,
  replaceGetter,
  SafeMap,
  sequenceOf,
  structuredClone,
  Symbol,
  TypeError,
  Uint8Array,
  uncurry,
  WeakRef,
} from "./primordials.js";
import { dataCloneError } from "./records.js";
import { recall, remember } from "./responses.js";
import { readRecord, writeRecord } from "./structured_clone.js";
import { receiveStream, sendStream } from "./transferred_streams.js";
import { dictionary, isObject } from "./webidl.js";

const postNatively = uncurry(MessagePort.prototype.postMessage);
const startPort = uncurry(MessagePort.prototype.start);
const closePort = uncurry(MessagePort.prototype.close);
const eventPorts = getter(MessageEvent.prototype, "ports");
const firstPort = getter(MessageChannel.prototype, "port1");
const secondPort = getter(MessageChannel.prototype, "port2");
const bytesOfBlob = uncurry(Blob.prototype.arrayBuffer);
const makeNumber = uncurry(Crypto.prototype.randomUUID);
const cryptoOf = getter(globalThis, "crypto");

// Bytes, as for the messages of workers (RECORD_LIMIT of swproxy/ipc/messages.py).
const RECORD_LIMIT = 1 << 27;

const isBlob = (value) => accepts(blobSize, value);
const isArrayBuffer = (value) => accepts(byteLengthOf, value);
function accepts(getter, value) {
  try {
    getter(value);
    return true;
  } catch {
    return false;
  }
}

// Records

/** The second argument of postMessage(), https://html.spec.whatwg.org/#structuredserializeoptions: an array. */
export function transferListOf(options) {
  options = dictionary(options);
  if (isNone(options[Symbol.iterator])) {
    options = options.transfer;
    if (options === undefined) return [];
    if (!isObject(options) || isNone(options[Symbol.iterator])) throw new TypeError("'transfer' is no sequence.");
  }
  const iterator = ReflectApply(options[Symbol.iterator], options, []);
  const { next } = iterator;
  const list = bare();
  for (;;) {
    const result = ReflectApply(next, iterator, []);
    if (result.done) return list;
    if (!isObject(result.value)) throw new TypeError("The transfer list has what is no object.");
    list[list.length] = result.value;
  }
}
const isNone = (value) => value === undefined || value === null;

/**
 * https://html.spec.whatwg.org/#structuredserializewithtransfer; `post` sends what it returns.
 * @throws a DataCloneError, or what getters throw
 */
export function serialize(value, transferList) {
  const carried = bare([value]);
  for (let i = 0; i < transferList.length; i++) {
    if (!isArrayBuffer(transferList[i])) carried[carried.length] = transferList[i];
  }
  // The browser does what the standard says, and what it has made is ours.
  const clones = structuredClone(carried, { __proto__: null, transfer: sequenceOf(transferList) });
  // Chromium cannot read everything that it can write.
  if (clones === null) throw dataCloneError("The value is nested too deeply.");
  const ports = bare();
  for (let i = 1; i < clones.length; i++) {
    if (ObjectGetPrototypeOf(clones[i]) !== MessagePort.prototype) continue;
    ports[ports.length] = clones[i];
    const channel = recall(channels, carried[i]);
    if (channel === undefined) continue;
    const first = firstPort(channel);
    setEntangled(clones[i], first === carried[i] ? secondPort(channel) : first);
  }
  return recordOf(clones[0], ports);
}

function recordOf(value, ports) {
  const { text, parts, streams } = writeRecord(value, ports);
  let size = 3 * text.length; // in UTF-8, at most
  for (let i = 0; i < parts.length; i++) size += isBlob(parts[i]) ? blobSize(parts[i]) : byteLengthOf(parts[i]);
  if (size > RECORD_LIMIT) {
    throw dataCloneError(`The data are too large for a message: ${size} bytes of at most ${RECORD_LIMIT}.`);
  }
  return { text, parts, ports, streams };
}

/** Something that its receiver cannot read, so that there will be a messageerror event. */
const unreadable = () => ({ text: "[0]", parts: [], ports: [], streams: [] });

// Sending. The bytes of a Blob have to be waited for, and what comes after it waits, too.

const outbox = bare();

/** Tells the proxy (method, [...args, text, ports], parts) of a record. */
export function post(method, args, record) {
  outbox[outbox.length] = { method, args, record };
  if (outbox.length === 1) sendAll();
}

function sendAll() {
  while (outbox.length > 0) {
    const { method, args, record } = outbox[0];
    if (record !== null && readBlob(record)) return;
    ArrayPrototypeShift(outbox);
    if (record === null) tell(method, args);
    else sendRecord(method, args, record);
  }
}

/** Reads the first Blob that is left among the parts, and goes on sending then; false if there is none. */
function readBlob(record) {
  const { parts } = record;
  for (let i = 0; i < parts.length; i++) {
    if (!isBlob(parts[i])) continue;
    const goOn = (bytes) => {
      parts[i] = bytes;
      sendAll();
    };
    PromisePrototypeThen(bytesOfBlob(parts[i]), goOn, () => {
      record.text = unreadable().text; // a file that has changed, for instance
      goOn(new ArrayBuffer(0));
    });
    return true;
  }
  return false;
}

function sendRecord(method, args, { text, parts, ports, streams }) {
  const addresses = bare(); // of the ends that are sent; the other ones stay here
  const begin = bare();
  const open = (start) => {
    const number = makeNumber(cryptoOf(globalThis));
    tell("port_open", [number]);
    addresses[addresses.length] = [number, 1];
    begin[begin.length] = () => start(new End(number, 0));
  };
  for (let i = 0; i < ports.length; i++) open((end) => bridge(end, ports[i]));
  for (let i = 0; i < streams.length; i++) sendStream(streams[i], open);
  for (let i = 0; i < parts.length; i++) parts[i] = new Uint8Array(parts[i]);
  tell(method, [args[0], text, addresses], parts);
  for (let i = 0; i < begin.length; i++) begin[i]();
}

// Ends

const heldEnds = new SafeMap();

/** One end of a channel that this document has. */
class End {
  #address;
  /** Gets { text, parts, ports } of each message. */
  receive;
  /** Called when the other end has closed. */
  onClosed;

  constructor(number, side) {
    this.#address = [number, side];
    heldEnds.set(number + side, this);
  }

  send(record) {
    if (heldEnds.has(this.#key)) post("port_message", [this.#address], record);
  }

  close() {
    if (heldEnds.has(this.#key)) post("port_close", [this.#address], null);
    heldEnds.delete(this.#key);
  }

  /** The other end has closed. */
  static closed(end) {
    heldEnds.delete(end.#key);
    end.onClosed();
  }

  get #key() {
    return this.#address[0] + this.#address[1];
  }
}

const endAt = ({ 0: number, 1: side }) => heldEnds.get(number + side);

onTold("port_message", ({ 0: address, 1: text, 2: ports }, parts) => endAt(address)?.receive({ text, parts, ports }));
onTold("port_close", ({ 0: address }) => {
  const end = endAt(address);
  if (end !== undefined) End.closed(end);
});
onTold("closed", () => MapPrototypeForEach(heldEnds, End.closed));

// The browser's port at the other end of one of its channels, which a script has: where it is known.
const entangled = new WeakMap();
const setEntangled = (port, other) => remember(entangled, port, new WeakRef(other));
const valueOfWeakRef = uncurry(WeakRef.prototype.deref);
const channels = new WeakMap(); // of the ports that scripts have got from them

export function installPorts() {
  const names = ["port1", "port2"];
  for (let i = 0; i < names.length; i++) {
    replaceGetter(MessageChannel.prototype, names[i], (native, self) => {
      const port = ReflectApply(native, self, []);
      remember(channels, port, self);
      return port;
    });
  }
}

/** What comes to the end goes to the port, and the other way round. */
function bridge(end, port) {
  const unreadableIfNot = (make) => {
    try {
      end.send(make());
    } catch {
      end.send(unreadable());
    }
  };
  addListener(port, "message", (event) => unreadableIfNot(() => recordOf(dataOf(event), eventPorts(event))));
  addListener(port, "messageerror", () => end.send(unreadable()));
  addListener(port, "close", () => end.close());
  end.onClosed = () => closePort(port);
  end.receive = (record) => {
    let received;
    try {
      received = deserialize(record);
    } catch {
      const reference = recall(entangled, port);
      const target = reference && valueOfWeakRef(reference);
      if (target) dispatch(target, new MessageEvent("messageerror"));
      return;
    }
    const { value, ports, streams } = received;
    for (let i = 0; i < streams.length; i++) ports[ports.length] = streams[i];
    postNatively(port, value, { __proto__: null, transfer: sequenceOf(ports) });
  };
  startPort(port);
}

/**
 * https://html.spec.whatwg.org/#structureddeserializewithtransfer
 * @param record { text, parts, ports } as the proxy tells it
 * @returns { value, ports, streams }: those that were transferred
 * @throws anything, if it cannot be read here
 */
export function deserialize({ text, parts, ports: addresses }) {
  const ends = bare();
  for (let i = 0; i < addresses.length; i++) ends[i] = new End(addresses[i][0], addresses[i][1]);
  const received = bare();
  const streams = bare();
  const portAt = (i) => {
    if (received[i] !== undefined) return received[i];
    const channel = new MessageChannel();
    received[i] = secondPort(channel);
    setEntangled(firstPort(channel), received[i]);
    bridge(ends[i], firstPort(channel));
    return received[i];
  };
  const streamAt = (name, places) => {
    for (let i = 0; i < places.length; i++) received[places[i]] = null;
    return (streams[streams.length] = receiveStream(name, ends[places[0]]));
  };
  try {
    const value = readRecord(text, parts, portAt, streamAt);
    const ports = bare();
    for (let i = 0; i < ends.length; i++) if (portAt(i) !== null) ports[ports.length] = received[i];
    return { value, ports, streams };
  } catch (error) {
    for (let i = 0; i < ends.length; i++) {
      ends[i].close();
      ends[i].onClosed?.();
    }
    throw error;
  }
}

// The line to the proxy: a WebSocket, which is there again when it has broken. The other half is swproxy/pages/page.py.
import { ancestorOrigins, creationURL, frameType, keepListening, mayWait, tagData } from "./environment.js";
import {
  addListener,
  ArrayBuffer,
  ArrayPrototypeShift,
  bare,
  dataOf,
  DataView,
  document,
  DOMException,
  fetchNatively,
  forJSON,
  getter,
  JSONParse,
  JSONStringify,
  location,
  MapPrototypeForEach,
  ObjectGetPrototypeOf,
  ownDescriptor,
  Promise,
  PromisePrototypeThen,
  ReflectApply,
  SafeMap,
  setBytes,
  setTimeout,
  TextDecoder,
  TextEncoder,
  Uint8Array,
  uncurry,
  WebSocket,
} from "./primordials.js";
import { exception } from "./webidl.js";

const sendNatively = uncurry(WebSocket.prototype.send);
const closeNatively = uncurry(WebSocket.prototype.close);
const encodeNatively = uncurry(TextEncoder.prototype.encode);
const decodeNatively = uncurry(TextDecoder.prototype.decode);
export const textOfBytes = (bytes) => decodeNatively(new TextDecoder(), bytes);
const hasFocus = uncurry(Document.prototype.hasFocus);
const visibilityOf = getter(Document.prototype, "visibilityState");
const { set: setType } = ownDescriptor(WebSocket.prototype, "binaryType");
const sizeOf = getter(ObjectGetPrototypeOf(Uint8Array.prototype), "byteLength");
const getUint32 = uncurry(DataView.prototype.getUint32);
const setUint32 = uncurry(DataView.prototype.setUint32);

// Milliseconds.
const FIRST_DELAY = 50;
const LONGEST_DELAY = 5000;
const FIRST_WAIT = 200;

const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/.swproxy/channel`;
const receivers = new SafeMap();
const calls = new SafeMap();
const unsent = bare();
let lastCall = 0;
let socket = null;
let isOpen = false;
let isFrozen = false;
let isLeaving = false;
let isFirst = true;
let isWaiting = true; // it has not been opened yet
let delay = FIRST_DELAY;
let clientId = tagData.client;
let tellController = () => null;

/** The number of this document's client. */
export const ownClientId = () => clientId;

/** Whether what is said now goes out at once. */
export const isConnected = () => isOpen;

/** Calls `receiver` with (arguments, parts) of what the proxy says under that name; "closed": the line has broken. */
export const onTold = (name, receiver) => receivers.set(name, receiver);

/** Sends something that has no answer; `parts` are Uint8Arrays. */
export function tell(name, args, parts = []) {
  send(0, name, args, parts);
}

/** Asks for something: a promise of the answer, or of the exception that it fails with. */
export function call(name, args, parts = []) {
  return new Promise((resolve, reject) => {
    lastCall++;
    calls.set(lastCall, { resolve, reject, isSent: isOpen });
    send(lastCall, name, args, parts);
  });
}

/** The number of a call whose answer `callback` gets, if ever. */
export function expectAnswer(callback) {
  lastCall++;
  calls.set(lastCall, { resolve: callback, reject: () => {}, isSent: true });
  return lastCall;
}

function send(number, name, args, parts) {
  const frame = encode(number, name, args, parts);
  if (isOpen) sendNatively(socket, frame);
  else unsent[unsent.length] = frame;
  connectFirst();
}

function encode(number, name, args, parts) {
  if (parts.length === 0) return JSONStringify(forJSON([number, name, args]));
  const lengths = bare();
  let size = 0;
  for (let i = 0; i < parts.length; i++) size += lengths[i] = sizeOf(parts[i]);
  const frame = framed(forJSON([lengths, number, name, args]), size);
  for (let i = 0, at = sizeOf(frame) - size; i < parts.length; at += lengths[i], i++) setBytes(frame, parts[i], at);
  return frame;
}

/** A message after its length, and room for as many bytes more. */
export function framed(message, room = 0) {
  const text = encodeNatively(new TextEncoder(), JSONStringify(message));
  const size = sizeOf(text);
  const buffer = new ArrayBuffer(4 + size + room);
  setUint32(new DataView(buffer), 0, size);
  const frame = new Uint8Array(buffer);
  setBytes(frame, text, 4);
  return frame;
}

/** The message of such bytes, and where it ends. */
export function unframed(buffer) {
  const end = 4 + getUint32(new DataView(buffer), 0);
  return { message: JSONParse(textOfBytes(new Uint8Array(buffer, 4, end - 4))), end };
}

function decode(data) {
  if (typeof data === "string") return { message: JSONParse(data), parts: [] };
  const { message, end } = unframed(data);
  const lengths = ArrayPrototypeShift(message);
  const parts = bare();
  for (let i = 0, at = end; i < lengths.length; at += lengths[i], i++)
    parts[i] = new Uint8Array(data, at, lengths[i]);
  return { message, parts };
}

/**
 * Opens the line: when something is to be said, or the document has loaded, so that loading it is not slowed down; but at
 * once if a policy may come that forbids it. `controller` gives the number of the worker that controls the document, or
 * null.
 */
export function openChannel(controller) {
  tellController = controller;
  keepListening(self, "pagehide", (event) => {
    if (!event.persisted) {
      isLeaving = event.isTrusted;
      if (!isOpen) tellOfEnd();
      return;
    }
    isFrozen = true;
    if (isOpen) tell("frozen", []);
    const leaving = socket;
    hasClosed();
    if (leaving !== null) closeNatively(leaving);
  });
  keepListening(self, "pageshow", (event) => {
    if (!event.persisted) return;
    isFrozen = false;
    connect();
  });
  keepListening(self, "focus", tellState);
  keepListening(self, "blur", tellState);
  keepListening(document, "visibilitychange", tellState);
  if (!mayWait) {
    connectFirst();
    return;
  }
  keepListening(self, "load", () => setTimeout(connectFirst, 0));
  setTimeout(connectFirst, FIRST_WAIT);
}

/** Nobody knows yet that this document was there: else the proxy would go on waiting for its line. */
function tellOfEnd() {
  const telling = fetchNatively(`${location.origin}/.swproxy/gone?client=${clientId}`, {
    __proto__: null,
    keepalive: true,
  });
  PromisePrototypeThen(telling, undefined, () => {}); // a policy forbids it
}

function connectFirst() {
  if (isWaiting && !isFrozen) connect();
}

// The last thing that a document does is to become hidden: while the next one loads, nobody wants to know.
const tellState = () => isOpen && !isLeaving && tell("state", [hasFocus(document), visibilityOf(document)]);

let toldURL;
/** Tells where the document is, if that is not known. */
export function tellURL() {
  const { href } = location;
  if (isOpen && href !== toldURL) tell("moved", [(toldURL = href)]);
}

function connect() {
  isWaiting = false;
  const opening = (socket = new WebSocket(url));
  ReflectApply(setType, opening, ["arraybuffer"]);
  addListener(opening, "open", () => {
    const state = [hasFocus(document), visibilityOf(document)];
    const hello = [clientId, creationURL, tellController(), isFirst, frameType, state[0], state[1], ancestorOrigins];
    sendNatively(opening, JSONStringify(forJSON(hello)));
    toldURL = isFirst ? creationURL : "";
    isFirst = false;
    isOpen = true;
    tellURL();
    MapPrototypeForEach(calls, (pending) => (pending.isSent = true));
    while (unsent.length > 0) sendNatively(opening, ArrayPrototypeShift(unsent));
  });
  addListener(opening, "message", (event) => receive(decode(dataOf(event))));
  addListener(opening, "close", () => {
    if (socket !== opening) return;
    hasClosed();
    setTimeout(() => socket === null && !isFrozen && connect(), delay);
    delay = delay * 2 < LONGEST_DELAY ? delay * 2 : LONGEST_DELAY;
  });
}

/** What was asked on this line is not answered on the next one; what waits for a line goes on waiting for a while. */
function hasClosed() {
  const isGivenUp = !isOpen && delay >= LONGEST_DELAY;
  isOpen = false;
  socket = null;
  const lost = bare();
  MapPrototypeForEach(calls, (pending, number) => {
    if (pending.isSent || isGivenUp) lost[lost.length] = { pending, number };
  });
  if (isGivenUp) unsent.length = 0;
  for (let i = 0; i < lost.length; i++) {
    calls.delete(lost[i].number);
    lost[i].pending.reject(new DOMException("The proxy does not answer.", "AbortError"));
  }
  receivers.get("closed")?.();
}

function receive({ message, parts }) {
  receivers.get(message[0])?.(message[1], parts);
}

onTold("done", ({ 0: number, 1: value }) => settle(number, (pending) => pending.resolve(value)));
onTold("failed", ({ 0: number, 1: name, 2: text }) => {
  settle(number, (pending) => pending.reject(exception(name, text)));
});
onTold("welcome", ({ 0: id, 1: registrations }) => {
  clientId = id;
  delay = FIRST_DELAY;
  onWelcome(registrations);
});

let onWelcome = () => {};
/** `callback` gets the descriptions of all registrations of the origin each time the line is there. */
export function whenWelcome(callback) {
  onWelcome = callback;
}

function settle(number, callback) {
  const pending = calls.get(number);
  if (pending === undefined) return;
  calls.delete(number);
  callback(pending);
}

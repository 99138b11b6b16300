// https://html.spec.whatwg.org/#message-ports and #message-channels
import {
  ArrayPrototypeIndexOf,
  ArrayPrototypeShift,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ReflectApply,
} from "../infra/primordials.js";
import { hideSource } from "../infra/native_functions.js";
import { postMessageArguments, transferOf } from "../clients/client.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { dataCloneError } from "../structured_clone/record.js";
import { registerTransferable } from "../structured_clone/registry.js";
import {
  structuredDeserializeWithTransfer,
  structuredSerializeWithTransfer,
} from "../structured_clone/structured_clone.js";
import { setTimer } from "../timers/timers.js";
import { defineInterface } from "../webidl/interface.js";
import { MessageEvent } from "./message_event.js";

/** One end of a channel: what of a MessagePort goes along when the port is transferred. */
class Endpoint {
  port = null; // the MessagePort that has it; null on the way from one to the next
  peer = null; // the other end, as long as they are entangled
  queue = []; // port message queue: records
  enabled = false;

  post(record) {
    this.queue[this.queue.length] = record;
    if (this.enabled) this.#queueTask();
  }

  enable() {
    if (this.enabled) return;
    this.enabled = true;
    for (let i = 0; i < this.queue.length; i++) this.#queueTask();
  }

  // Tasks of an end that was transferred meanwhile find nothing to do.
  #queueTask() {
    setTimer(0, () => {
      if (this.enabled && this.queue.length > 0) deliver(ArrayPrototypeShift(this.queue), this.port);
    });
  }
}

/** The last steps of https://html.spec.whatwg.org/#message-port-post-message-steps */
function deliver(record, port) {
  let event;
  try {
    const { value, transferred } = structuredDeserializeWithTransfer(record);
    event = new MessageEvent("message", { __proto__: null, data: value, ports: portsAmong(transferred) });
  } catch {
    event = new MessageEvent("messageerror", { __proto__: null, data: null });
  }
  EventTarget.fire(port, event);
}

function portsAmong(objects) {
  const ports = [];
  for (let i = 0; i < objects.length; i++) if (MessagePort.is(objects[i])) ports[ports.length] = objects[i];
  return ports;
}

export class MessagePort extends EventTarget {
  #endpoint; // null once the port is detached

  constructor(endpoint) {
    super();
    this.#endpoint = endpoint;
    endpoint.port = this;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #endpoint in value;
  }

  static isDetached(port) {
    return port.#endpoint === null;
  }

  /** The transfer steps: takes the end out of the port. */
  static detach(port) {
    const endpoint = port.#endpoint;
    port.#endpoint = null;
    endpoint.port = null;
    endpoint.enabled = false;
    return endpoint;
  }

  /** https://html.spec.whatwg.org/#message-port-post-message-steps */
  postMessage(message, second) {
    const transferList = transferOf(second);
    if (ArrayPrototypeIndexOf(transferList, this) >= 0) {
      throw dataCloneError("A port cannot be transferred through itself.");
    }
    const target = this.#endpoint?.peer ?? null;
    // A port that is sent to itself can never be reached: the message is lost, the port detached.
    const doomed = target !== null && target.port !== null && ArrayPrototypeIndexOf(transferList, target.port) >= 0;
    const record = structuredSerializeWithTransfer(message, transferList);
    if (target !== null && !doomed) target.post(record);
  }

  start() {
    this.#endpoint?.enable();
  }

  // Messages that are in the queue already still arrive.
  close() {
    const endpoint = this.#endpoint;
    if (endpoint === null) return;
    this.#endpoint = null;
    if (endpoint.peer !== null) {
      endpoint.peer.peer = null;
      endpoint.peer = null;
    }
  }
}

defineInterface(MessagePort, {
  operations: { postMessage: postMessageArguments, start: [], close: [] },
});
defineEventHandlers(MessagePort.prototype, MessagePort.is, ["message", "messageerror"]);

// https://html.spec.whatwg.org/#handler-messageport-onmessage: setting it starts the port.
const onmessage = ObjectGetOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
const { start } = MessagePort.prototype;
const { set: setHandler } = onmessage;
onmessage.set = ObjectGetOwnPropertyDescriptor(
  {
    set onmessage(value) {
      ReflectApply(setHandler, this, [value]);
      ReflectApply(start, this, []);
    },
  },
  "onmessage",
).set;
hideSource(onmessage.set);
ObjectDefineProperty(MessagePort.prototype, "onmessage", onmessage);

registerTransferable(
  "MessagePort",
  MessagePort.is,
  MessagePort.isDetached,
  MessagePort.detach,
  (endpoint) => new MessagePort(endpoint),
);

export class MessageChannel {
  #port1;
  #port2;

  constructor() {
    const one = new Endpoint();
    const two = new Endpoint();
    one.peer = two;
    two.peer = one;
    this.#port1 = new MessagePort(one);
    this.#port2 = new MessagePort(two);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #port1 in value;
  }

  get port1() {
    return this.#port1;
  }

  get port2() {
    return this.#port2;
  }
}

defineInterface(MessageChannel, { constructor: [], readonly: ["port1", "port2"] });

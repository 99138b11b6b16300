// https://html.spec.whatwg.org/#message-ports and #message-channels
import {
  ArrayPrototypeIndexOf,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ReflectApply,
  SafeFinalizationRegistry,
  SafeWeakRef,
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
import { defineInterface } from "../webidl/interface.js";
import { Endpoint } from "./endpoint.js";
import { MessageEvent } from "./message_event.js";

/** The last steps of https://html.spec.whatwg.org/#message-port-post-message-steps */
function deliver(record, port) {
  let event;
  try {
    const { value, ports } = structuredDeserializeWithTransfer(record);
    event = new MessageEvent("message", { __proto__: null, data: value, ports });
  } catch {
    event = new MessageEvent("messageerror", { __proto__: null, data: null });
  }
  EventTarget.fire(port, event);
}

// A port that was not started, and that no script has any more, will never hear anything: its end closes.
const registry = new SafeFinalizationRegistry((reference) => reference.deref()?.close());

export class MessagePort extends EventTarget {
  #endpoint; // null once the port is detached
  #reference; // to it

  constructor(endpoint) {
    super();
    this.#endpoint = endpoint;
    this.#reference = new SafeWeakRef(endpoint);
    registry.register(this, this.#reference, this.#reference);
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
    registry.unregister(port.#reference);
    endpoint.disable();
    return endpoint;
  }

  /** Whether one of the objects is the port that has the end. */
  static #isAmong(objects, endpoint) {
    for (let i = 0; i < objects.length; i++) {
      if (MessagePort.is(objects[i]) && objects[i].#endpoint === endpoint) return true;
    }
    return false;
  }

  /** https://html.spec.whatwg.org/#message-port-post-message-steps */
  postMessage(message, second) {
    const transferList = transferOf(second);
    if (ArrayPrototypeIndexOf(transferList, this) >= 0) {
      throw dataCloneError("A port cannot be transferred through itself.");
    }
    const endpoint = this.#endpoint;
    // A port that is sent to itself can never be reached: the message is lost, the port detached.
    const peer = endpoint?.peer ?? null;
    const doomed = peer !== null && MessagePort.#isAmong(transferList, peer);
    const record = structuredSerializeWithTransfer(message, transferList);
    if (endpoint !== null && !doomed) endpoint.post(record);
  }

  start() {
    this.#endpoint?.enable((record) => deliver(record, this));
  }

  // Messages that are in the queue already still arrive.
  close() {
    this.#endpoint?.close();
    this.#endpoint = null;
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
  (port) => [MessagePort.detach(port)],
  1,
  null,
);

export class MessageChannel {
  #port1;
  #port2;

  constructor() {
    const { one, two } = Endpoint.entangle();
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

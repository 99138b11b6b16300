// https://html.spec.whatwg.org/#the-messageevent-interface
import { ArrayPrototypeSlice, ObjectFreeze } from "../infra/primordials.js";
import { Event, EventInit } from "../events/event.js";
import { ServiceWorker } from "../service_worker/service_worker.js";
import { defineInterface, optional } from "../webidl/interface.js";
import {
  any,
  boolean,
  dictionary,
  DOMString,
  interfaceType,
  nullable,
  sequence,
  union,
  USVString,
  withDefault,
} from "../webidl/types.js";

export const messagePortType = interfaceType("MessagePort", (value) =>
  load("./message_port.js").MessagePort.is(value),
);

// A WindowProxy, the third kind of source, cannot be in a worker.
const MessageEventSource = union(messagePortType, interfaceType("ServiceWorker", ServiceWorker.is));

const MessageEventInit = dictionary(
  "MessageEventInit",
  {
    data: withDefault(any, null),
    origin: withDefault(USVString, ""),
    lastEventId: withDefault(DOMString, ""),
    source: withDefault(nullable(MessageEventSource), null),
    ports: withDefault(sequence(messagePortType), () => []),
  },
  EventInit,
);

const frozen = (ports) => ObjectFreeze(ArrayPrototypeSlice(ports));

export class MessageEvent extends Event {
  #data;
  #origin;
  #lastEventId;
  #source;
  #ports;

  constructor(type, init) {
    super(type, init);
    this.#data = init.data;
    this.#origin = init.origin ?? "";
    this.#lastEventId = init.lastEventId ?? "";
    this.#source = init.source ?? null;
    this.#ports = frozen(init.ports ?? []);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #data in value;
  }

  get data() {
    return this.#data;
  }

  get origin() {
    return this.#origin;
  }

  get lastEventId() {
    return this.#lastEventId;
  }

  get source() {
    return this.#source;
  }

  get ports() {
    return this.#ports;
  }

  initMessageEvent(type, bubbles, cancelable, data, origin, lastEventId, source, ports) {
    if (Event.isDispatched(this)) return;
    Event.initialize(this, type, bubbles, cancelable);
    this.#data = data;
    this.#origin = origin;
    this.#lastEventId = lastEventId;
    this.#source = source;
    this.#ports = frozen(ports);
  }
}

defineInterface(MessageEvent, {
  constructor: [DOMString, optional(MessageEventInit)],
  readonly: ["data", "origin", "lastEventId", "source", "ports"],
  operations: {
    initMessageEvent: [
      DOMString,
      optional(boolean, false),
      optional(boolean, false),
      optional(any, null),
      optional(USVString, ""),
      optional(DOMString, ""),
      optional(nullable(MessageEventSource), null),
      optional(sequence(messagePortType), []),
    ],
  },
});

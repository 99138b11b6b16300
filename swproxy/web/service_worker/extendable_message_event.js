// https://w3c.github.io/ServiceWorker/#extendablemessageevent-interface
import { ArrayPrototypeSlice, ObjectFreeze } from "../infra/primordials.js";
import { Client, clientFor } from "../clients/client.js";
import { origin } from "../html/environment.js";
import { deserializeFromHost } from "../messaging/host_message.js";
import { messagePortType } from "../messaging/message_event.js";
import { defineInterface, optional } from "../webidl/interface.js";
import {
  any,
  dictionary,
  DOMString,
  interfaceType,
  nullable,
  sequence,
  union,
  USVString,
  withDefault,
} from "../webidl/types.js";
import { ExtendableEvent, ExtendableEventInit } from "./extendable_event.js";
import {} from "./own_registration.js"; // which keeps the states of the workers that send messages
import { ServiceWorker, serviceWorkerFor } from "./service_worker.js";

const ExtendableMessageEventInit = dictionary(
  "ExtendableMessageEventInit",
  {
    data: withDefault(any, null),
    origin: withDefault(USVString, ""),
    lastEventId: withDefault(DOMString, ""),
    source: withDefault(
      nullable(
        union(interfaceType("Client", Client.is), interfaceType("ServiceWorker", ServiceWorker.is), messagePortType),
      ),
      null,
    ),
    ports: withDefault(sequence(messagePortType), () => []),
  },
  ExtendableEventInit,
);

export class ExtendableMessageEvent extends ExtendableEvent {
  #init;
  #ports;

  constructor(type, init) {
    super(type, init);
    this.#init = init;
    this.#ports = ObjectFreeze(ArrayPrototypeSlice(init.ports));
  }

  static is(value) {
    return typeof value === "object" && value !== null && #init in value;
  }

  /**
   * What ServiceWorker.postMessage fires.
   * @param detail { message, source, client } as the host gives it: source describes the worker that sent the message,
   *   or is null; client the client, or is null
   */
  static fromHost({ message, source, client }) {
    const init = {
      __proto__: null,
      data: null,
      origin: origin(),
      lastEventId: "",
      source: clientFor(client ?? undefined) ?? serviceWorkerFor(source),
      ports: [],
    };
    try {
      const { value, ports } = deserializeFromHost(message);
      init.data = value;
      init.ports = ports;
    } catch {
      return new ExtendableMessageEvent("messageerror", init);
    }
    return new ExtendableMessageEvent("message", init);
  }

  get data() {
    return this.#init.data;
  }

  get origin() {
    return this.#init.origin;
  }

  get lastEventId() {
    return this.#init.lastEventId;
  }

  get source() {
    return this.#init.source;
  }

  get ports() {
    return this.#ports;
  }
}

defineInterface(ExtendableMessageEvent, {
  constructor: [DOMString, optional(ExtendableMessageEventInit)],
  readonly: ["data", "origin", "lastEventId", "source", "ports"],
});

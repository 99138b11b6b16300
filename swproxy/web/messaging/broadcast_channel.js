// https://html.spec.whatwg.org/#broadcasting-to-other-browsing-contexts
import { op_broadcast } from "host:ops";
import {
  ArrayPrototypeIndexOf,
  ArrayPrototypeSplice,
  DOMExceptionConstructor,
  JSONStringify,
} from "../infra/primordials.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { origin } from "../html/environment.js";
import { Record } from "../structured_clone/record.js";
import { structuredDeserialize, structuredSerialize } from "../structured_clone/structured_clone.js";
import { setTimer } from "../timers/timers.js";
import { defineInterface } from "../webidl/interface.js";
import { any, DOMString } from "../webidl/types.js";
import { MessageEvent } from "./message_event.js";
import { onDeliver } from "./receive.js";

const channels = []; // those that are open, in the order of their creation

export class BroadcastChannel extends EventTarget {
  #name;
  #key; // the name as JSON, which is well-formed Unicode: the name need not be
  #closed = false;

  constructor(name) {
    super();
    this.#name = name;
    this.#key = JSONStringify(name);
    channels[channels.length] = this;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #name in value;
  }

  /** Queues a task for each channel with that key but the source, in which it gets the record's value. */
  static broadcast(key, record, source) {
    for (let i = 0; i < channels.length; i++) {
      const channel = channels[i];
      if (channel !== source && channel.#key === key) setTimer(0, () => channel.#deliver(record));
    }
  }

  #deliver(record) {
    if (this.#closed) return;
    let event;
    try {
      const data = structuredDeserialize(record.copy());
      event = new MessageEvent("message", { __proto__: null, data, origin: origin() });
    } catch {
      event = new MessageEvent("messageerror", { __proto__: null, data: null, origin: origin() });
    }
    EventTarget.fire(this, event);
  }

  get name() {
    return this.#name;
  }

  postMessage(message) {
    if (this.#closed) throw new DOMExceptionConstructor("The channel is closed.", "InvalidStateError");
    const record = structuredSerialize(message);
    op_broadcast(this.#key, record.copy().toHost());
    BroadcastChannel.broadcast(this.#key, record, this);
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    ArrayPrototypeSplice(channels, ArrayPrototypeIndexOf(channels, this), 1);
  }
}

onDeliver("broadcast", ({ key, message }) => BroadcastChannel.broadcast(key, Record.fromHost(message), null));

defineInterface(BroadcastChannel, {
  constructor: [DOMString],
  readonly: ["name"],
  operations: { postMessage: [any], close: [] },
});
defineEventHandlers(BroadcastChannel.prototype, BroadcastChannel.is, ["message", "messageerror"]);

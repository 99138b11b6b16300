// https://w3c.github.io/ServiceWorker/#extendableevent-interface and #installevent-interface
import { DOMExceptionConstructor, upon } from "../infra/primordials.js";
import { Event, EventInit } from "../events/event.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { dictionary, DOMString, promise } from "../webidl/types.js";

export const ExtendableEventInit = dictionary("ExtendableEventInit", {}, EventInit);

export class ExtendableEvent extends Event {
  #pending = 0;
  #timedOut = false;
  #rejected = false;
  #reason = undefined;
  #onInactive = null;

  static is(value) {
    return typeof value === "object" && value !== null && #pending in value;
  }

  static isActive(event) {
    return !event.#timedOut && (event.#pending > 0 || Event.isDispatched(event));
  }

  /**
   * Calls `finished(rejected, reason)` once the event is not active any more; to be set when it has been
   * dispatched.
   */
  static whenInactive(event, finished) {
    event.#onInactive = finished;
    event.#check();
  }

  #check() {
    if (this.#pending > 0 || this.#onInactive === null || ExtendableEvent.isActive(this)) return;
    const finished = this.#onInactive;
    this.#onInactive = null;
    finished(this.#rejected, this.#reason);
  }

  /** https://w3c.github.io/ServiceWorker/#extendableevent-add-lifetime-promise */
  static addLifetimePromise(event, lifetimePromise) {
    if (!event.isTrusted) throw invalid("The event was made by a script.");
    if (!ExtendableEvent.isActive(event)) throw invalid("The event handler is already finished.");
    event.#pending++;
    const settled = () => {
      event.#pending--;
      event.#check();
    };
    // One more microtask, so that a handler of this promise may still extend the event.
    upon(
      lifetimePromise,
      () => queueSettled(settled),
      (reason) => {
        if (!event.#rejected) {
          event.#rejected = true;
          event.#reason = reason;
        }
        queueSettled(settled);
      },
    );
  }

  waitUntil(lifetimePromise) {
    ExtendableEvent.addLifetimePromise(this, lifetimePromise);
  }
}

const queueSettled = (settled) => upon(resolved, settled);
const resolved = (async () => {})();

const invalid = (message) => new DOMExceptionConstructor(message, "InvalidStateError");

defineInterface(ExtendableEvent, {
  constructor: [DOMString, optional(ExtendableEventInit)],
  operations: { waitUntil: [promise] },
});

export class InstallEvent extends ExtendableEvent {}

defineInterface(InstallEvent, { constructor: [DOMString, optional(ExtendableEventInit)] });

// https://w3c.github.io/ServiceWorker/#extendableevent-interface and #installevent-interface
import { DOMExceptionConstructor, queueMicrotask, upon } from "../infra/primordials.js";
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

  /** https://w3c.github.io/ServiceWorker/#extendableevent-add-lifetime-promise, without waiting for the promise. */
  static extend(event) {
    if (!Event.isTrusted(event)) throw invalid("The event was made by a script.");
    if (!ExtendableEvent.isActive(event)) throw invalid("The event handler is already finished.");
    event.#pending++;
  }

  /** The promise has settled. One microtask later, so that a handler of it may still extend the event. */
  static release(event) {
    queueMicrotask(() => {
      event.#pending--;
      event.#check();
    });
  }

  static releaseRejected(event, reason) {
    if (!event.#rejected) {
      event.#rejected = true;
      event.#reason = reason;
    }
    ExtendableEvent.release(event);
  }

  /** Whether nothing else is pending. */
  static isLast(event) {
    return event.#pending === 1;
  }

  waitUntil(lifetimePromise) {
    ExtendableEvent.extend(this);
    upon(
      lifetimePromise,
      () => ExtendableEvent.release(this),
      (reason) => ExtendableEvent.releaseRejected(this, reason),
    );
  }
}

const invalid = (message) => new DOMExceptionConstructor(message, "InvalidStateError");

defineInterface(ExtendableEvent, {
  constructor: [DOMString, optional(ExtendableEventInit)],
  operations: { waitUntil: [promise] },
});

export class InstallEvent extends ExtendableEvent {}

defineInterface(InstallEvent, { constructor: [DOMString, optional(ExtendableEventInit)] });

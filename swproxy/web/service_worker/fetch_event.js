// https://w3c.github.io/ServiceWorker/#fetchevent-interface
import {
  DOMExceptionConstructor,
  markAsHandled,
  PromiseResolve,
  PromiseWithResolvers,
  upon,
} from "../infra/primordials.js";
import { describe } from "../html/report_error.js";
import { Event } from "../events/event.js";
import { requestType } from "../fetch/request.js";
import { Response } from "../fetch/response.js";
import { defineInterface, promising } from "../webidl/interface.js";
import { dictionary, DOMString, promise, required, withDefault } from "../webidl/types.js";
import { ExtendableEvent, ExtendableEventInit } from "./extendable_event.js";

const FetchEventInit = dictionary(
  "FetchEventInit",
  {
    request: required(requestType),
    preloadResponse: promise,
    clientId: withDefault(DOMString, ""),
    resultingClientId: withDefault(DOMString, ""),
    replacesClientId: withDefault(DOMString, ""),
    handled: promise,
  },
  ExtendableEventInit,
);

export class FetchEvent extends ExtendableEvent {
  #init;
  #preload = null;
  // Few scripts look at these two promises: each is made when it is first asked for.
  #preloadResponse = null;
  #handled = null;
  #handling = "pending";
  #respondWithEntered = false;
  #onResponse = null;

  constructor(type, init) {
    super(type, init);
    this.#init = init;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #init in value;
  }

  static respondWithEntered(event) {
    return event.#respondWithEntered;
  }

  /** Sets what gives the promise of the response to a navigation preload. */
  static onPreload(event, callback) {
    event.#preload = callback;
  }

  /**
   * Sets what gets (response, reason, isLast): an InnerResponse, or null and the reason why there is none; and
   * whether the event ends with that.
   */
  static onResponse(event, callback) {
    event.#onResponse = callback;
  }

  /** Settles `handled`. */
  static setHandled(event, succeeded) {
    event.#handling = succeeded ? "succeeded" : "failed";
    if (event.#handled !== null) event.#settleHandled();
  }

  #settleHandled() {
    if (this.#handling === "succeeded") this.#handled.resolve();
    else this.#handled.reject(new DOMExceptionConstructor("The fetch failed.", "NetworkError"));
  }

  get request() {
    return this.#init.request;
  }

  get preloadResponse() {
    this.#preloadResponse ??= this.#preload?.() ?? this.#init.preloadResponse ?? PromiseResolve();
    return this.#preloadResponse;
  }

  get clientId() {
    return this.#init.clientId;
  }

  get resultingClientId() {
    return this.#init.resultingClientId;
  }

  get replacesClientId() {
    return this.#init.replacesClientId;
  }

  get handled() {
    if (this.#init.handled !== undefined) return this.#init.handled;
    if (this.#handled === null) {
      this.#handled = PromiseWithResolvers();
      markAsHandled(this.#handled.promise);
      if (this.#handling !== "pending") this.#settleHandled();
    }
    return this.#handled.promise;
  }

  respondWith(answer) {
    if (!Event.isDispatched(this)) throw invalid("The fetch event has already been dispatched.");
    if (this.#respondWithEntered) throw invalid("respondWith() was already called.");
    ExtendableEvent.extend(this);
    Event.stop(this);
    this.#respondWithEntered = true;
    upon(
      answer,
      (response) => {
        this.#respond(response);
        ExtendableEvent.release(this);
      },
      (reason) => {
        this.#onResponse?.(null, `the promise given to respondWith() was rejected: ${describe(reason)}`, false);
        ExtendableEvent.releaseRejected(this, reason);
      },
    );
  }

  #respond(response) {
    if (!Response.is(response)) {
      this.#onResponse?.(null, "what was given to respondWith() is not a Response", false);
      return;
    }
    const inner = Response.inner(response);
    if (inner.body !== null && inner.body.unusable) {
      this.#onResponse?.(null, "the body of the Response given to respondWith() is locked or has been read", false);
      return;
    }
    this.#onResponse?.(inner, "", ExtendableEvent.isLast(this));
  }
}

const invalid = (message) =>
  new DOMExceptionConstructor(`Failed to execute 'respondWith' on 'FetchEvent': ${message}`, "InvalidStateError");

defineInterface(FetchEvent, {
  constructor: [DOMString, FetchEventInit],
  readonly: ["request", "clientId", "resultingClientId", "replacesClientId"],
  attributes: { preloadResponse: promising([]), handled: promising([]) },
  operations: { respondWith: [promise] },
});

// https://w3c.github.io/ServiceWorker/#fetchevent-interface
import {
  DOMExceptionConstructor,
  PromiseWithResolvers,
  PromiseResolve,
  upon,
} from "../infra/primordials.js";
import { describe } from "../html/report_error.js";
import { Event } from "../events/event.js";
import { requestType } from "../fetch/request.js";
import { Response } from "../fetch/response.js";
import { defineInterface } from "../webidl/interface.js";
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
  #preloadResponse;
  #handled;
  #respondWithEntered = false;
  #onResponse = null;

  constructor(type, init) {
    super(type, init);
    this.#init = init;
    this.#preloadResponse = init.preloadResponse ?? PromiseResolve();
    this.#handled = init.handled ?? PromiseWithResolvers().promise;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #init in value;
  }

  static respondWithEntered(event) {
    return event.#respondWithEntered;
  }

  /** Sets what gets the InnerResponse, or null and a reason why there is none. */
  static onResponse(event, callback) {
    event.#onResponse = callback;
  }

  get request() {
    return this.#init.request;
  }

  get preloadResponse() {
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
    return this.#handled;
  }

  respondWith(answer) {
    if (!Event.isDispatched(this)) throw invalid("The fetch event has already been dispatched.");
    if (this.#respondWithEntered) throw invalid("respondWith() was already called.");
    ExtendableEvent.addLifetimePromise(this, answer);
    Event.stop(this);
    this.#respondWithEntered = true;
    upon(
      answer,
      (response) => {
        if (!Response.is(response)) {
          this.#onResponse?.(null, "what was given to respondWith() is not a Response");
          return;
        }
        const inner = Response.inner(response);
        if (inner.body !== null && inner.body.unusable) {
          this.#onResponse?.(null, "the body of the Response given to respondWith() is locked or has been read");
          return;
        }
        this.#onResponse?.(inner, "");
      },
      (reason) => this.#onResponse?.(null, `the promise given to respondWith() was rejected: ${describe(reason)}`),
    );
  }
}

const invalid = (message) =>
  new DOMExceptionConstructor(`Failed to execute 'respondWith' on 'FetchEvent': ${message}`, "InvalidStateError");

defineInterface(FetchEvent, {
  constructor: [DOMString, FetchEventInit],
  readonly: ["request", "preloadResponse", "clientId", "resultingClientId", "replacesClientId", "handled"],
  operations: { respondWith: [promise] },
});

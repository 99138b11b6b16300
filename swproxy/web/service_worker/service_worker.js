// https://w3c.github.io/ServiceWorker/#serviceworker-interface
import { op_worker_post_message } from "host:ops";
import { SafeMap } from "../infra/primordials.js";
import { postMessageArguments, transferOf } from "../clients/client.js";
import { Event } from "../events/event.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { defineInterface } from "../webidl/interface.js";

export class ServiceWorker extends EventTarget {
  #id;
  #scriptURL;
  #state;

  constructor({ id, scriptURL, state }) {
    super();
    this.#id = id;
    this.#scriptURL = scriptURL;
    this.#state = state;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #scriptURL in value;
  }

  /** https://w3c.github.io/ServiceWorker/#update-state-algorithm, for one object */
  static update(worker, state) {
    if (worker.#state === state) return;
    worker.#state = state;
    EventTarget.fire(worker, new Event("statechange"));
  }

  get scriptURL() {
    return this.#scriptURL;
  }

  get state() {
    return this.#state;
  }

  postMessage(message, second) {
    const { postToHost } = load("../messaging/host_message.js");
    postToHost(message, transferOf(second), (record) => op_worker_post_message(this.#id, record));
  }
}

defineInterface(ServiceWorker, {
  readonly: ["scriptURL", "state"],
  operations: { postMessage: postMessageArguments },
});
defineEventHandlers(ServiceWorker.prototype, ServiceWorker.is, ["statechange", "error"]);

const known = new SafeMap();

/** The one object for a worker that the host describes as { id, scriptURL, state }, or null; in the state it was in. */
export function serviceWorkerAsKnown(description) {
  if (description === null) return null;
  let worker = known.get(description.id);
  if (worker === undefined) {
    worker = new ServiceWorker(description);
    known.set(description.id, worker);
  }
  return worker;
}

/** The same, in the state that the host says. */
export function serviceWorkerFor(description) {
  const worker = serviceWorkerAsKnown(description);
  if (worker !== null) ServiceWorker.update(worker, description.state);
  return worker;
}

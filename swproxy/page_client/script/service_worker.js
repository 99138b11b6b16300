// https://w3c.github.io/ServiceWorker/#serviceworker-interface
import { checkDocument } from "./environment.js";
import { EventTarget, SafeMap, TypeError } from "./primordials.js";
import { constructing, create, defineInterface, fire } from "./webidl.js";
import { postToWorker } from "./messages.js";

export let idOfWorker;
/** Tells a worker its state. */
export let setState;

export class ServiceWorker extends EventTarget {
  #id;
  #scriptURL;
  #state;

  constructor() {
    constructing();
    super();
    const description = arguments[0];
    this.#id = description.id;
    this.#scriptURL = description.scriptURL;
    this.#state = description.state;
  }

  static {
    idOfWorker = (worker) => worker.#id;
    setState = (worker, state) => {
      if (worker.#state === state) return;
      worker.#state = state;
      fire(worker, "statechange");
    };
  }

  get scriptURL() {
    return this.#scriptURL;
  }

  get state() {
    return this.#state;
  }

  postMessage(message, options = undefined) {
    if (arguments.length === 0) throw new TypeError("postMessage() needs a message.");
    this.#state; // throws for other objects
    checkDocument();
    postToWorker(this.#id, message, options);
  }
}

defineInterface(ServiceWorker, {
  attributes: ["scriptURL", "state"],
  operations: ["postMessage"],
  handlers: ["statechange", "error"],
});

const knownWorkers = new SafeMap();

/** The one object for a worker that the proxy describes, or null; in the state that it was in. */
export function workerAsKnown(description) {
  if (description === null) return null;
  let worker = knownWorkers.get(description.id);
  if (worker === undefined) knownWorkers.set(description.id, (worker = create(ServiceWorker, description)));
  return worker;
}

/** Tells a known worker its state. */
export function updateWorker(description) {
  const worker = description && knownWorkers.get(description.id);
  if (worker) setState(worker, description.state);
}

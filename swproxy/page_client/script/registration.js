// https://w3c.github.io/ServiceWorker/#serviceworkerregistration-interface
import { call, onTold } from "./channel.js";
import { cookieOf } from "./environment.js";
import { NavigationPreloadManager } from "./navigation_preload.js";
import { bare, document, DOMException, EventTarget, MapPrototypeForEach, SafeMap } from "./primordials.js";
import { idOfWorker, setState, updateWorker, workerAsKnown } from "./service_worker.js";
import { constructing, create, defineInterface, fire } from "./webidl.js";

// What only this module can do to one of them: to describe it anew, and to tell its number.
let describe, idOf;

export class ServiceWorkerRegistration extends EventTarget {
  #id;
  #scope;
  #updateViaCache;
  #installing;
  #waiting;
  #active;
  #navigationPreload;

  constructor() {
    constructing();
    super();
    const description = arguments[0];
    this.#scope = description.scope;
    describe(this, description);
  }

  static {
    // https://w3c.github.io/ServiceWorker/#update-registration-state-algorithm, for one object
    describe = (registration, description) => {
      registration.#id = description.id;
      registration.#updateViaCache = description.updateViaCache;
      registration.#installing = workerAsKnown(description.installing);
      registration.#waiting = workerAsKnown(description.waiting);
      registration.#active = workerAsKnown(description.active);
    };
    idOf = (registration) => registration.#id;
  }

  get installing() {
    return this.#installing;
  }

  get waiting() {
    return this.#waiting;
  }

  get active() {
    return this.#active;
  }

  get navigationPreload() {
    this.#navigationPreload ??= create(NavigationPreloadManager, () => this.#id);
    return this.#navigationPreload;
  }

  get scope() {
    return this.#scope;
  }

  get updateViaCache() {
    return this.#updateViaCache;
  }

  async update() {
    if ((this.#installing ?? this.#waiting ?? this.#active) === null) {
      throw new DOMException("The registration has no worker to update.", "InvalidStateError");
    }
    return registrationFor(await call("update", [this.#id, cookieOf(document)]));
  }

  async unregister() {
    return call("unregister", [this.#id]);
  }
}

defineInterface(ServiceWorkerRegistration, {
  attributes: ["installing", "waiting", "active", "navigationPreload", "scope", "updateViaCache"],
  operations: ["update", "unregister"],
  handlers: ["updatefound"],
});

const knownRegistrations = new SafeMap();

/** The one object for a registration that the proxy describes, brought up to date; undefined for null. */
export function registrationFor(description) {
  if (description === null) return undefined;
  let registration = knownRegistrations.get(description.id);
  if (registration === undefined)
    knownRegistrations.set(description.id, (registration = create(ServiceWorkerRegistration, description)));
  else describe(registration, description);
  return registration;
}

onTold("changed", ({ 0: description, 1: worker }) => {
  const registration = knownRegistrations.get(description.id);
  if (registration !== undefined) describe(registration, description);
  updateWorker(worker);
  if (registration !== undefined && worker?.state === "installing") fire(registration, "updatefound");
});

/** After the line was broken: the numbers of registrations are new if the proxy is. */
export function reconcile(descriptions) {
  const before = bare();
  MapPrototypeForEach(knownRegistrations, (registration) => (before[before.length] = registration));
  for (let i = 0; i < before.length; i++) knownRegistrations.delete(idOf(before[i]));
  for (let i = 0; i < before.length; i++) {
    const registration = before[i];
    let description = null;
    for (let j = 0; j < descriptions.length; j++) {
      if (descriptions[j].scope === registration.scope) description = descriptions[j];
    }
    const workers = [registration.installing, registration.waiting, registration.active];
    description ??= {
      id: 0,
      updateViaCache: registration.updateViaCache,
      installing: null,
      waiting: null,
      active: null,
    };
    if (description.id !== 0) knownRegistrations.set(description.id, registration);
    describe(registration, description);
    const now = [description.installing, description.waiting, description.active];
    for (let j = 0; j < workers.length; j++) {
      if (workers[j] !== null) setState(workers[j], stateAmong(now, idOfWorker(workers[j])));
    }
  }
}

function stateAmong(descriptions, id) {
  for (let i = 0; i < descriptions.length; i++) if (descriptions[i]?.id === id) return descriptions[i].state;
  return "redundant";
}

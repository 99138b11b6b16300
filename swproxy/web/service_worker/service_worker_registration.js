// https://w3c.github.io/ServiceWorker/#serviceworkerregistration-interface
import { op_registration_unregister, op_registration_update } from "host:ops";
import { Event } from "../events/event.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { defineInterface, promising } from "../webidl/interface.js";
import { serviceWorkerAsKnown, serviceWorkerFor } from "./service_worker.js";

export class ServiceWorkerRegistration extends EventTarget {
  #scope;
  #updateViaCache;
  #installing = null;
  #waiting = null;
  #active = null;
  #navigationPreload = null; // made at its first use

  constructor(description) {
    super();
    this.#scope = description.scope;
    ServiceWorkerRegistration.update(this, description);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #scope in value;
  }

  /** Takes over what the host says: { updateViaCache, installing, waiting, active }. */
  static update(registration, { updateViaCache, installing, waiting, active }) {
    const before = registration.#installing;
    registration.#updateViaCache = updateViaCache;
    registration.#installing = serviceWorkerAsKnown(installing);
    registration.#waiting = serviceWorkerAsKnown(waiting);
    registration.#active = serviceWorkerAsKnown(active);
    // Who hears of a new state sees the registration as it is by then.
    serviceWorkerFor(installing);
    serviceWorkerFor(waiting);
    serviceWorkerFor(active);
    if (registration.#installing !== null && registration.#installing !== before && before === null) {
      EventTarget.fire(registration, new Event("updatefound"));
    }
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

  get scope() {
    return this.#scope;
  }

  get updateViaCache() {
    return this.#updateViaCache;
  }

  get navigationPreload() {
    void this.#scope;
    if (this.#navigationPreload === null) {
      const { NavigationPreloadManager } = load("./navigation_preload_manager.js");
      this.#navigationPreload = new NavigationPreloadManager();
    }
    return this.#navigationPreload;
  }

  async update() {
    await op_registration_update();
    return this;
  }

  async unregister() {
    return op_registration_unregister();
  }
}

defineInterface(ServiceWorkerRegistration, {
  readonly: ["installing", "waiting", "active", "scope", "updateViaCache", "navigationPreload"],
  operations: { update: promising([]), unregister: promising([]) },
});
defineEventHandlers(ServiceWorkerRegistration.prototype, ServiceWorkerRegistration.is, ["updatefound"]);

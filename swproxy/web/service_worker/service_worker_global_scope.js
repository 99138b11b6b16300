// https://w3c.github.io/ServiceWorker/#serviceworkerglobalscope-interface
import { op_skip_waiting } from "host:ops";
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectSetPrototypeOf,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { Clients } from "../clients/clients.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { WorkerGlobalScope } from "../html/worker_global_scope.js";
import { defineInterface, promising } from "../webidl/interface.js";
import { ServiceWorkerRegistration } from "./service_worker_registration.js";
import { serviceWorkerFor } from "./service_worker.js";

const clientsObject = new Clients();
let registrationObject = null;
let thisWorker = null;

/** Takes over what the host says of the registration and of this worker, whose id is `id`. */
export function updateRegistration(description, id) {
  if (registrationObject === null) registrationObject = new ServiceWorkerRegistration(description);
  else ServiceWorkerRegistration.update(registrationObject, description);
  if (thisWorker === null) thisWorker = serviceWorkerFor(description.workers[id]);
  else serviceWorkerFor(description.workers[id]);
}

class ServiceWorkerGlobalScope extends WorkerGlobalScope {
  static is(value) {
    return value === globalThis;
  }

  get clients() {
    return clientsObject;
  }

  get registration() {
    return registrationObject;
  }

  get serviceWorker() {
    return thisWorker;
  }

  async skipWaiting() {
    await op_skip_waiting();
  }
}

const EVENTS = ["install", "activate", "fetch", "message", "messageerror"];

defineInterface(ServiceWorkerGlobalScope, {
  readonly: ["clients", "registration", "serviceWorker"],
  operations: { skipWaiting: promising([]) },
});

// A [Global] interface has its members on the object itself.
new EventTarget(globalThis);
const { prototype } = ServiceWorkerGlobalScope;
ObjectSetPrototypeOf(globalThis, prototype);
const members = ["clients", "registration", "serviceWorker", "skipWaiting"];
for (let i = 0; i < members.length; i++) {
  const descriptor = ObjectGetOwnPropertyDescriptor(prototype, members[i]);
  const { get } = descriptor;
  if (get !== undefined) {
    descriptor.get = {
      get [members[i]]() {
        if ((this ?? globalThis) !== globalThis) throw new TypeErrorConstructor("Illegal invocation");
        return get();
      },
    };
    descriptor.get = ObjectGetOwnPropertyDescriptor(descriptor.get, members[i]).get;
  }
  ObjectDefineProperty(globalThis, members[i], descriptor);
  delete prototype[members[i]];
}
defineEventHandlers(globalThis, ServiceWorkerGlobalScope.is, EVENTS);

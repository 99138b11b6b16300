// https://w3c.github.io/ServiceWorker/#serviceworkerglobalscope-interface
import { hideSource } from "../infra/native_functions.js";
import { op_skip_waiting } from "host:ops";
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectSetPrototypeOf,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { WorkerGlobalScope } from "../html/worker_global_scope.js";
import { defineInterface, promising } from "../webidl/interface.js";

class ServiceWorkerGlobalScope extends WorkerGlobalScope {
  static is(value) {
    return value === globalThis;
  }

  get clients() {
    return load("../clients/clients.js").clients;
  }

  get registration() {
    return load("./own_registration.js").ownRegistration();
  }

  get serviceWorker() {
    return load("./own_registration.js").ownWorker();
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
    hideSource(descriptor.get);
  }
  ObjectDefineProperty(globalThis, members[i], descriptor);
  delete prototype[members[i]];
}
defineEventHandlers(globalThis, ServiceWorkerGlobalScope.is, EVENTS);

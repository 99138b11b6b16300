// The objects of this worker and of its registration; loaded when a script first asks for one.
import { observeRegistration } from "./registration_state.js";
import { serviceWorkerFor } from "./service_worker.js";
import { ServiceWorkerRegistration } from "./service_worker_registration.js";

let registration = null;
let worker = null;

observeRegistration((description, id) => {
  if (registration === null) registration = new ServiceWorkerRegistration(description);
  else ServiceWorkerRegistration.update(registration, description);
  worker = serviceWorkerFor(description.workers[id]);
});

export const ownRegistration = () => registration;
export const ownWorker = () => worker;

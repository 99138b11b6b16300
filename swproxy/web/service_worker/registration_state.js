// What the host says of the registration and of this worker. The objects for it are made when a script first asks.

let description = null;
let workerId = 0;
let observer = () => {};

/** Takes over what the host says; `id` is this worker's. */
export function updateRegistration(latest, id) {
  description = latest;
  workerId = id;
  observer(description, workerId);
}

/** Calls back with what is known now, and whenever it changes. */
export function observeRegistration(callback) {
  observer = callback;
  callback(description, workerId);
}

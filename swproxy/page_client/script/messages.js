// What goes between this document and workers.
import { onTold, tell } from "./channel.js";
import { fireMessage, whenEnabled } from "./container.js";

/** https://w3c.github.io/ServiceWorker/#service-worker-postmessage-options */
export function postToWorker(id, message, options) {
  tell("worker_post_message", [id, JSON.stringify(message), options ?? null]);
}

onTold("message", ({ 0: text, 1: source }) =>
  whenEnabled(() => fireMessage("message", JSON.parse(text), source, [])),
);

// What goes between this document and workers.
import { onTold } from "./channel.js";
import { fireMessage, whenEnabled } from "./container.js";
import { deserialize, post, serialize, transferListOf } from "./message_ports.js";

/** https://w3c.github.io/ServiceWorker/#service-worker-postmessage-options */
export function postToWorker(id, message, options) {
  post("worker_post_message", [id], serialize(message, transferListOf(options)));
}

onTold("message", ({ 0: text, 1: source, 2: addresses }, parts) => {
  let received;
  try {
    received = deserialize({ text, parts, ports: addresses });
  } catch {
    whenEnabled(() => fireMessage("messageerror", null, source, []));
    return;
  }
  whenEnabled(() => fireMessage("message", received.value, source, received.ports));
});

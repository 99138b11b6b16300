// Messages of the host for objects that scripts have made: a file that has such objects says what it hears of.
import { SafeMap } from "../infra/primordials.js";

const receivers = new SafeMap();

/** Calls `receiver` with the detail of each Deliver message (ipc/messages.py) for this target. */
export function onDeliver(target, receiver) {
  receivers.set(target, receiver);
}

/** Takes a turn that dispatch.js knows nothing of. */
export function receive({ kind, target, detail }) {
  if (kind !== "deliver") return;
  const receiver = receivers.get(target);
  if (receiver !== undefined) receiver(detail);
  else if (detail.message?.parts.length > 0) load("../structured_clone/record.js").releaseParts(detail.message.parts);
}

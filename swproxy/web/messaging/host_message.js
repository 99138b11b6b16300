// Messages to other workers and to clients.
import {
  structuredDeserializeWithTransfer,
  structuredSerializeWithTransfer,
} from "../structured_clone/structured_clone.js";
import { receiveRecord, sendRecord } from "./endpoint.js";

/** https://html.spec.whatwg.org/#structuredserializewithtransfer; `send` is called with what `sendRecord` says. */
export function postToHost(message, transferList, send) {
  sendRecord(structuredSerializeWithTransfer(message, transferList), send);
}

/** { value, ports } of what `postToHost` gave to the host, in this realm or another; it can be had once. */
export const deserializeFromHost = (message) => structuredDeserializeWithTransfer(receiveRecord(message));

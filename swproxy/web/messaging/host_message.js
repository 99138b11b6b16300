// Messages to other workers and to clients. They leave the realm, so that nothing but bytes can be transferred.
import { dataCloneError, Record } from "../structured_clone/record.js";
import {
  structuredDeserialize,
  structuredSerialize,
  structuredSerializeWithTransfer,
} from "../structured_clone/structured_clone.js";
import { isArrayBuffer } from "../webidl/types.js";

/**
 * https://html.spec.whatwg.org/#structuredserializewithtransfer, for ArrayBuffers: their bytes are copied, then they are
 * detached.
 * @returns what Record.toHost does
 */
export function serializeForHost(message, transferList) {
  for (let i = 0; i < transferList.length; i++) {
    if (!isArrayBuffer(transferList[i])) {
      throw dataCloneError(`The object at index ${i} of the transfer list cannot be transferred to another worker.`);
    }
  }
  const record = structuredSerialize(message);
  structuredSerializeWithTransfer(null, transferList);
  return record.toHost();
}

/** The value of what `serializeForHost` gave to the host, in this realm or another; it can be had once. */
export const deserializeFromHost = (message) => structuredDeserialize(Record.fromHost(message));

// https://html.spec.whatwg.org/#safe-passing-of-structured-data
import {
  ArrayBufferPrototypeGetDetached,
  ArrayBufferPrototypeTransfer,
  ArrayPrototypeIndexOf,
} from "../infra/primordials.js";
import { isArrayBuffer } from "../webidl/types.js";
import { Deserializer } from "./deserialize.js";
import {} from "./dom_exception.js";
import { dataCloneError } from "./record.js";
import { transferableOf } from "./registry.js";
import { Serializer } from "./serialize.js";

/**
 * https://html.spec.whatwg.org/#structuredserialize, and #structuredserializeforstorage: they differ in shared memory,
 * which service workers do not have.
 */
export function structuredSerialize(value) {
  return new Serializer().serialize(value);
}

/** https://html.spec.whatwg.org/#structureddeserialize. The record is used up: deserialize its copies otherwise. */
export function structuredDeserialize(record) {
  return new Deserializer(record).deserialize();
}

// An ArrayBuffer stands beside the transferable interfaces: it is one of the language.
const arrayBuffers = {
  isDetached: ArrayBufferPrototypeGetDetached,
  transfer: (buffer) => ArrayBufferPrototypeTransfer(buffer),
  receive: (buffer) => buffer,
};

const howToTransfer = (object) => (isArrayBuffer(object) ? arrayBuffers : transferableOf(object));

/** What the specification checks before it serializes anything. */
function checkTransferList(transferList) {
  for (let i = 0; i < transferList.length; i++) {
    if (howToTransfer(transferList[i]) === null) {
      throw dataCloneError(`The object at index ${i} of the transfer list is not transferable.`);
    }
    if (ArrayPrototypeIndexOf(transferList, transferList[i]) < i) {
      throw dataCloneError(`The object at index ${i} of the transfer list is in there twice.`);
    }
  }
}

function detach(object, index) {
  const { isDetached, transfer, receive } = howToTransfer(object);
  if (isDetached(object)) throw dataCloneError(`The object at index ${index} of the transfer list is detached.`);
  return { receive, holder: transfer(object) };
}

/** https://html.spec.whatwg.org/#structuredserializewithtransfer */
export function structuredSerializeWithTransfer(value, transferList) {
  checkTransferList(transferList);
  const record = new Serializer(transferList).serialize(value);
  for (let i = 0; i < transferList.length; i++) record.transferred[i] = detach(transferList[i], i);
  return record;
}

/** https://html.spec.whatwg.org/#structureddeserializewithtransfer: { value, transferred } */
export function structuredDeserializeWithTransfer(record) {
  const transferred = [];
  for (let i = 0; i < record.transferred.length; i++) {
    const { receive, holder } = record.transferred[i];
    transferred[i] = receive(holder);
  }
  return { value: new Deserializer(record, transferred).deserialize(), transferred };
}

/** https://html.spec.whatwg.org/#dom-structuredclone */
export function structuredClone(value, transferList) {
  return structuredDeserializeWithTransfer(structuredSerializeWithTransfer(value, transferList)).value;
}

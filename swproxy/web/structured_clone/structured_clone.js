// https://html.spec.whatwg.org/#safe-passing-of-structured-data
import { ArrayBufferPrototypeGetDetached, ArrayBufferPrototypeTransfer, SafeMap } from "../infra/primordials.js";
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

/**
 * What the specification checks before it serializes anything.
 * @returns { transfers, portCount }: object -> { declaration, place } (see Serializer) with null for the declaration of
 *   an ArrayBuffer, and how many of the objects are ports
 */
function plan(transferList) {
  const transfers = new SafeMap();
  let portCount = 0;
  for (let i = 0; i < transferList.length; i++) {
    const object = transferList[i];
    const declaration = isArrayBuffer(object) ? null : transferableOf(object);
    if (declaration === null && !isArrayBuffer(object)) {
      throw dataCloneError(`The object at index ${i} of the transfer list is not transferable.`);
    }
    if (transfers.has(object))
      throw dataCloneError(`The object at index ${i} of the transfer list is in there twice.`);
    transfers.set(object, { declaration, place: declaration?.name === "MessagePort" ? portCount++ : null });
  }
  return { transfers, portCount };
}

/** Detaches an object and puts what it was into the record. */
function transfer(object, { declaration, place }, record) {
  if (declaration === null) {
    const buffer = ArrayBufferPrototypeTransfer(object);
    if (place !== null) record.setPart(place, buffer);
    return;
  }
  const endpoints = declaration.transfer(object);
  for (let i = 0; i < endpoints.length; i++) {
    if (place === null) endpoints[i].close();
    else record.transferred[place + i] = endpoints[i];
  }
}

/** https://html.spec.whatwg.org/#structuredserializewithtransfer */
export function structuredSerializeWithTransfer(value, transferList) {
  if (transferList.length === 0) return structuredSerialize(value);
  const { transfers, portCount } = plan(transferList);
  const record = new Serializer(transfers, portCount).serialize(value);
  for (let i = 0; i < transferList.length; i++) {
    const object = transferList[i];
    const how = transfers.get(object);
    const isDetached = how.declaration?.isDetached ?? ArrayBufferPrototypeGetDetached;
    if (isDetached(object)) throw dataCloneError(`The object at index ${i} of the transfer list is detached.`);
    transfer(object, how, record);
  }
  return record;
}

/**
 * https://html.spec.whatwg.org/#structureddeserializewithtransfer: { value, ports }, of which the ports are those
 * MessagePorts that were transferred.
 */
export function structuredDeserializeWithTransfer(record) {
  const endpoints = record.transferred;
  if (endpoints.length === 0) return { value: structuredDeserialize(record), ports: [] };
  const { MessagePort } = load("../messaging/message_port.js");
  const received = [];
  for (let i = 0; i < endpoints.length; i++) received[i] = new MessagePort(endpoints[i]);
  let value;
  try {
    value = new Deserializer(record, received).deserialize();
  } catch (error) {
    for (let i = 0; i < endpoints.length; i++) endpoints[i].close();
    throw error;
  }
  const ports = [];
  for (let i = 0; i < received.length; i++) {
    if (!MessagePort.isDetached(received[i])) ports[ports.length] = received[i]; // a stream's is its own
  }
  return { value, ports };
}

/** https://html.spec.whatwg.org/#dom-structuredclone */
export function structuredClone(value, transferList) {
  return structuredDeserializeWithTransfer(structuredSerializeWithTransfer(value, transferList)).value;
}

// https://webidl.spec.whatwg.org/#idl-DOMException: its serialization and deserialization steps
import {
  DOMExceptionConstructor,
  DOMExceptionPrototypeGetMessage,
  DOMExceptionPrototypeGetName,
  ObjectDefineProperty,
  ReflectGetOwnPropertyDescriptor,
} from "../infra/primordials.js";
import { registerSerializable } from "./registry.js";

function isDOMException(value) {
  try {
    DOMExceptionPrototypeGetName(value);
    return true;
  } catch {
    return false;
  }
}

export function serialize(exception) {
  const stack = ReflectGetOwnPropertyDescriptor(exception, "stack")?.value;
  const fields = [
    DOMExceptionPrototypeGetName(exception),
    DOMExceptionPrototypeGetMessage(exception),
    typeof stack === "string" ? stack : null,
  ];
  return { fields, bodies: [] };
}

function deserialize({ 0: name, 1: message, 2: stack }) {
  return restoreStack(new DOMExceptionConstructor(message, name), stack);
}

/** The exception, with the stack that it had when it was serialized. */
export function restoreStack(exception, stack) {
  delete exception.stack; // that of this place
  if (stack !== null) {
    ObjectDefineProperty(exception, "stack", { __proto__: null, value: stack, writable: true, configurable: true });
  }
  return exception;
}

registerSerializable("DOMException", isDOMException, serialize, deserialize);

// https://webidl.spec.whatwg.org/#idl-DOMException: the engine's own, whose attributes it leaves unenumerable.
import {
  DOMExceptionConstructor,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
} from "../infra/primordials.js";

const { prototype } = DOMExceptionConstructor;
const names = ["name", "message", "code"];
for (let i = 0; i < names.length; i++) {
  const { get, set } = ObjectGetOwnPropertyDescriptor(prototype, names[i]);
  ObjectDefineProperty(prototype, names[i], { __proto__: null, get, set, enumerable: true, configurable: true });
}

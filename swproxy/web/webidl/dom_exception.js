// https://webidl.spec.whatwg.org/#idl-DOMException: the engine's own, whose attributes it leaves unenumerable and whose
// constructor it gives a length, though no argument is required.
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
ObjectDefineProperty(DOMExceptionConstructor, "length", { __proto__: null, value: 0, configurable: true });

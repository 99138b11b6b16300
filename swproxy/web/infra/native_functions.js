// The functions of the platform are built-in functions, and have no source to show
// (https://tc39.es/ecma262/#sec-function.prototype.tostring): libraries ask that of fetch() before they trust it.
import {
  ErrorConstructor,
  FunctionPrototype,
  FunctionPrototypeToString,
  ObjectDefineProperty,
  ObjectPrototype,
  ReflectGetOwnPropertyDescriptor,
  ReflectOwnKeys,
  SafeWeakSet,
  StringPrototypeEndsWith,
  StringPrototypeSlice,
} from "./primordials.js";

const native = new SafeWeakSet();

export function hideSource(f) {
  if (typeof f === "function") native.add(f);
}

/** Hides the source of an object's methods, getters and setters. */
export function hideSources(object) {
  const keys = ReflectOwnKeys(object);
  for (let i = 0; i < keys.length; i++) {
    const { value, get, set } = ReflectGetOwnPropertyDescriptor(object, keys[i]);
    hideSource(value);
    hideSource(get);
    hideSource(set);
  }
}

function nameOf(f) {
  const name = ReflectGetOwnPropertyDescriptor(f, "name")?.value;
  return typeof name === "string" ? name : "";
}

// The engine's body of its own functions, and that of other engines: to be told by one pattern, all have the same.
const ENGINES_BODY = "{\n    [native code]\n}";
const BODY = "{ [native code] }";

const { toString } = {
  toString() {
    if (native.has(this)) return `function ${nameOf(this)}() ${BODY}`;
    const text = FunctionPrototypeToString(this);
    if (!StringPrototypeEndsWith(text, ENGINES_BODY)) return text;
    return StringPrototypeSlice(text, 0, -ENGINES_BODY.length) + BODY;
  },
};
ObjectDefineProperty(FunctionPrototype, "toString", { __proto__: null, value: toString });
hideSource(toString);
// Those that bootstrap.js watches.
hideSource(ErrorConstructor.prototype.toString);
hideSource(ObjectPrototype.toString);

// Which internal slots an object has, as far as structured clone tells objects apart by them. The language asks for
// a slot by a method that throws where there is none, which is slow: an object's prototypes say what to ask for.
import {
  ArrayBufferConstructor,
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayIsArray,
  ArrayPrototypeValues,
  BigIntConstructor,
  BigIntPrototypeValueOf,
  BooleanConstructor,
  BooleanPrototypeValueOf,
  DataViewConstructor,
  DateConstructor,
  DatePrototypeGetTime,
  DOMExceptionConstructor,
  DOMExceptionPrototypeGetName,
  ErrorConstructor,
  ErrorIsError,
  MapConstructor,
  MapPrototypeGetSize,
  NumberConstructor,
  NumberPrototypeValueOf,
  ObjectGetPrototypeOf,
  ObjectHasOwn,
  ObjectPrototype,
  ObjectPrototypeToString,
  PromiseConstructor,
  RegExpConstructor,
  RegExpPrototypeGetSource,
  SafeFinalizationRegistry,
  SafeMap,
  SafeSet,
  SafeWeakMap,
  SafeWeakRef,
  SafeWeakSet,
  SetConstructor,
  SetPrototypeGetSize,
  StringConstructor,
  StringPrototypeValueOf,
  SymbolConstructor,
  SymbolIterator,
  SymbolPrototypeValueOf,
  Uint8ArrayConstructor,
} from "../infra/primordials.js";
import { implementationOf } from "../webidl/interface.js";
import { isProxy } from "./proxies.js";

const kinds = new SafeMap(); // prototype -> { name, has }

function define(name, prototype, has) {
  kinds.set(prototype, { name, has });
}

/** Whether the getter or method does not throw for a value. */
const accepts = (method) => (value) => {
  try {
    method(value);
    return true;
  } catch {
    return false;
  }
};

define("Boolean", BooleanConstructor.prototype, accepts(BooleanPrototypeValueOf));
define("Number", NumberConstructor.prototype, accepts(NumberPrototypeValueOf));
define("BigInt", BigIntConstructor.prototype, accepts(BigIntPrototypeValueOf));
define("String", StringConstructor.prototype, accepts(StringPrototypeValueOf));
define("Symbol", SymbolConstructor.prototype, accepts(SymbolPrototypeValueOf));
define("Date", DateConstructor.prototype, accepts(DatePrototypeGetTime));
define("RegExp", RegExpConstructor.prototype, accepts(RegExpPrototypeGetSource));
define("ArrayBuffer", ArrayBufferConstructor.prototype, accepts(ArrayBufferPrototypeGetByteLength));
define("ArrayBufferView", ObjectGetPrototypeOf(Uint8ArrayConstructor).prototype, ArrayBufferIsView);
define("ArrayBufferView", DataViewConstructor.prototype, ArrayBufferIsView);
define("Map", MapConstructor.prototype, accepts(MapPrototypeGetSize));
define("Set", SetConstructor.prototype, accepts(SetPrototypeGetSize));
define("Error", ErrorConstructor.prototype, ErrorIsError);
define("platform object", DOMExceptionConstructor.prototype, accepts(DOMExceptionPrototypeGetName));

// These cannot be cloned. What only inherits from their prototypes is too rare to be told apart from them.
const always = () => true;
const copiedFrom = (SafeCopy) => ObjectGetPrototypeOf(SafeCopy).prototype;
define("Promise", PromiseConstructor.prototype, always);
define("WeakMap", copiedFrom(SafeWeakMap), always);
define("WeakSet", copiedFrom(SafeWeakSet), always);
define("WeakRef", copiedFrom(SafeWeakRef), always);
define("FinalizationRegistry", copiedFrom(SafeFinalizationRegistry), always);
define("Generator", ObjectGetPrototypeOf(function* () {}.prototype), always);
define("AsyncGenerator", ObjectGetPrototypeOf(async function* () {}.prototype), always);
define("Array Iterator", ObjectGetPrototypeOf(ArrayPrototypeValues([])), always);
define("Map Iterator", ObjectGetPrototypeOf(new SafeMap().values()), always);
define("Set Iterator", ObjectGetPrototypeOf(new SafeSet().values()), always);

/**
 * What an object is to structured clone: "Array", "Object" for an ordinary object, "platform object", "Proxy", or the
 * name of the language's class whose internal slots it has.
 */
export function kindOf(object) {
  if (isProxy(object)) return "Proxy";
  if (ArrayIsArray(object)) return "Array";
  let prototype = ObjectGetPrototypeOf(object);
  while (prototype !== null && prototype !== ObjectPrototype && !isProxy(prototype)) {
    const kind = kinds.get(prototype);
    if (kind !== undefined && kind.has(object)) return kind.name;
    if (implementationOf(prototype)?.is(object)) return "platform object";
    prototype = ObjectGetPrototypeOf(prototype);
  }
  const mayBeArguments = ObjectHasOwn(object, SymbolIterator);
  return mayBeArguments && ObjectPrototypeToString(object) === "[object Arguments]" ? "Arguments" : "Object";
}

// The language's own functions, taken before any script of a site runs: a site that replaces one breaks itself
// and not the runtime. Methods take their object as the first argument.

const { apply, construct: construct_, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { bind, call } = Function.prototype;
const uncurryThis = bind.bind(call);

/** The getter of an accessor property as a function. */
const getterOf = (object, key) => uncurryThis(getOwnPropertyDescriptor(object, key).get);

export const ReflectObject = Reflect;
export const ReflectApply = apply;
export const ReflectConstruct = construct_;
export const ReflectDefineProperty = defineProperty;
export const ReflectGetOwnPropertyDescriptor = getOwnPropertyDescriptor;
export const ReflectOwnKeys = ownKeys;
export const ReflectSetPrototypeOf = Reflect.setPrototypeOf;
export const ReflectHas = Reflect.has;

export const ObjectConstructor = Object;
export const ObjectAssign = Object.assign;
export const ObjectCreate = Object.create;
export const ObjectDefineProperties = Object.defineProperties;
export const ObjectDefineProperty = Object.defineProperty;
export const ObjectEntries = Object.entries;
export const ObjectFreeze = Object.freeze;
export const ObjectGetOwnPropertyDescriptor = Object.getOwnPropertyDescriptor;
export const ObjectGetOwnPropertyDescriptors = Object.getOwnPropertyDescriptors;
export const ObjectGetOwnPropertyNames = Object.getOwnPropertyNames;
export const ObjectGetPrototypeOf = Object.getPrototypeOf;
export const ObjectHasOwn = Object.hasOwn;
export const ObjectKeys = Object.keys;
export const ObjectPrototype = Object.prototype;
export const ObjectPrototypeLookupGetter = uncurryThis(Object.prototype.__lookupGetter__);
export const ObjectPrototypeToString = uncurryThis(Object.prototype.toString);
export const ObjectSetPrototypeOf = Object.setPrototypeOf;
export const ObjectPrototypePropertyIsEnumerable = uncurryThis(Object.prototype.propertyIsEnumerable);

export const FunctionPrototype = Function.prototype;
export const FunctionPrototypeBind = uncurryThis(bind);
export const FunctionPrototypeToString = uncurryThis(Function.prototype.toString);
export const FunctionPrototypeSymbolHasInstance = uncurryThis(Function.prototype[Symbol.hasInstance]);

export const ArrayIsArray = Array.isArray;
export const ArrayPrototype = Array.prototype;
export const ArrayPrototypeIncludes = uncurryThis(Array.prototype.includes);
export const ArrayPrototypeIndexOf = uncurryThis(Array.prototype.indexOf);
export const ArrayPrototypeJoin = uncurryThis(Array.prototype.join);
export const ArrayPrototypePush = uncurryThis(Array.prototype.push);
export const ArrayPrototypeShift = uncurryThis(Array.prototype.shift);
export const ArrayPrototypeSlice = uncurryThis(Array.prototype.slice);
export const ArrayPrototypeSort = uncurryThis(Array.prototype.sort);
export const ArrayPrototypeSplice = uncurryThis(Array.prototype.splice);
export const ArrayPrototypeUnshift = uncurryThis(Array.prototype.unshift);
/** Itself, not made a function of its object: for interfaces that have the iterator of arrays. */
export const ArrayPrototypeSymbolIterator = Array.prototype[Symbol.iterator];
export const ArrayPrototypeValues = uncurryThis(Array.prototype.values);

const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
export const IteratorPrototype = iteratorPrototype;
export const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype);

export const StringConstructor = String;
export const StringFromCharCode = String.fromCharCode;
export const StringPrototypeCharCodeAt = uncurryThis(String.prototype.charCodeAt);
export const StringPrototypeEndsWith = uncurryThis(String.prototype.endsWith);
export const StringPrototypeIncludes = uncurryThis(String.prototype.includes);
export const StringPrototypeIndexOf = uncurryThis(String.prototype.indexOf);
export const StringPrototypeIsWellFormed = uncurryThis(String.prototype.isWellFormed);
export const StringPrototypePadStart = uncurryThis(String.prototype.padStart);
export const StringPrototypeRepeat = uncurryThis(String.prototype.repeat);
export const StringPrototypeSlice = uncurryThis(String.prototype.slice);
export const StringPrototypeSplit = uncurryThis(String.prototype.split);
export const StringPrototypeStartsWith = uncurryThis(String.prototype.startsWith);
export const StringPrototypeToLowerCase = uncurryThis(String.prototype.toLowerCase);
export const StringPrototypeToUpperCase = uncurryThis(String.prototype.toUpperCase);
export const StringPrototypeToWellFormed = uncurryThis(String.prototype.toWellFormed);
export const StringPrototypeTrim = uncurryThis(String.prototype.trim);
export const StringPrototypeValueOf = uncurryThis(String.prototype.valueOf);

const regExpExec = uncurryThis(RegExp.prototype.exec);
/** Whether the regular expression, which must have no "g" or "y" flag, matches. */
export const RegExpPrototypeTest = (pattern, string) => regExpExec(pattern, string) !== null;
export const RegExpPrototypeExec = regExpExec;
export const RegExpConstructor = RegExp;
export const RegExpPrototypeToString = uncurryThis(RegExp.prototype.toString);
export const RegExpPrototypeGetSource = getterOf(RegExp.prototype, "source");
/** { flag, isSet } of each flag, in the order of `flags`, which itself asks the object's properties. */
export const RegExpFlags = [
  { flag: "d", isSet: getterOf(RegExp.prototype, "hasIndices") },
  { flag: "g", isSet: getterOf(RegExp.prototype, "global") },
  { flag: "i", isSet: getterOf(RegExp.prototype, "ignoreCase") },
  { flag: "m", isSet: getterOf(RegExp.prototype, "multiline") },
  { flag: "s", isSet: getterOf(RegExp.prototype, "dotAll") },
  { flag: "u", isSet: getterOf(RegExp.prototype, "unicode") },
  { flag: "v", isSet: getterOf(RegExp.prototype, "unicodeSets") },
  { flag: "y", isSet: getterOf(RegExp.prototype, "sticky") },
];

export const DecodeURIComponent = decodeURIComponent;
export const EncodeURIComponent = encodeURIComponent;
export const Escape = escape;
export const ParseFloat = parseFloat;
export const ParseInt = parseInt;
export const Unescape = unescape;

export const NumberConstructor = Number;
export const NumberIsFinite = Number.isFinite;
export const NumberIsInteger = Number.isInteger;
export const NumberIsNaN = Number.isNaN;
export const NumberMAX_SAFE_INTEGER = Number.MAX_SAFE_INTEGER;
export const NumberPrototypeToString = uncurryThis(Number.prototype.toString);
export const NumberPrototypeValueOf = uncurryThis(Number.prototype.valueOf);
export const BooleanConstructor = Boolean;
export const BooleanPrototypeValueOf = uncurryThis(Boolean.prototype.valueOf);
export const BigIntAsIntN = BigInt.asIntN;
export const BigIntAsUintN = BigInt.asUintN;
export const BigIntConstructor = BigInt;
export const BigIntPrototypeValueOf = uncurryThis(BigInt.prototype.valueOf);
export const MathObject = Math;
export const MathAbs = Math.abs;
export const MathAtan2 = Math.atan2;
export const MathCos = Math.cos;
export const MathFloor = Math.floor;
export const MathFround = Math.fround;
export const MathMax = Math.max;
export const MathMin = Math.min;
export const MathPI = Math.PI;
export const MathPow = Math.pow;
export const MathSign = Math.sign;
export const MathSin = Math.sin;
export const MathSqrt = Math.sqrt;
export const MathTan = Math.tan;
export const MathTrunc = Math.trunc;

export const SymbolConstructor = Symbol;
export const SymbolPrototypeValueOf = uncurryThis(Symbol.prototype.valueOf);
export const SymbolAsyncIterator = Symbol.asyncIterator;
export const SymbolHasInstance = Symbol.hasInstance;
export const SymbolIterator = Symbol.iterator;
export const SymbolToStringTag = Symbol.toStringTag;
export const SymbolUnscopables = Symbol.unscopables;

export const DateConstructor = Date;
export const DateNow = Date.now;
export const DatePrototypeGetTime = uncurryThis(Date.prototype.getTime);
export const DatePrototypeToISOString = uncurryThis(Date.prototype.toISOString);
export const JSONParse = JSON.parse;
export const JSONStringify = JSON.stringify;

export const ArrayBufferConstructor = ArrayBuffer;
export const ArrayBufferIsView = ArrayBuffer.isView;
export const ArrayBufferPrototypeGetByteLength = getterOf(ArrayBuffer.prototype, "byteLength");
export const ArrayBufferPrototypeGetDetached = getterOf(ArrayBuffer.prototype, "detached");
export const ArrayBufferPrototypeGetMaxByteLength = getterOf(ArrayBuffer.prototype, "maxByteLength");
export const ArrayBufferPrototypeGetResizable = getterOf(ArrayBuffer.prototype, "resizable");
export const ArrayBufferPrototypeResize = uncurryThis(ArrayBuffer.prototype.resize);
export const ArrayBufferPrototypeSlice = uncurryThis(ArrayBuffer.prototype.slice);
export const ArrayBufferPrototypeTransfer = uncurryThis(ArrayBuffer.prototype.transfer);
export const DataViewConstructor = DataView;
export const DataViewPrototypeGetBuffer = getterOf(DataView.prototype, "buffer");
export const DataViewPrototypeGetByteLength = getterOf(DataView.prototype, "byteLength");
export const DataViewPrototypeGetByteOffset = getterOf(DataView.prototype, "byteOffset");
const TypedArray = Object.getPrototypeOf(Uint8Array);
export const TypedArrayPrototypeGetBuffer = getterOf(TypedArray.prototype, "buffer");
export const TypedArrayPrototypeGetByteLength = getterOf(TypedArray.prototype, "byteLength");
export const TypedArrayPrototypeGetByteOffset = getterOf(TypedArray.prototype, "byteOffset");
export const TypedArrayPrototypeGetLength = getterOf(TypedArray.prototype, "length");
export const TypedArrayPrototypeGetSymbolToStringTag = getterOf(TypedArray.prototype, Symbol.toStringTag);
export const TypedArrayPrototypeSet = uncurryThis(TypedArray.prototype.set);
export const TypedArrayPrototypeSlice = uncurryThis(TypedArray.prototype.slice);
export const TypedArrayPrototypeSubarray = uncurryThis(TypedArray.prototype.subarray);
export const Uint8ArrayConstructor = Uint8Array;
export const Uint16ArrayConstructor = Uint16Array;
export const Int32ArrayConstructor = Int32Array;
export const Uint32ArrayConstructor = Uint32Array;

/** The constructors of the typed arrays by their names. */
export const TypedArrayConstructors = {
  __proto__: null,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Float16Array,
  Float32Array,
  Float64Array,
};

export const ErrorConstructor = Error;
export const ErrorIsError = Error.isError;
export const EvalErrorConstructor = EvalError;
export const RangeErrorConstructor = RangeError;
export const ReferenceErrorConstructor = ReferenceError;
export const SyntaxErrorConstructor = SyntaxError;
export const TypeErrorConstructor = TypeError;
export const URIErrorConstructor = URIError;
export const DOMExceptionConstructor = DOMException;
export const DOMExceptionPrototypeGetMessage = getterOf(DOMException.prototype, "message");
export const DOMExceptionPrototypeGetName = getterOf(DOMException.prototype, "name");

export const PromiseConstructor = Promise;
export const PromisePrototypeThen = uncurryThis(Promise.prototype.then);
export const PromiseResolve = Promise.resolve.bind(Promise);
export const PromiseReject = Promise.reject.bind(Promise);
export const PromiseWithResolvers = Promise.withResolvers.bind(Promise);
/** The engine's own: for steps that cannot throw, which would leave the engine unusable. */
export const queueMicrotask = globalThis.queueMicrotask;
const { then } = Promise.prototype;

/**
 * Runs the steps when the promise is fulfilled or rejected, whatever the site has made of ``then``. Steps that throw
 * are reported as an unhandled rejection.
 */
export function upon(promise, onFulfilled, onRejected) {
  apply(then, promise, [onFulfilled, onRejected]);
}

/** A promise that the site will hear of in another way if it is rejected. */
export function markAsHandled(promise) {
  apply(then, promise, [undefined, ignore]);
  return promise;
}

function ignore() {}

// Collections whose methods are their own properties and cannot be replaced.
function safe(Original) {
  const Copy = class extends Original {};
  const keys = ownKeys(Original.prototype);
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] !== "constructor") {
      defineProperty(Copy.prototype, keys[i], getOwnPropertyDescriptor(Original.prototype, keys[i]));
    }
  }
  Object.setPrototypeOf(Copy.prototype, null);
  return Object.freeze(Copy);
}
export const SafeMap = safe(Map);
export const SafeSet = safe(Set);
export const SafeWeakMap = safe(WeakMap);
export const SafeWeakSet = safe(WeakSet);
export const SafeWeakRef = safe(WeakRef);
export const SafeFinalizationRegistry = safe(FinalizationRegistry);

export const MapConstructor = Map;
export const MapPrototypeGetSize = getterOf(Map.prototype, "size");
export const MapPrototypeSet = uncurryThis(Map.prototype.set);
export const SetConstructor = Set;
export const SetPrototypeAdd = uncurryThis(Set.prototype.add);
export const SetPrototypeGetSize = getterOf(Set.prototype, "size");

const mapIteratorNext = uncurryThis(Object.getPrototypeOf(new Map().values()).next);
const mapPrototypeValues = uncurryThis(Map.prototype.values);
const mapPrototypeKeys = uncurryThis(Map.prototype.keys);
const setIteratorNext = uncurryThis(Object.getPrototypeOf(new Set().values()).next);
const setPrototypeValues = uncurryThis(Set.prototype.values);

function drained(iterator, next) {
  const list = [];
  for (;;) {
    const { done, value } = next(iterator);
    if (done) return list;
    list[list.length] = value;
  }
}

/** The values of a Map, in an array. */
export const MapValues = (map) => drained(mapPrototypeValues(map), mapIteratorNext);
/** The keys of a Map, in an array. */
export const MapKeys = (map) => drained(mapPrototypeKeys(map), mapIteratorNext);
/** The values of a Set, in an array. */
export const SetValues = (set) => drained(setPrototypeValues(set), setIteratorNext);

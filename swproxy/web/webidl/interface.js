// Web IDL interfaces (https://webidl.spec.whatwg.org/#js-interfaces): a plain class with converted arguments, its
// declaration, and what defineInterface makes of both: the constructor that scripts see.
import {
  ArrayIsArray,
  DOMExceptionConstructor,
  FunctionPrototype,
  IteratorPrototype,
  ObjectCreate,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPrototype,
  ObjectSetPrototypeOf,
  PromiseReject,
  ReflectApply,
  ReflectConstruct,
  SafeMap,
  SymbolAsyncIterator,
  SymbolIterator,
  SymbolToStringTag,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { hideSource, hideSources } from "../infra/native_functions.js";
import { isObject, Place } from "./types.js";

/** class -> the constructor that stands for it before scripts */
const constructors = new SafeMap();
constructors.set(DOMExceptionConstructor, DOMExceptionConstructor); // the engine's own
/** interface prototype object -> class */
const implementations = new SafeMap();
/** name -> constructor, of all interfaces that are exposed so far and not yet on the global object */
export const exposed = new SafeMap();

const noDefault = { __proto__: null };

/** An argument that may be left out; with a default, that is what an omitted one becomes. */
export const optional = (type, defaultValue = noDefault) => ({ type, optional: true, defaultValue });
/** The last argument, any number of times. */
export const variadic = (type) => ({ type, variadic: true });

/**
 * An operation whose declaration depends on how it is called.
 * @param choose (arguments) -> the list of argument types
 * @param length the smallest number of arguments
 */
export const overloaded = (length, choose) => ({ length, choose });

/** An operation or attribute that returns a promise: what it throws rejects the promise. */
export const promising = (types) => ({ types, promising: true });

class Signature {
  constructor(types) {
    this.types = types;
    this.choose = types.choose;
    this.required = types.length;
    if (!this.choose) {
      let required = 0;
      while (required < types.length && !types[required].optional && !types[required].variadic) required++;
      this.required = required;
    }
  }

  convert(values, place) {
    if (values.length < this.required) {
      const count = this.required === 1 ? "1 argument" : `${this.required} arguments`;
      throw new TypeErrorConstructor(`${place.prefix}: ${count} required, but only ${values.length} present.`);
    }
    const types = this.choose ? this.choose(values) : this.types;
    const converted = [];
    for (let i = 0; i < types.length; i++) {
      const argument = types[i];
      place.index = i;
      if (argument.variadic) {
        for (let j = i; j < values.length; j++) {
          place.index = j;
          converted[j] = argument.type.convert(values[j], place);
        }
      } else if (argument.optional) {
        if (values[i] !== undefined) converted[i] = argument.type.convert(values[i], place);
        else if (argument.defaultValue !== noDefault) converted[i] = argument.defaultValue;
        else if (argument.type.dictionary && !argument.type.types) {
          converted[i] = argument.type.convert(undefined, place);
        } else converted[i] = undefined;
      } else {
        converted[i] = argument.convert(values[i], place);
      }
    }
    return converted;
  }
}

function define(target, name, value, enumerable = true) {
  ObjectDefineProperty(target, name, { __proto__: null, value, writable: true, enumerable, configurable: true });
}

function rename(f, name, length) {
  ObjectDefineProperty(f, "name", { __proto__: null, value: name, configurable: true });
  ObjectDefineProperty(f, "length", { __proto__: null, value: length, configurable: true });
  return f;
}

/** The class of the interface that has this prototype object; undefined if none has. */
export const implementationOf = (prototype) => implementations.get(prototype);

const illegal = () => new TypeErrorConstructor("Illegal invocation");

/** `this` of an operation called without an object is the global object. */
const receiver = (self) => (self === undefined || self === null ? globalThis : self);

/** What calling an operation does. One object: each variable that a closure keeps is one more for the collector. */
class Operation {
  constructor(declaration, method, place, is) {
    this.rejects = declaration.promising === true;
    this.signature = new Signature(this.rejects ? declaration.types : declaration);
    this.method = method;
    this.place = place;
    this.is = is; // null for a static one
  }

  call(self, values) {
    try {
      if (this.is !== null) {
        self = receiver(self);
        if (!this.is(self)) throw illegal();
      }
      return ReflectApply(this.method, self, this.signature.convert(values, this.place));
    } catch (error) {
      if (this.rejects) return PromiseReject(error);
      throw error;
    }
  }
}

function operation(name, declaration, method, { interfaceName, is, isStatic = false }) {
  if (declaration.length === 0 && !declaration.choose && !isStatic) return method; // nothing to convert
  const place = new Place(`Failed to execute '${name}' on '${interfaceName}'`);
  const called = new Operation(declaration, method, place, isStatic ? null : is);
  const body = {
    body(...values) {
      return called.call(this, values);
    },
  }.body;
  return rename(body, name, called.signature.required);
}

// The getter that the class has is used as it is: reading a private field of something else throws a TypeError.
function attribute(target, name, type, { interfaceName, is }) {
  const { get, set } = ObjectGetOwnPropertyDescriptor(target, name);
  const descriptor = { __proto__: null, get, set, enumerable: true, configurable: true };
  if (type?.promising) {
    const getter = {
      body() {
        return is(this) ? ReflectApply(get, this, []) : PromiseReject(illegal());
      },
    }.body;
    descriptor.get = rename(getter, `get ${name}`, 0);
  }
  if (set) {
    const place = new Place(`Failed to set the '${name}' property on '${interfaceName}'`, false);
    const setter = {
      body(value) {
        const self = receiver(this);
        if (!is(self)) throw illegal();
        if (type.values && !type.values.has(`${value}`)) return; // an enumeration ignores what it does not know
        ReflectApply(set, self, [type.convert(value, place)]);
      },
    }.body;
    descriptor.set = rename(setter, `set ${name}`, 1);
  }
  ObjectDefineProperty(target, name, descriptor);
}

/**
 * Makes the interface object for a class.
 *
 * The class has a static method is(value), and may have a static method construct(...converted) which gives
 * the arguments of its constructor; without it the converted arguments are those.
 *
 * @param implementation the class; `new implementation(...)` makes instances without conversions
 * @param declaration
 *   name: the interface's name, by default that of the class;
 *   exposed: false for one that scripts cannot name;
 *   constructor: argument types, absent if scripts cannot construct it;
 *   operations, statics: name -> argument types, or promising(argument types);
 *   attributes: names of read-only attributes, name -> type of others (promising() for read-only promises);
 *   constants: name -> number;
 *   iterable: "pairs", with a static method pairs(object) that lists the [key, value] as they are now;
 *   asyncIterable: the argument types of values(), with a static method asyncIterator(object, arguments): it gives an
 *     iterator with next(), a promise of a value or of endOfIteration (async_iterable.js), and return(value), a promise;
 *   stringifier: the name of the attribute that is the stringification.
 */
export function defineInterface(implementation, declaration) {
  ObjectSetPrototypeOf(declaration, null); // a site may have put anything on that of all objects
  const name = declaration.name ?? implementation.name;
  const { prototype } = implementation;
  const at = { interfaceName: name, is: implementation.is };

  const { readonly = [], attributes = {}, operations = {}, statics = {}, constants = {} } = declaration;
  for (let i = 0; i < readonly.length; i++) attribute(prototype, readonly[i], undefined, at);
  let names = ObjectKeys(attributes);
  for (let i = 0; i < names.length; i++) attribute(prototype, names[i], attributes[names[i]], at);
  names = ObjectKeys(operations);
  for (let i = 0; i < names.length; i++) {
    define(prototype, names[i], operation(names[i], operations[names[i]], prototype[names[i]], at));
  }

  const constructor = makeConstructor(name, implementation, declaration.constructor);
  names = ObjectKeys(statics);
  for (let i = 0; i < names.length; i++) {
    const key = names[i];
    define(constructor, key, operation(key, statics[key], implementation[key], { ...at, isStatic: true }));
  }
  names = ObjectKeys(constants);
  for (let i = 0; i < names.length; i++) {
    const constant = { __proto__: null, value: constants[names[i]], enumerable: true };
    ObjectDefineProperty(constructor, names[i], constant);
    ObjectDefineProperty(prototype, names[i], constant);
  }
  ObjectDefineProperty(prototype, SymbolToStringTag, { __proto__: null, value: name, configurable: true });
  if (declaration.stringifier) {
    const { get } = ObjectGetOwnPropertyDescriptor(prototype, declaration.stringifier);
    define(
      prototype,
      "toString",
      rename(
        {
          body() {
            return ReflectApply(get, this, []);
          },
        }.body,
        "toString",
        0,
      ),
    );
  }
  if (declaration.iterable === "pairs") definePairIterator(implementation, at);
  if (declaration.asyncIterable) {
    const method = load("./async_iterable.js").makeValuesMethod(implementation, name);
    const values = operation("values", declaration.asyncIterable, method, at);
    define(prototype, "values", values);
    define(prototype, SymbolAsyncIterator, values, false);
  }
  hideSources(constructor);
  hideSources(prototype);
  constructors.set(implementation, constructor);
  implementations.set(prototype, implementation);
  if (declaration.exposed !== false) exposed.set(name, constructor);
  return constructor;
}

function makeConstructor(name, implementation, declared) {
  const place = new Place(`Failed to construct '${name}'`);
  // ObjectKeys-style own check: every object inherits something named "constructor".
  const signature = ArrayIsArray(declared) || declared?.choose ? new Signature(declared) : null;
  const constructor = function (...values) {
    if (signature === null) throw new TypeErrorConstructor("Illegal constructor");
    if (new.target === undefined) {
      throw new TypeErrorConstructor(`${place.prefix}: Please use the 'new' operator.`);
    }
    const converted = signature.convert(values, place);
    const { construct } = implementation;
    const given = construct === undefined ? converted : ReflectApply(construct, implementation, converted);
    const object = ReflectConstruct(implementation, given, new.target);
    // A new target without a prototype object: the language would take that of Object.
    if (ObjectGetPrototypeOf(object) === ObjectPrototype && !isObject(new.target.prototype)) {
      ObjectSetPrototypeOf(object, implementation.prototype);
    }
    return object;
  };
  rename(constructor, name, signature?.required ?? 0);
  const { prototype } = implementation;
  ObjectDefineProperty(constructor, "prototype", { __proto__: null, value: prototype, writable: false });
  define(prototype, "constructor", constructor, false);
  const parent = constructors.get(ObjectGetPrototypeOf(implementation));
  ObjectSetPrototypeOf(constructor, parent ?? FunctionPrototype);
  return constructor;
}

/** https://webidl.spec.whatwg.org/#js-iterable for pair iterators */
function definePairIterator(implementation, { interfaceName, is }) {
  const { prototype } = implementation;
  class PairIterator {
    #target;
    #kind;
    #index = 0;

    constructor(target, kind) {
      this.#target = target;
      this.#kind = kind;
    }

    next() {
      const pairs = implementation.pairs(this.#target);
      if (this.#index >= pairs.length) return { value: undefined, done: true };
      const pair = pairs[this.#index++];
      const value = this.#kind === "entries" ? [pair[0], pair[1]] : pair[this.#kind === "keys" ? 0 : 1];
      return { value, done: false };
    }
  }
  const iteratorPrototype = ObjectCreate(IteratorPrototype);
  define(iteratorPrototype, "next", PairIterator.prototype.next);
  hideSource(PairIterator.prototype.next);
  ObjectDefineProperty(iteratorPrototype, SymbolToStringTag, {
    __proto__: null,
    value: `${interfaceName} Iterator`,
    configurable: true,
  });

  function iterate(kind) {
    const body = {
      body() {
        if (!is(this)) throw illegal();
        return ObjectSetPrototypeOf(new PairIterator(this, kind), iteratorPrototype);
      },
    }.body;
    return rename(body, kind, 0);
  }
  const entries = iterate("entries");
  define(prototype, "entries", entries);
  define(prototype, "keys", iterate("keys"));
  define(prototype, "values", iterate("values"));
  define(prototype, SymbolIterator, entries, false);

  const place = new Place(`Failed to execute 'forEach' on '${interfaceName}'`);
  const forEach = {
    forEach(callback, self = undefined) {
      if (!is(this)) throw illegal();
      if (arguments.length < 1) {
        throw new TypeErrorConstructor(`${place.prefix}: 1 argument required, but only 0 present.`);
      }
      if (typeof callback !== "function") {
        throw new TypeErrorConstructor(`${place.prefix}: parameter 1 is not a function.`);
      }
      for (let i = 0; ; i++) {
        const pairs = implementation.pairs(this);
        if (i >= pairs.length) return;
        ReflectApply(callback, self, [pairs[i][1], pairs[i][0], this]);
      }
    },
  }.forEach;
  define(prototype, "forEach", forEach);
  rename(forEach, "forEach", 1);
}

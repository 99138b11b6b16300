// https://webidl.spec.whatwg.org/: what makes a class an interface.
import {
  addListener,
  defineOwn,
  DOMException,
  Event,
  ownDescriptor,
  PromiseReject,
  ReflectApply,
  removeListener,
  SafeMap,
  Symbol,
  TypeError,
  dispatch,
} from "./primordials.js";

export const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

/** What is given for a dictionary. */
export function dictionary(value) {
  if (value === undefined || value === null) return { __proto__: null };
  if (isObject(value)) return value;
  throw new TypeError("The options are no object.");
}

let mayConstruct = false;

/** An object of an interface that scripts cannot construct. */
export function create(Interface, value = undefined) {
  mayConstruct = true;
  return new Interface(value);
}

/** What the constructor of such an interface calls first. */
export function constructing() {
  if (!mayConstruct) throw new TypeError("Illegal constructor");
  mayConstruct = false;
}

/** Makes the members enumerable, and promises of the named operations reject what they would throw. */
export function defineInterface(Interface, { attributes = [], operations = [], promises = [], handlers = [] }) {
  const { prototype } = Interface;
  for (let i = 0; i < attributes.length; i++) enumerable(prototype, attributes[i]);
  for (let i = 0; i < operations.length; i++) enumerable(prototype, operations[i]);
  for (let i = 0; i < promises.length; i++) {
    const method = prototype[promises[i]];
    const { [promises[i]]: promising } = {
      [promises[i]](...values) {
        try {
          return ReflectApply(method, this, values);
        } catch (error) {
          return PromiseReject(error);
        }
      },
    };
    defineOwn(promising, "length", { value: method.length, configurable: true });
    defineOwn(prototype, promises[i], { value: promising, writable: true, enumerable: true, configurable: true });
  }
  for (let i = 0; i < handlers.length; i++) defineHandler(prototype, handlers[i]);
  defineOwn(prototype, Symbol.toStringTag, { value: Interface.name, configurable: true });
}

function enumerable(prototype, name) {
  const descriptor = ownDescriptor(prototype, name);
  descriptor.enumerable = true;
  defineOwn(prototype, name, descriptor);
}

const handlersOf = new WeakMap();

/** https://html.spec.whatwg.org/#event-handler-idl-attributes */
function defineHandler(prototype, type) {
  const name = `on${type}`;
  const descriptor = ownDescriptor(
    {
      get [name]() {
        return handlerOf(this, type)?.callback ?? null;
      },
      set [name](value) {
        const callback = isObject(value) ? value : null;
        const handler = handlerOf(this, type);
        if (handler !== undefined && callback !== null) {
          handler.callback = callback;
          return;
        }
        if (handler !== undefined) removeListener(this, type, handler.listener);
        setHandler(this, type, callback);
        onHandler(this, type);
      },
    },
    name,
  );
  descriptor.enumerable = true;
  defineOwn(prototype, name, descriptor);
}

const weakGet = WeakMap.prototype.get;
const weakSet = WeakMap.prototype.set;

function handlerOf(target, type) {
  return ReflectApply(weakGet, handlersOf, [target])?.get(type);
}

function setHandler(target, type, callback) {
  let map = ReflectApply(weakGet, handlersOf, [target]);
  if (map === undefined) ReflectApply(weakSet, handlersOf, [target, (map = new SafeMap())]);
  if (callback === null) {
    map.delete(type);
    return;
  }
  const handler = {
    callback,
    listener(event) {
      if (typeof handler.callback !== "function") return;
      if (ReflectApply(handler.callback, target, [event]) === false) event.preventDefault();
    },
  };
  map.set(type, handler);
  addListener(target, type, handler.listener);
}

let onHandler = () => {};
/** `callback` gets (target, type) when an event handler is set. */
export function whenHandlerIsSet(callback) {
  onHandler = callback;
}

/** Fires a plain event. */
export const fire = (target, type) => dispatch(target, new Event(type));

/** What an operation of the proxy has failed with. */
export const exception = (name, text) => (name === "TypeError" ? new TypeError(text) : new DOMException(text, name));

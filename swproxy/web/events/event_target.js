// https://dom.spec.whatwg.org/#interface-eventtarget and https://html.spec.whatwg.org/#event-handler-attributes
import { hideSources } from "../infra/native_functions.js";
import {
  ArrayPrototypeIndexOf,
  ArrayPrototypeSlice,
  ArrayPrototypeSplice,
  DOMExceptionConstructor,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectPrototype,
  ReflectApply,
  SafeMap,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import {
  boolean,
  callUserObjectOperation,
  dictionary,
  DOMString,
  EventHandler,
  interfaceType,
  nullable,
  object,
  union,
  withDefault,
} from "../webidl/types.js";
import { Event } from "./event.js";

let getTheParent = () => null;
/** Sets the function from an event target to the next one of an event's path: most have none. */
export function setGetTheParent(function_) {
  getTheParent = function_;
}

let didThrow = false; // a listener of the event that is being dispatched, or was the last

let report = () => {};
/** Sets what an exception in a listener is reported to: https://html.spec.whatwg.org/#report-an-exception */
export function setReportException(function_) {
  report = function_;
}

/** Calls `f`; what it throws is reported and not thrown on. */
export function guarded(f, self, values) {
  try {
    return ReflectApply(f, self, values);
  } catch (error) {
    report(error);
    return undefined;
  }
}

// Replaced once AbortSignal is there: until a signal exists, none can be given.
export const abortSignal = {
  is: () => false,
  aborted: () => false,
  addAlgorithm() {},
  hear() {},
};

const EventListenerOptions = dictionary("EventListenerOptions", { capture: withDefault(boolean, false) });
const AddEventListenerOptions = dictionary(
  "AddEventListenerOptions",
  {
    passive: boolean,
    once: withDefault(boolean, false),
    signal: interfaceType("AbortSignal", (value) => abortSignal.is(value)),
  },
  EventListenerOptions,
);
const EventListener = nullable(object);

const newListener = (type, callback, capture = false, once = false, passive = false) => ({
  type,
  callback,
  capture,
  once,
  passive,
  removed: false,
  handler: null,
});

// Lets new EventTarget(object) make an event target of an object that exists already, the global object.
function Itself(object_) {
  return object_;
}
Itself.prototype = ObjectPrototype;

const NONE = [];

export class EventTarget extends Itself {
  #listeners = NONE; // which is never changed: many have none
  #handlers = null;

  static is(value) {
    return typeof value === "object" && value !== null && #listeners in value;
  }

  /** The event types that have a listener, or an event handler that is set. */
  static eventTypes(target) {
    const types = [];
    const listeners = target.#listeners;
    for (let i = 0; i < listeners.length; i++) {
      if (ArrayPrototypeIndexOf(types, listeners[i].type) < 0) types[types.length] = listeners[i].type;
    }
    return types;
  }

  static hasListener(target, type) {
    const listeners = target.#listeners;
    for (let i = 0; i < listeners.length; i++) if (listeners[i].type === type) return true;
    return false;
  }

  /** The callbacks of a type, for the Service Workers specification's "All Fetch Listeners Are Empty". */
  static callbacks(target, type) {
    const callbacks = [];
    const listeners = target.#listeners;
    for (let i = 0; i < listeners.length; i++) {
      const listener = listeners[i];
      if (listener.type === type) callbacks[callbacks.length] = listener.handler?.value ?? listener.callback;
    }
    return callbacks;
  }

  /** Fires a trusted event. */
  static fire(target, event) {
    Event.setTrusted(event, true);
    return EventTarget.dispatch(target, event);
  }

  static dispatch(target, event) {
    const path = [target];
    for (let next = getTheParent(target); next !== null; next = getTheParent(next)) path[path.length] = next;
    didThrow = false;
    return Event.dispatch(
      event,
      path,
      (object_) => ArrayPrototypeSlice(object_.#listeners),
      (object_, listener) => object_.#invoke(listener, event),
    );
  }

  /** Fires a trusted event: whether one of its listeners threw (legacyOutputDidListenersThrowFlag). */
  static fireWatching(target, event) {
    EventTarget.fire(target, event);
    return didThrow;
  }

  #invoke(listener, event) {
    if (listener.once) this.#remove(listener);
    let hasThrown = didThrow; // another one may dispatch events of its own
    try {
      if (listener.handler) runHandler(listener.handler, this, event);
      else callUserObjectOperation(listener.callback, "handleEvent", this, [event]);
    } catch (error) {
      hasThrown = true;
      report(error);
    }
    didThrow = hasThrown;
  }

  #add(listener) {
    if (this.#listeners === NONE) this.#listeners = [];
    this.#listeners[this.#listeners.length] = listener;
    if (abortSignal.is(this)) abortSignal.hear(this);
  }

  #remove(listener) {
    const index = ArrayPrototypeIndexOf(this.#listeners, listener);
    if (index < 0) return;
    listener.removed = true;
    ArrayPrototypeSplice(this.#listeners, index, 1);
  }

  #find(type, callback, capture) {
    const listeners = this.#listeners;
    for (let i = 0; i < listeners.length; i++) {
      const listener = listeners[i];
      if (listener.type === type && listener.callback === callback && listener.capture === capture) return listener;
    }
    return null;
  }

  addEventListener(type, callback, options) {
    if (typeof options === "boolean") options = { __proto__: null, capture: options };
    const { capture = false, once = false, passive = false, signal = null } = options ?? { __proto__: null };
    if (signal !== null && abortSignal.aborted(signal)) return;
    if (callback === null || this.#find(type, callback, capture) !== null) return;
    const listener = newListener(type, callback, capture, once, passive);
    this.#add(listener);
    if (signal !== null) abortSignal.addAlgorithm(signal, () => this.#remove(listener));
  }

  removeEventListener(type, callback, options) {
    const capture = typeof options === "boolean" ? options : (options?.capture ?? false);
    const listener = callback === null ? null : this.#find(type, callback, capture);
    if (listener !== null) this.#remove(listener);
  }

  dispatchEvent(event) {
    if (Event.isDispatched(event) || !Event.isInitialized(event)) {
      throw new DOMExceptionConstructor("The event is already being dispatched.", "InvalidStateError");
    }
    Event.setTrusted(event, false);
    return EventTarget.dispatch(this, event);
  }

  // Event handlers keep the place of their first activation among the listeners.

  static getHandler(target, name) {
    return target.#handlers?.get(name)?.value ?? null;
  }

  static setHandler(target, name, value) {
    target.#handlers ??= new SafeMap();
    let handler = target.#handlers.get(name);
    if (handler === undefined) {
      handler = { name, value: null, listener: null };
      target.#handlers.set(name, handler);
    }
    handler.value = value;
    if (value === null) {
      if (handler.listener !== null) target.#remove(handler.listener);
      handler.listener = null;
    } else if (handler.listener === null) {
      handler.listener = newListener(name, handler);
      handler.listener.handler = handler;
      target.#add(handler.listener);
    }
  }
}

/** https://html.spec.whatwg.org/#the-event-handler-processing-algorithm */
function runHandler(handler, target, event) {
  const { value } = handler;
  if (typeof value !== "function") return;
  const special = handler.name === "error" && event.type === "error" && isGlobalError(event);
  const result = special
    ? ReflectApply(value, target, [event.message, event.filename, event.lineno, event.colno, event.error])
    : ReflectApply(value, target, [event]);
  if (special ? result === true : result === false) event.preventDefault();
}
let isGlobalError = () => false;
export function setIsGlobalError(function_) {
  isGlobalError = function_;
}

/** Defines the event handler attributes on<type> on a prototype or the global object. */
export function defineEventHandlers(target, is, types) {
  for (let i = 0; i < types.length; i++) {
    const type = types[i];
    const name = `on${type}`;
    const self = (value) => {
      const object_ = value ?? globalThis;
      if (!is(object_)) throw new TypeErrorConstructor("Illegal invocation");
      return object_;
    };
    const accessor = {
      get [name]() {
        return EventTarget.getHandler(self(this), type);
      },
      set [name](value) {
        EventTarget.setHandler(self(this), type, EventHandler.convert(value, name));
      },
    };
    hideSources(accessor);
    const { get, set } = ObjectGetOwnPropertyDescriptor(accessor, name);
    ObjectDefineProperty(target, name, { __proto__: null, get, set, enumerable: true, configurable: true });
  }
}

defineInterface(EventTarget, {
  constructor: [],
  operations: {
    addEventListener: [DOMString, EventListener, optional(union(AddEventListenerOptions, boolean))],
    removeEventListener: [DOMString, EventListener, optional(union(EventListenerOptions, boolean))],
    dispatchEvent: [interfaceType("Event", Event.is)],
  },
});

// https://dom.spec.whatwg.org/#interface-event
import { performanceNow } from "../infra/clock.js";
import { ArrayPrototypeSlice, ObjectDefineProperty, ObjectGetOwnPropertyDescriptor } from "../infra/primordials.js";
import { hideSource } from "../infra/native_functions.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { boolean, dictionary, DOMString, withDefault } from "../webidl/types.js";

export const EventInit = dictionary("EventInit", {
  bubbles: withDefault(boolean, false),
  cancelable: withDefault(boolean, false),
  composed: withDefault(boolean, false),
});

/** The class of all events; subclasses pass (type, init) on. */
export class Event {
  #type;
  #target = null;
  #currentTarget = null;
  #eventPhase = 0;
  #path = [];
  #bubbles;
  #cancelable;
  #composed;
  #timeStamp = performanceNow();
  // flags
  #initialized = true;
  #stopPropagation = false;
  #stopImmediatePropagation = false;
  #canceled = false;
  #inPassiveListener = false;
  #dispatch = false;
  #trusted = false;

  constructor(type, { bubbles, cancelable, composed } = { __proto__: null }) {
    this.#type = type;
    this.#bubbles = bubbles ?? false;
    this.#cancelable = cancelable ?? false;
    this.#composed = composed ?? false;
    ObjectDefineProperty(this, "isTrusted", unforgeable);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #type in value;
  }

  /**
   * https://dom.spec.whatwg.org/#concept-event-dispatch
   * @param path the target, its parent and so on
   * @param listenersOf (object) -> the listeners of one of them
   * @param invoke (object, listener) calls one
   */
  static dispatch(event, path, listenersOf, invoke) {
    event.#dispatch = true;
    event.#target = path[0];
    event.#path = path;
    for (let i = path.length - 1; i > 0; i--) event.#invoke(path[i], 1, true, listenersOf, invoke);
    event.#invoke(path[0], 2, true, listenersOf, invoke);
    event.#invoke(path[0], 2, false, listenersOf, invoke);
    if (event.#bubbles) {
      for (let i = 1; i < path.length; i++) event.#invoke(path[i], 3, false, listenersOf, invoke);
    }
    event.#eventPhase = 0;
    event.#currentTarget = null;
    event.#path = [];
    event.#dispatch = false;
    event.#stopPropagation = false;
    event.#stopImmediatePropagation = false;
    return !event.#canceled;
  }

  /** https://dom.spec.whatwg.org/#concept-event-listener-invoke */
  #invoke(object, phase, capture, listenersOf, invoke) {
    if (this.#stopPropagation) return;
    this.#currentTarget = object;
    this.#eventPhase = phase;
    const listeners = listenersOf(object);
    for (let i = 0; i < listeners.length; i++) {
      const listener = listeners[i];
      if (listener.removed || listener.type !== this.#type || listener.capture !== capture) continue;
      this.#inPassiveListener = listener.passive;
      invoke(object, listener);
      this.#inPassiveListener = false;
      if (this.#stopImmediatePropagation) return;
    }
  }

  static isDispatched(event) {
    return event.#dispatch;
  }

  /** https://dom.spec.whatwg.org/#concept-event-initialize */
  static initialize(event, type, bubbles, cancelable) {
    event.#initialized = true;
    event.#stopPropagation = false;
    event.#stopImmediatePropagation = false;
    event.#canceled = false;
    event.#trusted = false;
    event.#target = null;
    event.#type = type;
    event.#bubbles = bubbles;
    event.#cancelable = cancelable;
  }

  static isInitialized(event) {
    return event.#initialized;
  }

  static setTrusted(event, trusted) {
    event.#trusted = trusted;
    return event;
  }

  static isTrusted(event) {
    return event.#trusted;
  }

  static isCanceled(event) {
    return event.#canceled;
  }

  static stop(event) {
    event.#stopPropagation = true;
    event.#stopImmediatePropagation = true;
  }

  get type() {
    return this.#type;
  }

  get target() {
    return this.#target;
  }

  get srcElement() {
    return this.#target;
  }

  get currentTarget() {
    return this.#currentTarget;
  }

  composedPath() {
    return ArrayPrototypeSlice(this.#path);
  }

  get eventPhase() {
    return this.#eventPhase;
  }

  stopPropagation() {
    this.#stopPropagation = true;
  }

  get cancelBubble() {
    return this.#stopPropagation;
  }

  set cancelBubble(value) {
    if (value) this.#stopPropagation = true;
  }

  stopImmediatePropagation() {
    this.#stopPropagation = true;
    this.#stopImmediatePropagation = true;
  }

  get bubbles() {
    return this.#bubbles;
  }

  get cancelable() {
    return this.#cancelable;
  }

  get returnValue() {
    return !this.#canceled;
  }

  set returnValue(value) {
    if (!value) this.preventDefault();
  }

  preventDefault() {
    if (this.#cancelable && !this.#inPassiveListener) this.#canceled = true;
  }

  get defaultPrevented() {
    return this.#canceled;
  }

  get composed() {
    return this.#composed;
  }

  get timeStamp() {
    return this.#timeStamp;
  }

  initEvent(type, bubbles, cancelable) {
    if (!this.#dispatch) Event.initialize(this, type, bubbles, cancelable);
  }
}

// https://webidl.spec.whatwg.org/#LegacyUnforgeable: an own property of every event
const { get } = ObjectGetOwnPropertyDescriptor(
  {
    get isTrusted() {
      return Event.isTrusted(this);
    },
  },
  "isTrusted",
);
hideSource(get);
const unforgeable = { __proto__: null, get, set: undefined, enumerable: true, configurable: false };

defineInterface(Event, {
  constructor: [DOMString, optional(EventInit)],
  readonly: [
    "type",
    "target",
    "srcElement",
    "currentTarget",
    "eventPhase",
    "bubbles",
    "cancelable",
    "defaultPrevented",
    "composed",
    "timeStamp",
  ],
  attributes: { cancelBubble: boolean, returnValue: boolean },
  operations: {
    composedPath: [],
    stopPropagation: [],
    stopImmediatePropagation: [],
    preventDefault: [],
    initEvent: [DOMString, optional(boolean, false), optional(boolean, false)],
  },
  constants: { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 },
});

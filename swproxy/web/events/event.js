// https://dom.spec.whatwg.org/#interface-event
import { performanceNow } from "../infra/clock.js";
import { ObjectDefineProperty, ObjectGetOwnPropertyDescriptor } from "../infra/primordials.js";
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

  // https://dom.spec.whatwg.org/#concept-event-dispatch calls the listeners of one target: nothing in a worker
  // has a parent. `inner` invokes one listener.
  static dispatch(event, target, listenersOf, invoke) {
    event.#dispatch = true;
    event.#target = target;
    event.#currentTarget = target;
    event.#eventPhase = 2;
    if (!event.#stopPropagation) {
      const listeners = listenersOf();
      // Capturing listeners of the target come first.
      for (let capture = 1; capture >= 0 && !event.#stopPropagation; capture--) {
        for (let i = 0; i < listeners.length; i++) {
          const listener = listeners[i];
          if (listener.removed || listener.type !== event.#type || listener.capture !== (capture === 1)) continue;
          event.#inPassiveListener = listener.passive;
          invoke(listener, event);
          event.#inPassiveListener = false;
          if (event.#stopImmediatePropagation) break;
        }
        if (event.#stopImmediatePropagation) break;
      }
    }
    event.#eventPhase = 0;
    event.#currentTarget = null;
    event.#dispatch = false;
    event.#stopPropagation = false;
    event.#stopImmediatePropagation = false;
    return !event.#canceled;
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
    return this.#currentTarget === null ? [] : [this.#currentTarget];
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

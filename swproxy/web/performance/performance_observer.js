// https://w3c.github.io/performance-timeline/#the-performanceobserver-interface
import {
  ArrayPrototypeIncludes,
  DOMExceptionConstructor,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { hideSources } from "../infra/native_functions.js";
import { guarded } from "../events/event_target.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { boolean, callbackFunction, dictionary, DOMString, sequence } from "../webidl/types.js";
import {
  bufferedEntries,
  filterBuffer,
  queueObserverTask,
  registerObserver,
  supportedEntryTypes,
  unregisterObserver,
} from "./timeline.js";

const PerformanceObserverInit = dictionary("PerformanceObserverInit", {
  entryTypes: sequence(DOMString),
  type: DOMString,
  buffered: boolean,
});

export class PerformanceObserverEntryList {
  #entries;

  constructor(entries) {
    this.#entries = entries;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #entries in value;
  }

  getEntries() {
    return filterBuffer(this.#entries);
  }

  getEntriesByType(type) {
    return filterBuffer(this.#entries, undefined, type);
  }

  getEntriesByName(name, type) {
    return filterBuffer(this.#entries, name, type);
  }
}

defineInterface(PerformanceObserverEntryList, {
  operations: {
    getEntries: [],
    getEntriesByType: [DOMString],
    getEntriesByName: [DOMString, optional(DOMString)],
  },
});

const isSupported = (type) => ArrayPrototypeIncludes(supportedEntryTypes, type);

export class PerformanceObserver {
  #callback;
  #mode = null; // "single" or "multiple" once observe() was called: the specification's observer type
  #types = []; // the supported entry types of the options list
  #buffer = [];
  #requiresDroppedEntries = false;
  // What the timeline knows of this observer.
  #registration = {
    observes: (type) => ArrayPrototypeIncludes(this.#types, type),
    add: (entry) => this.#add(entry),
    notify: () => this.#notify(),
  };

  constructor(callback) {
    this.#callback = callback;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #callback in value;
  }

  #add(entry) {
    this.#buffer[this.#buffer.length] = entry;
  }

  #take() {
    const entries = this.#buffer;
    this.#buffer = [];
    return entries;
  }

  #notify() {
    const entries = this.#take();
    if (entries.length === 0) return;
    const options = this.#requiresDroppedEntries ? { droppedEntriesCount: 0 } : {}; // the buffers have no limit
    this.#requiresDroppedEntries = false;
    guarded(this.#callback, this, [new PerformanceObserverEntryList(entries), this, options]);
  }

  observe({ entryTypes, type, buffered }) {
    if (entryTypes === undefined && type === undefined) {
      throw new TypeErrorConstructor("An observe() call needs 'entryTypes' or 'type'.");
    }
    if (entryTypes !== undefined && (type !== undefined || buffered !== undefined)) {
      throw new TypeErrorConstructor("'entryTypes' cannot be given beside other options.");
    }
    const mode = entryTypes === undefined ? "single" : "multiple";
    this.#mode ??= mode;
    if (this.#mode !== mode) {
      throw new DOMExceptionConstructor(
        "An observer cannot be called with 'type' and with 'entryTypes'.",
        "InvalidModificationError",
      );
    }
    this.#requiresDroppedEntries = true;
    if (mode === "single") this.#observeType(type, buffered);
    else this.#observeTypes(entryTypes);
  }

  #observeTypes(entryTypes) {
    const types = [];
    for (let i = 0; i < entryTypes.length; i++) if (isSupported(entryTypes[i])) types[types.length] = entryTypes[i];
    if (types.length === 0) return;
    this.#types = types;
    registerObserver(this.#registration);
  }

  #observeType(type, buffered) {
    if (!isSupported(type)) return;
    if (!ArrayPrototypeIncludes(this.#types, type)) this.#types[this.#types.length] = type;
    registerObserver(this.#registration);
    if (!buffered) return;
    const entries = bufferedEntries(type);
    for (let i = 0; i < entries.length; i++) this.#add(entries[i]);
    queueObserverTask();
  }

  disconnect() {
    unregisterObserver(this.#registration);
    this.#types = [];
    this.#buffer = [];
  }

  takeRecords() {
    return this.#take();
  }
}

const constructor = defineInterface(PerformanceObserver, {
  constructor: [callbackFunction],
  operations: { observe: [optional(PerformanceObserverInit)], disconnect: [], takeRecords: [] },
});
const statics = {
  get supportedEntryTypes() {
    return supportedEntryTypes;
  },
};
hideSources(statics);
ObjectDefineProperty(
  constructor,
  "supportedEntryTypes",
  ObjectGetOwnPropertyDescriptor(statics, "supportedEntryTypes"),
);

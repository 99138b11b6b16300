// https://w3c.github.io/hr-time/#sec-performance, with what https://w3c.github.io/performance-timeline/ and
// https://w3c.github.io/user-timing/ add to the interface
import { performanceNow, timeOrigin } from "../infra/clock.js";
import { EventTarget } from "../events/event_target.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { DOMString, union } from "../webidl/types.js";
import { clearEntries, filterTimeline } from "./timeline.js";
import { PerformanceMarkOptions, PerformanceMeasureOptions } from "./user_timing_options.js";

export class Performance extends EventTarget {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  now() {
    void this.#brand;
    return performanceNow();
  }

  get timeOrigin() {
    void this.#brand;
    return timeOrigin();
  }

  toJSON() {
    void this.#brand;
    return { timeOrigin: timeOrigin() };
  }

  getEntries() {
    void this.#brand;
    return filterTimeline();
  }

  getEntriesByType(type) {
    return filterTimeline(undefined, type);
  }

  getEntriesByName(name, type) {
    return filterTimeline(name, type);
  }

  mark(name, options) {
    return load("./user_timing.js").mark(name, options);
  }

  clearMarks(name) {
    clearEntries("mark", name);
  }

  measure(name, startOrOptions, endMark) {
    return load("./user_timing.js").measure(name, startOrOptions, endMark);
  }

  clearMeasures(name) {
    clearEntries("measure", name);
  }
}

defineInterface(Performance, {
  readonly: ["timeOrigin"],
  operations: {
    now: [],
    toJSON: [],
    getEntries: [],
    getEntriesByType: [DOMString],
    getEntriesByName: [DOMString, optional(DOMString)],
    mark: [DOMString, optional(PerformanceMarkOptions)],
    clearMarks: [optional(DOMString)],
    measure: [
      DOMString,
      optional(union(DOMString, PerformanceMeasureOptions), { __proto__: null }),
      optional(DOMString),
    ],
    clearMeasures: [optional(DOMString)],
  },
});

export const performance = new Performance();

// https://w3c.github.io/performance-timeline/#dom-performanceentry
import { defineInterface } from "../webidl/interface.js";

export class PerformanceEntry {
  #name;
  #entryType;
  #startTime;
  #duration;

  constructor(name, entryType, startTime, duration) {
    this.#name = name;
    this.#entryType = entryType;
    this.#startTime = startTime;
    this.#duration = duration;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #name in value;
  }

  static typeOf(entry) {
    return entry.#entryType;
  }

  static startTimeOf(entry) {
    return entry.#startTime;
  }

  /** undefined fits every name and every type. */
  static matches(entry, name, type) {
    return (name === undefined || entry.#name === name) && (type === undefined || entry.#entryType === type);
  }

  get name() {
    return this.#name;
  }

  get entryType() {
    return this.#entryType;
  }

  get startTime() {
    return this.#startTime;
  }

  get duration() {
    return this.#duration;
  }

  toJSON() {
    return {
      name: this.#name,
      entryType: this.#entryType,
      startTime: this.#startTime,
      duration: this.#duration,
    };
  }
}

defineInterface(PerformanceEntry, {
  readonly: ["name", "entryType", "startTime", "duration"],
  operations: { toJSON: [] },
});

// https://w3c.github.io/user-timing/
import { performanceNow } from "../infra/clock.js";
import { DOMExceptionConstructor, TypeErrorConstructor } from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { DOMString } from "../webidl/types.js";
import { PerformanceEntry } from "./performance_entry.js";
import { latestEntry, queueEntry } from "./timeline.js";
import { PerformanceMarkOptions } from "./user_timing_options.js";

function cloneDetail(detail) {
  if (detail === undefined || detail === null) return null;
  const { structuredDeserialize, structuredSerialize } = load("../structured_clone/structured_clone.js");
  return structuredDeserialize(structuredSerialize(detail));
}

function checkTimestamp(timestamp) {
  if (timestamp < 0) throw new TypeErrorConstructor(`${timestamp} is not a timestamp: it is negative.`);
  return timestamp;
}

export class PerformanceMark extends PerformanceEntry {
  #detail;

  constructor(name, { startTime, detail }) {
    super(name, "mark", checkTimestamp(startTime ?? performanceNow()), 0);
    this.#detail = cloneDetail(detail);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #detail in value;
  }

  get detail() {
    return this.#detail;
  }
}

defineInterface(PerformanceMark, {
  constructor: [DOMString, optional(PerformanceMarkOptions)],
  readonly: ["detail"],
});

export class PerformanceMeasure extends PerformanceEntry {
  #detail;

  constructor(name, startTime, endTime, detail) {
    super(name, "measure", startTime, endTime - startTime);
    this.#detail = detail;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #detail in value;
  }

  get detail() {
    return this.#detail;
  }
}

defineInterface(PerformanceMeasure, { readonly: ["detail"] });

/** https://w3c.github.io/user-timing/#mark-method */
export function mark(name, options) {
  const entry = new PerformanceMark(name, options);
  queueEntry(entry);
  return entry;
}

/**
 * https://w3c.github.io/user-timing/#measure-method
 * @param startOrOptions the name of a mark, or a PerformanceMeasureOptions
 * @param endMark the name of a mark, or undefined
 */
export function measure(name, startOrOptions, endMark) {
  const startMark = typeof startOrOptions === "string" ? startOrOptions : undefined;
  const { start = startMark, duration, end, detail } = startMark === undefined ? startOrOptions : { __proto__: null };
  if (startMark === undefined) checkOptions(startOrOptions, endMark);
  const endTime = endOfMeasure(start, duration, endMark ?? end);
  const startTime = startOfMeasure(start, duration, end);
  const entry = new PerformanceMeasure(name, startTime, endTime, cloneDetail(detail));
  queueEntry(entry);
  return entry;
}

function checkOptions({ start, duration, end, detail }, endMark) {
  if (start === undefined && duration === undefined && end === undefined && detail === undefined) return;
  if (endMark !== undefined) {
    throw new TypeErrorConstructor("An end mark cannot be given beside a PerformanceMeasureOptions.");
  }
  if (start === undefined && end === undefined) {
    throw new TypeErrorConstructor("A PerformanceMeasureOptions needs a 'start' or an 'end'.");
  }
  if (start !== undefined && duration !== undefined && end !== undefined) {
    throw new TypeErrorConstructor("A PerformanceMeasureOptions cannot have 'start', 'duration' and 'end' at once.");
  }
}

function endOfMeasure(start, duration, end) {
  if (end !== undefined) return toTimestamp(end);
  if (start !== undefined && duration !== undefined) return toTimestamp(start) + toTimestamp(duration);
  return performanceNow();
}

function startOfMeasure(start, duration, end) {
  if (start !== undefined) return toTimestamp(start);
  if (duration !== undefined && end !== undefined) return toTimestamp(end) - toTimestamp(duration);
  return 0;
}

/** https://w3c.github.io/user-timing/#convert-a-mark-to-a-timestamp */
function toTimestamp(value) {
  if (typeof value === "number") return checkTimestamp(value);
  if (isTimingAttribute(value)) {
    throw new TypeErrorConstructor(`'${value}' is a time of PerformanceTiming, which only windows have.`);
  }
  const entry = latestEntry(value, "mark");
  if (entry === null) throw new DOMExceptionConstructor(`The mark '${value}' does not exist.`, "SyntaxError");
  return PerformanceEntry.startTimeOf(entry);
}

/** The names of the attributes of https://w3c.github.io/navigation-timing/#the-performancetiming-interface */
function isTimingAttribute(name) {
  switch (name) {
    case "navigationStart":
    case "unloadEventStart":
    case "unloadEventEnd":
    case "redirectStart":
    case "redirectEnd":
    case "fetchStart":
    case "domainLookupStart":
    case "domainLookupEnd":
    case "connectStart":
    case "connectEnd":
    case "secureConnectionStart":
    case "requestStart":
    case "responseStart":
    case "responseEnd":
    case "domLoading":
    case "domInteractive":
    case "domContentLoadedEventStart":
    case "domContentLoadedEventEnd":
    case "domComplete":
    case "loadEventStart":
    case "loadEventEnd":
      return true;
    default:
      return false;
  }
}

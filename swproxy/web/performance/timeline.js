// https://w3c.github.io/performance-timeline/#performance-timeline: the entries, and who is told of new ones.
import {
  ArrayPrototypeIndexOf,
  ArrayPrototypeSlice,
  ArrayPrototypeSort,
  ArrayPrototypeSplice,
  ObjectFreeze,
} from "../infra/primordials.js";
import { setTimer } from "../timers/timers.js";
import { PerformanceEntry } from "./performance_entry.js";

/** https://w3c.github.io/performance-timeline/#dfn-frozen-array-of-supported-entry-types */
export const supportedEntryTypes = ObjectFreeze(["mark", "measure"]);

/** entryType -> its performance entry buffer */
const buffers = { __proto__: null, mark: [], measure: [] };

/** https://w3c.github.io/performance-timeline/#dfn-filter-buffer-by-name-and-type; undefined fits all */
export function filterBuffer(buffer, name, type) {
  const result = [];
  for (let i = 0; i < buffer.length; i++) {
    if (PerformanceEntry.matches(buffer[i], name, type)) result[result.length] = buffer[i];
  }
  const inOrder = (a, b) => PerformanceEntry.startTimeOf(a) - PerformanceEntry.startTimeOf(b);
  return ArrayPrototypeSort(result, inOrder);
}

/** https://w3c.github.io/performance-timeline/#dfn-filter-buffer-map-by-name-and-type */
export function filterTimeline(name, type) {
  const all = [];
  for (let i = 0; i < supportedEntryTypes.length; i++) {
    const buffer = buffers[supportedEntryTypes[i]];
    for (let j = 0; j < buffer.length; j++) all[all.length] = buffer[j];
  }
  return filterBuffer(all, name, type);
}

/** The latest entry of that name and type, or null. */
export function latestEntry(name, type) {
  const buffer = buffers[type];
  for (let i = buffer.length - 1; i >= 0; i--) if (PerformanceEntry.matches(buffer[i], name)) return buffer[i];
  return null;
}

/** Removes the entries of a type, or only those of a name. */
export function clearEntries(type, name) {
  const kept = [];
  for (let i = 0; i < buffers[type].length; i++) {
    if (!PerformanceEntry.matches(buffers[type][i], name)) kept[kept.length] = buffers[type][i];
  }
  buffers[type] = kept;
}

/** A copy of what is in the buffer of a type. */
export const bufferedEntries = (type) => ArrayPrototypeSlice(buffers[type]);

// The list of registered performance observers: objects with observes(entryType), add(entry) and notify().
const observers = [];
let taskIsQueued = false;

export function registerObserver(observer) {
  if (ArrayPrototypeIndexOf(observers, observer) < 0) observers[observers.length] = observer;
}

export function unregisterObserver(observer) {
  const index = ArrayPrototypeIndexOf(observers, observer);
  if (index >= 0) ArrayPrototypeSplice(observers, index, 1);
}

/** https://w3c.github.io/performance-timeline/#queue-a-performanceentry */
export function queueEntry(entry) {
  const type = PerformanceEntry.typeOf(entry);
  let isObserved = false;
  for (let i = 0; i < observers.length; i++) {
    if (observers[i].observes(type)) {
      observers[i].add(entry);
      isObserved = true;
    }
  }
  buffers[type][buffers[type].length] = entry;
  if (isObserved) queueObserverTask();
}

/** https://w3c.github.io/performance-timeline/#queue-the-performanceobserver-task */
export function queueObserverTask() {
  if (taskIsQueued) return;
  taskIsQueued = true;
  setTimer(0, () => {
    taskIsQueued = false;
    const notified = ArrayPrototypeSlice(observers);
    for (let i = 0; i < notified.length; i++) notified[i].notify();
  });
}

// The dictionaries of https://w3c.github.io/user-timing/
import { any, dictionary, DOMString, double, union } from "../webidl/types.js";

export const PerformanceMarkOptions = dictionary("PerformanceMarkOptions", { detail: any, startTime: double });

export const PerformanceMeasureOptions = dictionary("PerformanceMeasureOptions", {
  detail: any,
  start: union(DOMString, double),
  duration: double,
  end: union(DOMString, double),
});

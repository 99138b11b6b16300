// https://streams.spec.whatwg.org/#qs-api and #qs-abstract-ops
import { NumberIsNaN, RangeErrorConstructor, ReflectApply } from "../infra/primordials.js";
import { callbackFunction, dictionary, required, unrestrictedDouble } from "../webidl/types.js";

export const QueuingStrategy = dictionary("QueuingStrategy", {
  highWaterMark: unrestrictedDouble,
  size: callbackFunction,
});

export const QueuingStrategyInit = dictionary("QueuingStrategyInit", { highWaterMark: required(unrestrictedDouble) });

export function extractHighWaterMark({ highWaterMark }, defaultHWM) {
  if (highWaterMark === undefined) return defaultHWM;
  if (NumberIsNaN(highWaterMark) || highWaterMark < 0) {
    throw new RangeErrorConstructor(`The highWaterMark ${highWaterMark} is not a non-negative number.`);
  }
  return highWaterMark;
}

/** The size algorithm of a strategy, or undefined for the one that returns 1. */
export function extractSizeAlgorithm({ size }) {
  if (size === undefined) return undefined;
  return (chunk) => unrestrictedDouble.convert(ReflectApply(size, undefined, [chunk]), "The size of a chunk");
}

/** https://streams.spec.whatwg.org/#enqueue-value-with-size */
export function enqueueValueWithSize(queue, value, size) {
  if (!(size >= 0) || size === Infinity) {
    throw new RangeErrorConstructor(`The size ${size} of a chunk is not a finite, non-negative number.`);
  }
  queue.push(value, size);
}

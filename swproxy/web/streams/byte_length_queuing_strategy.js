// https://streams.spec.whatwg.org/#blqs-class
import { hideSource } from "../infra/native_functions.js";
import { defineInterface } from "../webidl/interface.js";
import { QueuingStrategyInit } from "./queuing_strategy.js";

const byteLengthQueuingStrategySizeFunction = {
  size(chunk) {
    return chunk.byteLength;
  },
}.size;
hideSource(byteLengthQueuingStrategySizeFunction);

class ByteLengthQueuingStrategy {
  #highWaterMark;

  constructor({ highWaterMark }) {
    this.#highWaterMark = highWaterMark;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #highWaterMark in value;
  }

  get highWaterMark() {
    return this.#highWaterMark;
  }

  get size() {
    void this.#highWaterMark;
    return byteLengthQueuingStrategySizeFunction;
  }
}

defineInterface(ByteLengthQueuingStrategy, {
  constructor: [QueuingStrategyInit],
  readonly: ["highWaterMark", "size"],
});

// https://streams.spec.whatwg.org/#cqs-class
import { hideSource } from "../infra/native_functions.js";
import { defineInterface } from "../webidl/interface.js";
import { QueuingStrategyInit } from "./queuing_strategy.js";

const countQueuingStrategySizeFunction = {
  size() {
    return 1;
  },
}.size;
hideSource(countQueuingStrategySizeFunction);

class CountQueuingStrategy {
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
    return countQueuingStrategySizeFunction;
  }
}

defineInterface(CountQueuingStrategy, {
  constructor: [QueuingStrategyInit],
  readonly: ["highWaterMark", "size"],
});

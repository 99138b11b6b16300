// https://webidl.spec.whatwg.org/#quotaexceedederror
import { DOMExceptionConstructor, RangeErrorConstructor } from "../infra/primordials.js";
import { restoreStack, serialize } from "../structured_clone/dom_exception.js";
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface, optional } from "./interface.js";
import { dictionary, DOMString, double } from "./types.js";

const QuotaExceededErrorOptions = dictionary("QuotaExceededErrorOptions", { quota: double, requested: double });

export class QuotaExceededError extends DOMExceptionConstructor {
  #quota;
  #requested;

  constructor(message = "", { quota = null, requested = null } = {}) {
    super(message, "QuotaExceededError");
    this.#quota = quota;
    this.#requested = requested;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #quota in value;
  }

  static construct(message = "", options) {
    const { quota = null, requested = null } = options;
    if (quota < 0) throw new RangeErrorConstructor("The quota is negative.");
    if (requested < 0) throw new RangeErrorConstructor("What is requested is negative.");
    if (quota !== null && requested !== null && requested < quota) {
      throw new RangeErrorConstructor("What is requested is less than the quota.");
    }
    return [message, { quota, requested }];
  }

  static quotaOf(error) {
    return error.#quota;
  }

  static requestedOf(error) {
    return error.#requested;
  }

  get quota() {
    return this.#quota;
  }

  get requested() {
    return this.#requested;
  }
}

defineInterface(QuotaExceededError, {
  constructor: [optional(DOMString), optional(QuotaExceededErrorOptions)],
  readonly: ["quota", "requested"],
});

registerSerializable(
  "QuotaExceededError",
  QuotaExceededError.is,
  (error) => {
    const data = serialize(error);
    data.fields[3] = QuotaExceededError.quotaOf(error);
    data.fields[4] = QuotaExceededError.requestedOf(error);
    return data;
  },
  ({ 1: message, 2: stack, 3: quota, 4: requested }) =>
    restoreStack(new QuotaExceededError(message, { quota, requested }), stack),
);

// https://dom.spec.whatwg.org/#interface-AbortSignal and #interface-abortcontroller
import { ArrayPrototypeIndexOf, DOMExceptionConstructor, SafeSet, SafeWeakRef } from "../infra/primordials.js";
import { Event } from "../events/event.js";
import { abortSignal, defineEventHandlers, EventTarget } from "../events/event_target.js";
import { setTimer } from "../timers/timers.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { any, enforceRange, interfaceType, sequence, unsignedLongLong } from "../webidl/types.js";

// Dependent signals live as long as somebody can hear them: those with listeners or algorithms are held here.
const heard = new SafeSet();

export class AbortSignal extends EventTarget {
  #reason = undefined;
  #aborted = false;
  #algorithms = [];
  #dependent = false;
  #sources = []; // of a dependent signal
  #dependents = []; // weak references

  static is(value) {
    return typeof value === "object" && value !== null && #algorithms in value;
  }

  static isAborted(signal) {
    return signal.#aborted;
  }

  static reasonOf(signal) {
    return signal.#reason;
  }

  /** Adds steps to run when the signal is aborted. */
  static add(signal, algorithm) {
    if (signal.#aborted) return;
    signal.#algorithms[signal.#algorithms.length] = algorithm;
    if (signal.#dependent) heard.add(signal);
  }

  static remove(signal, algorithm) {
    const index = ArrayPrototypeIndexOf(signal.#algorithms, algorithm);
    if (index >= 0) signal.#algorithms[index] = () => {};
  }

  /** https://dom.spec.whatwg.org/#abortsignal-signal-abort */
  static signalAbort(signal, reason) {
    if (signal.#aborted) return;
    signal.#setReason(reason);
    const dependents = [];
    for (let i = 0; i < signal.#dependents.length; i++) {
      const dependent = signal.#dependents[i].deref();
      if (dependent !== undefined && !dependent.#aborted) {
        dependent.#setReason(signal.#reason);
        dependents[dependents.length] = dependent;
      }
    }
    signal.#runAbortSteps();
    for (let i = 0; i < dependents.length; i++) dependents[i].#runAbortSteps();
  }

  #setReason(reason) {
    this.#aborted = true;
    this.#reason =
      reason === undefined ? new DOMExceptionConstructor("signal is aborted without reason", "AbortError") : reason;
  }

  #runAbortSteps() {
    const algorithms = this.#algorithms;
    this.#algorithms = [];
    for (let i = 0; i < algorithms.length; i++) algorithms[i](this.#reason);
    EventTarget.fire(this, new Event("abort"));
    heard.delete(this);
  }

  /** https://dom.spec.whatwg.org/#create-a-dependent-abort-signal */
  static dependentOn(signals) {
    const result = new AbortSignal();
    for (let i = 0; i < signals.length; i++) {
      if (signals[i].#aborted) {
        result.#setReason(signals[i].#reason);
        return result;
      }
    }
    result.#dependent = true;
    for (let i = 0; i < signals.length; i++) {
      const sources = signals[i].#dependent ? signals[i].#sources : [signals[i]];
      for (let j = 0; j < sources.length; j++) {
        if (ArrayPrototypeIndexOf(result.#sources, sources[j]) >= 0) continue;
        result.#sources[result.#sources.length] = sources[j];
        sources[j].#dependents[sources[j].#dependents.length] = new SafeWeakRef(result);
      }
    }
    return result;
  }

  static hear(signal) {
    if (signal.#dependent && !signal.#aborted) heard.add(signal);
  }

  static abort(reason) {
    const signal = new AbortSignal();
    signal.#setReason(reason);
    return signal;
  }

  static timeout(milliseconds) {
    const signal = new AbortSignal();
    setTimer(milliseconds, () =>
      AbortSignal.signalAbort(signal, new DOMExceptionConstructor("signal timed out", "TimeoutError")),
    );
    return signal;
  }

  static any(signals) {
    return AbortSignal.dependentOn(signals);
  }

  get aborted() {
    return this.#aborted;
  }

  get reason() {
    return this.#reason;
  }

  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }
}

const signalType = interfaceType("AbortSignal", AbortSignal.is);

defineInterface(AbortSignal, {
  readonly: ["aborted", "reason"],
  operations: { throwIfAborted: [] },
  statics: {
    abort: [optional(any)],
    timeout: [enforceRange(unsignedLongLong)],
    any: [sequence(signalType)],
  },
});
defineEventHandlers(AbortSignal.prototype, AbortSignal.is, ["abort"]);

export class AbortController {
  #signal = new AbortSignal();

  static is(value) {
    return typeof value === "object" && value !== null && #signal in value;
  }

  get signal() {
    return this.#signal;
  }

  abort(reason) {
    AbortSignal.signalAbort(this.#signal, reason);
  }
}

defineInterface(AbortController, {
  constructor: [],
  readonly: ["signal"],
  operations: { abort: [optional(any)] },
});

abortSignal.is = AbortSignal.is;
abortSignal.aborted = AbortSignal.isAborted;
abortSignal.addAlgorithm = AbortSignal.add;
abortSignal.hear = AbortSignal.hear;

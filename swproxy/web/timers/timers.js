// https://html.spec.whatwg.org/#timers. The host keeps the clock; the callbacks stay here.
import { op_timer_clear, op_timer_set } from "host:ops";
import { MathMax, ReflectApply, SafeMap } from "../infra/primordials.js";
import { guarded } from "../events/event_target.js";

const timers = new SafeMap();
let nextId = 1;
let nesting = 0;

function start(id, timer) {
  const delay = MathMax(timer.delay, timer.nesting > 6 ? 4 : 0);
  op_timer_set(id, delay);
}

/** Runs `callback` once after `delay` milliseconds; a timer of the platform's own, that nobody clears. */
export function setTimer(delay, callback) {
  begin({ callback, values: [], delay: MathMax(delay, 0), repeat: false, nesting: 0, isOfScript: false });
}

function begin(timer) {
  const id = nextId++;
  timers.set(id, timer);
  start(id, timer);
  return id;
}

/** https://html.spec.whatwg.org/#timer-initialisation-steps, for a function */
export function initializeTimer(callback, delay, values, repeat) {
  return begin({ callback, values, delay: MathMax(delay, 0), repeat, nesting: nesting + 1, isOfScript: true });
}

export function clearTimer(id) {
  if (!timers.get(id)?.isOfScript) return;
  timers.delete(id);
  op_timer_clear(id);
}

/** What the host calls when the time has come. */
export function fireTimer(id) {
  const timer = timers.get(id);
  if (timer === undefined) return;
  nesting = timer.nesting;
  try {
    guarded(ReflectApply, undefined, [timer.callback, globalThis, timer.values]);
  } finally {
    nesting = 0;
  }
  if (!timers.has(id)) return;
  if (timer.repeat) {
    timer.nesting++;
    start(id, timer);
  } else {
    timers.delete(id);
  }
}

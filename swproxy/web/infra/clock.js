// https://w3c.github.io/hr-time/, on the engine's clock: taken before the platform puts its own Performance object in
// its place. It is monotonic and runs since the engine exists, in a process that is forked for the worker later.
import { DateNow, MathFloor } from "./primordials.js";

const engine = globalThis.performance;
const engineNow = engine.now.bind(engine);

// https://w3c.github.io/hr-time/#dfn-coarsen-time: to at least 100 microseconds where there is no cross-origin isolation.
// Sums and differences of eighths of a millisecond are exact.
const STEPS_PER_MILLISECOND = 8;

let start = engineNow();
let origin = DateNow();

/** Lets the worker's time begin. */
export function beginTime() {
  start = engineNow();
  origin = DateNow();
}

/** The time origin timestamp: milliseconds since the Unix epoch. */
export const timeOrigin = () => origin;

/** The current high resolution time: milliseconds since the time origin. */
export const performanceNow = () => MathFloor((engineNow() - start) * STEPS_PER_MILLISECOND) / STEPS_PER_MILLISECOND;

// The engine's clock, taken before the platform puts its own Performance object in its place.
const engine = globalThis.performance;
export const performanceNow = engine.now.bind(engine);
export const timeOrigin = engine.timeOrigin;

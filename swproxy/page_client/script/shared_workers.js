// A browser asks for a shared worker's script once: the documents that use it say so.
import { tell } from "./channel.js";
import { resolve } from "./environment.js";
import { JSONStringify, ReflectConstruct, String } from "./primordials.js";
import { isObject } from "./webidl.js";

export function installSharedWorkers() {
  const { SharedWorker } = globalThis;
  if (SharedWorker === undefined) return;
  const construct = (native, args, target) => {
    const worker = ReflectConstruct(native, args, target);
    try {
      const { 0: url, 1: options } = args;
      const name = isObject(options) ? options.name : (options ?? undefined);
      tell("shared_worker", [resolve(url), JSONStringify(name === undefined ? "" : String(name))]);
    } catch {
      // The page tells us something else than the browser.
    }
    return worker;
  };
  globalThis.SharedWorker = SharedWorker.prototype.constructor = new Proxy(SharedWorker, {
    __proto__: null,
    construct,
  });
}

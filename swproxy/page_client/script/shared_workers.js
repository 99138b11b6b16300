// A browser asks for a shared worker's script once: the documents that use it say so.
import { tell } from "./channel.js";
import { resolve } from "./environment.js";
import { JSONStringify, ReflectConstruct, String } from "./primordials.js";

export function installSharedWorkers() {
  const { SharedWorker } = globalThis;
  if (SharedWorker === undefined) return;
  const construct = (native, args, target) => {
    const worker = ReflectConstruct(native, args, target);
    const { 0: url, 1: options } = args;
    const name = typeof options === "object" ? options?.name : options;
    tell("shared_worker", [resolve(url), JSONStringify(String(name ?? ""))]);
    return worker;
  };
  globalThis.SharedWorker = SharedWorker.prototype.constructor = new Proxy(SharedWorker, {
    __proto__: null,
    construct,
  });
}

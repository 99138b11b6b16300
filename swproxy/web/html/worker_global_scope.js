// https://html.spec.whatwg.org/#the-workerglobalscope-common-interface and #windoworworkerglobalscope-mixin
import { op_import_script } from "host:ops";
import { DOMExceptionConstructor, ObjectDefineProperty, TypeErrorConstructor, upon } from "../infra/primordials.js";
import { hideSource } from "../infra/native_functions.js";
import { CacheStorage } from "../cache/cache_storage.js";
import { defineEventHandlers, EventTarget, guarded } from "../events/event_target.js";
import { fetch as fetchMethod } from "../fetch/fetch.js";
import { RequestInfo, RequestInit } from "../fetch/request.js";
import { globalEval } from "swproxy:bootstrap";
import { clearTimer, initializeTimer } from "../timers/timers.js";
import { parseURL } from "../url/url.js";
import { defineInterface, optional, promising, variadic } from "../webidl/interface.js";
import { any, callbackFunction, DOMString, long, USVString } from "../webidl/types.js";
import { atob as atobMethod, btoa as btoaMethod } from "./base64.js";
import { baseURL, isModule, mayCompile, origin as originOfWorker } from "./environment.js";
import { reportException, thrownAs } from "./report_error.js";
import { WorkerLocation } from "./worker_location.js";

const workerLocation = new WorkerLocation();
const cacheStorage = new CacheStorage();

function own(self) {
  if ((self ?? globalThis) !== globalThis) throw new TypeErrorConstructor("Illegal invocation");
}

/** What setting a [Replaceable] attribute does: https://webidl.spec.whatwg.org/#Replaceable */
function replace(name, value) {
  ObjectDefineProperty(globalThis, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

class TimerHandler {
  convert(value, place) {
    return typeof value === "function" ? value : DOMString.convert(value, place);
  }
}
const timerArguments = [new TimerHandler(), optional(long, 0), variadic(any)];

function timer(handler, delay, values, repeat) {
  const callback = typeof handler === "function" ? handler : () => evaluate(handler);
  return initializeTimer(callback, delay, values, repeat);
}

function evaluate(code) {
  if (!mayCompile()) load("./code_generation.js").refuseCode();
  globalEval(code);
}

export class WorkerGlobalScope extends EventTarget {
  static is(value) {
    return value === globalThis;
  }

  get self() {
    own(this);
    return globalThis;
  }

  get location() {
    own(this);
    return workerLocation;
  }

  get navigator() {
    own(this);
    return load("./worker_navigator.js").navigator;
  }

  get origin() {
    own(this);
    return originOfWorker();
  }

  set origin(value) {
    replace("origin", value);
  }

  get isSecureContext() {
    own(this);
    return true;
  }

  get crossOriginIsolated() {
    own(this);
    return false;
  }

  get caches() {
    own(this);
    return cacheStorage;
  }

  get crypto() {
    own(this);
    return load("../crypto/crypto.js").crypto;
  }

  get indexedDB() {
    own(this);
    return load("../indexeddb/factory.js").indexedDB;
  }

  get performance() {
    own(this);
    return load("../performance/performance.js").performance;
  }

  set performance(value) {
    replace("performance", value);
  }

  importScripts(...urls) {
    if (isModule()) throw new TypeErrorConstructor("Module workers do not support importScripts().");
    const absolute = [];
    for (let i = 0; i < urls.length; i++) {
      absolute[i] = parseURL(urls[i], baseURL());
      if (absolute[i] === null) {
        const message = `Failed to execute 'importScripts' on 'WorkerGlobalScope': The URL '${urls[i]}' is invalid.`;
        throw new DOMExceptionConstructor(message, "SyntaxError");
      }
    }
    for (let i = 0; i < absolute.length; i++) importScript(absolute[i]);
  }

  atob(data) {
    return atobMethod(data);
  }

  btoa(data) {
    return btoaMethod(data);
  }

  fetch(input, init) {
    return fetchMethod(input, init);
  }

  queueMicrotask(callback) {
    upon(settled, () => guarded(callback, undefined, []));
  }

  reportError(error) {
    reportException(error);
  }

  setTimeout(handler, delay, ...values) {
    return timer(handler, delay, values, false);
  }

  setInterval(handler, delay, ...values) {
    return timer(handler, delay, values, true);
  }

  clearTimeout(id) {
    clearTimer(id);
  }

  clearInterval(id) {
    clearTimer(id);
  }

  structuredClone(value, options) {
    return load("../structured_clone/structured_clone.js").structuredClone(value, options.transfer);
  }
}

const settled = (async () => {})();

/** https://html.spec.whatwg.org/#import-scripts-into-worker-global-scope, one script */
function importScript(url) {
  const { state, text } = op_import_script(url);
  if (state === "busy")
    globalEval(text); // its let, const and class stay its own
  else if (state === "threw") throw thrownAs(text);
}

const StructuredSerializeOptions = {
  dictionary: true,
  convert: (value, place) => load("../clients/client.js").StructuredSerializeOptions.convert(value, place),
};

defineInterface(WorkerGlobalScope, {
  readonly: [
    "self",
    "location",
    "navigator",
    "isSecureContext",
    "crossOriginIsolated",
    "caches",
    "crypto",
    "indexedDB",
  ],
  attributes: { origin: any, performance: any },
  operations: {
    importScripts: [variadic(USVString)],
    atob: [DOMString],
    btoa: [DOMString],
    fetch: promising([RequestInfo, optional(RequestInit)]),
    queueMicrotask: [callbackFunction],
    reportError: [any],
    setTimeout: timerArguments,
    setInterval: timerArguments,
    clearTimeout: [optional(long, 0)],
    clearInterval: [optional(long, 0)],
    structuredClone: [any, optional(StructuredSerializeOptions)],
  },
});
defineEventHandlers(WorkerGlobalScope.prototype, WorkerGlobalScope.is, [
  "error",
  "languagechange",
  "offline",
  "online",
  "rejectionhandled",
  "unhandledrejection",
]);

// A cleanup callback that throws would leave the engine's job queue in an unknown state.
class GuardedFinalizationRegistry extends FinalizationRegistry {
  constructor(callback) {
    super(typeof callback === "function" ? (held) => guarded(callback, undefined, [held]) : callback);
  }
}
ObjectDefineProperty(GuardedFinalizationRegistry, "name", { __proto__: null, value: "FinalizationRegistry" });
hideSource(GuardedFinalizationRegistry);
ObjectDefineProperty(globalThis, "FinalizationRegistry", {
  __proto__: null,
  value: GuardedFinalizationRegistry,
  writable: true,
  configurable: true,
});

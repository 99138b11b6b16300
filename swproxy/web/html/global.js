// Where the runtime begins: loads what every worker has, and puts the interfaces on the global object.
import { op_lazy_interfaces } from "host:ops";
import {
  FunctionPrototype,
  MapKeys,
  ObjectDefineProperty,
  ObjectHasOwn,
  ObjectKeys,
  SafeSet,
  SymbolToStringTag,
} from "../infra/primordials.js";
import { loadByPath } from "swproxy:bootstrap";
import {} from "../infra/awaited_promises.js";
import {} from "../webidl/dom_exception.js";
import { exposed } from "../webidl/interface.js";
import {} from "../infra/math_random.js";
import { fixGlobalPrototypes, hideLazyGlobals } from "./reflection.js";
import { console } from "../console/console.js";
import {} from "../service_worker/dispatch.js";
import {} from "../structured_clone/proxies.js";

function define(name, value) {
  ObjectDefineProperty(globalThis, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

const waiting = new SafeSet(); // names whose module is not loaded yet

function expose() {
  const names = MapKeys(exposed);
  for (let i = 0; i < names.length; i++) {
    define(names[i], exposed.get(names[i]));
    waiting.delete(names[i]);
  }
  exposed.clear();
}

/** A global that loads its module when it is first used. */
function defineLazily(name, path) {
  waiting.add(name);
  ObjectDefineProperty(globalThis, name, {
    __proto__: null,
    get() {
      loadByPath(path);
      exposeWaiting();
      return globalThis[name];
    },
    set(value) {
      waiting.delete(name);
      define(name, value);
    },
    enumerable: false,
    configurable: true,
  });
}

function exposeWaiting() {
  const names = MapKeys(exposed);
  for (let i = 0; i < names.length; i++) {
    // A module may be loaded for another one: its names appear, unless the site has put its own there.
    if (waiting.delete(names[i]) && ObjectHasOwn(globalThis, names[i])) define(names[i], exposed.get(names[i]));
  }
  exposed.clear();
}

delete globalThis.SharedArrayBuffer; // only in cross-origin isolated workers
delete globalThis.InternalError; // of QuickJS, not of the platform, as are the next three
delete FunctionPrototype.fileName;
delete FunctionPrototype.lineNumber;
delete FunctionPrototype.columnNumber;
delete globalThis[SymbolToStringTag]; // "global", which would hide that of the prototype
delete globalThis.performance;
delete globalThis.queueMicrotask;
define("console", console);
expose();
const lazy = op_lazy_interfaces();
const names = ObjectKeys(lazy);
for (let i = 0; i < names.length; i++) defineLazily(names[i], lazy[names[i]]);
hideLazyGlobals((name) => {
  if (waiting.has(name)) void globalThis[name];
});
fixGlobalPrototypes();

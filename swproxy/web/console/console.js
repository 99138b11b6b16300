// https://console.spec.whatwg.org/
import { performanceNow } from "../infra/clock.js";
import { hideSources } from "../infra/native_functions.js";
import {
  ObjectDefineProperty,
  ObjectCreate,
  ObjectKeys,
  ObjectPrototype,
  SafeMap,
  StringPrototypeRepeat,
  SymbolToStringTag,
} from "../infra/primordials.js";
import { logFromHere } from "../html/report_error.js";
import { DOMString, sequence } from "../webidl/types.js";

const counts = new SafeMap();
const timers = new SafeMap();
let indent = 0;

function print(level, values) {
  const text = values.length === 1 && typeof values[0] === "string" ? values[0] : load("./format.js").format(values);
  logFromHere(level, StringPrototypeRepeat("  ", indent) + text);
}

/** https://console.spec.whatwg.org/#logger */
function log(level, values) {
  if (values.length > 0) print(level, values);
}

const columnNames = sequence(DOMString);

const label = (value) => (value === undefined ? "default" : `${value}`);

function timed(name, values, end) {
  const key = label(name);
  const start = timers.get(key);
  if (start === undefined) {
    print("warn", [`Timer '${key}' does not exist`]);
    return;
  }
  values[0] = `${key}: ${performanceNow() - start} ms`;
  print("timeEnd", values);
  if (end) timers.delete(key);
}

const members = {
  assert(condition = false, ...values) {
    if (condition) return;
    if (typeof values[0] === "string") values[0] = `Assertion failed: ${values[0]}`;
    else values = load("./format.js").prepend("Assertion failed", values);
    print("assert", values);
  },
  clear() {
    indent = 0;
  },
  debug(...values) {
    log("debug", values);
  },
  error(...values) {
    log("error", values);
  },
  info(...values) {
    log("info", values);
  },
  log(...values) {
    log("log", values);
  },
  table(data = undefined, columns = undefined) {
    if (columns !== undefined)
      columns = columnNames.convert(columns, "Failed to execute 'table' on 'console': parameter 2");
    print("table", [load("./format.js").table(data, columns)]);
  },
  trace(...values) {
    print("trace", values);
  },
  warn(...values) {
    log("warn", values);
  },
  dir(item = undefined) {
    print("dir", [load("./format.js").inspect(item)]);
  },
  dirxml(...values) {
    log("dirxml", values);
  },
  count(name = undefined) {
    const key = label(name);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    print("count", [`${key}: ${counts.get(key)}`]);
  },
  countReset(name = undefined) {
    const key = label(name);
    if (!counts.has(key)) print("warn", [`Count for '${key}' does not exist`]);
    counts.delete(key);
  },
  group(...values) {
    print("group", values);
    indent++;
  },
  groupCollapsed(...values) {
    print("group", values);
    indent++;
  },
  groupEnd() {
    if (indent > 0) indent--;
  },
  time(name = undefined) {
    const key = label(name);
    if (timers.has(key)) print("warn", [`Timer '${key}' already exists`]);
    else timers.set(key, performanceNow());
  },
  timeLog(name = undefined, ...values) {
    timed(name, load("./format.js").prepend("", values), false);
  },
  timeEnd(name = undefined) {
    timed(name, [""], true);
  },
};

/** https://webidl.spec.whatwg.org/#es-namespaces: its prototype is an empty object */
export const console = ObjectCreate(ObjectCreate(ObjectPrototype));
const names = ObjectKeys(members);
for (let i = 0; i < names.length; i++) {
  ObjectDefineProperty(console, names[i], {
    __proto__: null,
    value: members[names[i]],
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
hideSources(console);
ObjectDefineProperty(console, SymbolToStringTag, { __proto__: null, value: "console", configurable: true });

// https://console.spec.whatwg.org/#formatter and a representation of any value
import {
  ArrayIsArray,
  ErrorConstructor,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectKeys,
  RegExpPrototypeTest,
  StringConstructor,
  StringPrototypeSlice,
  StringPrototypeIndexOf,
  JSONStringify,
} from "../infra/primordials.js";
import { isObject } from "../webidl/types.js";

const MAX_DEPTH = 3;
const MAX_ITEMS = 100;

export function prepend(first, values) {
  const list = [first];
  for (let i = 0; i < values.length; i++) list[i + 1] = values[i];
  return list;
}

/** The text of console.log(...values). */
export function format(values) {
  let text = "";
  let next = 0;
  if (typeof values[0] === "string" && values.length > 1) {
    next = 1;
    let rest = values[0];
    for (;;) {
      const at = StringPrototypeIndexOf(rest, "%");
      if (at < 0 || at === rest.length - 1) break;
      const specifier = rest[at + 1];
      text += StringPrototypeSlice(rest, 0, at);
      rest = StringPrototypeSlice(rest, at + 2);
      if (specifier === "%") text += "%";
      else if (next >= values.length) text += `%${specifier}`;
      else if (specifier === "s") text += typeof values[next] === "string" ? values[next++] : inspect(values[next++]);
      else if (specifier === "d" || specifier === "i") text += integer(values[next++]);
      else if (specifier === "f")
        text += typeof values[next] === "symbol" ? (next++, NaN) : parseFloat(values[next++]);
      else if (specifier === "o" || specifier === "O") text += inspect(values[next++]);
      else if (specifier === "c") next++;
      else text += `%${specifier}`;
    }
    text += rest;
  }
  for (let i = next; i < values.length; i++) {
    if (i > 0) text += " ";
    text += typeof values[i] === "string" ? values[i] : inspect(values[i]);
  }
  return text;
}

function integer(value) {
  return typeof value === "symbol" ? NaN : parseInt(value, 10);
}
const { parseInt, parseFloat } = globalThis;

/** The value for a person to read; getters are not called. */
export function inspect(value, depth = 0, ancestors = []) {
  switch (typeof value) {
    case "string":
      return depth === 0 ? value : JSONStringify(value);
    case "bigint":
      return `${value}n`;
    case "symbol":
      return StringConstructor(value);
    case "function":
      return `[${RegExpPrototypeTest(/^class\b/, `${source(value)}`) ? "class" : "Function"}: ${nameOf(value) || "(anonymous)"}]`;
    case "object":
      return value === null ? "null" : inspectObject(value, depth, ancestors);
    default:
      return `${value}`;
  }
}

const functionToString = Function.prototype.toString;
const source = (f) => Reflect.apply(functionToString, f, []);

function nameOf(f) {
  const descriptor = ObjectGetOwnPropertyDescriptor(f, "name");
  return descriptor !== undefined && typeof descriptor.value === "string" ? descriptor.value : "";
}

function inspectObject(object, depth, ancestors) {
  for (let i = 0; i < ancestors.length; i++) if (ancestors[i] === object) return "[Circular]";
  try {
    if (object instanceof ErrorConstructor) return typeof object.stack === "string" ? object.stack : `${object}`;
    const known = special(object, depth, ancestors);
    if (known !== null) return known;
  } catch {
    return "[object]"; // a proxy that throws, for instance
  }
  const isArray = ArrayIsArray(object);
  const name = className(object);
  if (depth >= MAX_DEPTH) return isArray ? "[Array]" : `[${name}]`;
  ancestors = prepend(object, ancestors);
  const keys = ObjectKeys(object);
  const parts = [];
  for (let i = 0; i < keys.length && i < MAX_ITEMS; i++) {
    const { value, get } = ObjectGetOwnPropertyDescriptor(object, keys[i]) ?? { value: undefined };
    const shown = get === undefined ? inspect(value, depth + 1, ancestors) : "[Getter]";
    const isIndex = isArray && `${keys[i] >>> 0}` === keys[i];
    const key = RegExpPrototypeTest(/^[A-Za-z_$][\w$]*$/, keys[i]) ? keys[i] : JSONStringify(keys[i]);
    parts[parts.length] = isIndex ? shown : `${key}: ${shown}`;
  }
  if (keys.length > MAX_ITEMS) parts[parts.length] = `... ${keys.length - MAX_ITEMS} more`;
  return braces(parts, isArray ? "[]" : "{}", isArray || name === "Object" ? "" : `${name} `);
}

function braces(parts, pair, prefix) {
  let inside = "";
  for (let i = 0; i < parts.length; i++) inside += i === 0 ? parts[i] : `, ${parts[i]}`;
  if (inside === "") return `${prefix}${pair}`;
  return pair === "[]" ? `${prefix}[ ${inside} ]` : `${prefix}{ ${inside} }`;
}

function className(object) {
  const prototype = ObjectGetPrototypeOf(object);
  if (prototype === null) return "[Object: null prototype]";
  const { constructor } = prototype;
  return (typeof constructor === "function" && nameOf(constructor)) || "Object";
}

const dateToISOString = Date.prototype.toISOString;
const regExpToString = RegExp.prototype.toString;
const mapForEach = Map.prototype.forEach;
const setForEach = Set.prototype.forEach;

function special(object, depth, ancestors) {
  if (object instanceof Date) return attempt(dateToISOString, object) ?? "Invalid Date";
  if (object instanceof RegExp) return attempt(regExpToString, object);
  if (object instanceof Promise) return "Promise {}";
  if (object instanceof Map || object instanceof Set) {
    if (depth >= MAX_DEPTH) return `[${className(object)}]`;
    const parts = [];
    const isMap = object instanceof Map;
    const inner = prepend(object, ancestors);
    const add = (value, key) => {
      const shown = inspect(value, depth + 1, inner);
      parts[parts.length] = isMap ? `${inspect(key, depth + 1, inner)} => ${shown}` : shown;
    };
    Reflect.apply(isMap ? mapForEach : setForEach, object, [add]);
    return braces(parts, "{}", `${className(object)}(${parts.length}) `);
  }
  return null;
}

function attempt(f, object) {
  try {
    return Reflect.apply(f, object, []);
  } catch {
    return null;
  }
}

/** console.table as lines of text. */
export function table(data, columns) {
  if (!isObject(data)) return inspect(data);
  const rows = ObjectKeys(data);
  const names = columns === undefined ? [] : columns;
  if (columns === undefined) {
    for (let i = 0; i < rows.length; i++) {
      const row = data[rows[i]];
      const keys = isObject(row) ? ObjectKeys(row) : [];
      for (let j = 0; j < keys.length; j++) {
        let known = false;
        for (let k = 0; k < names.length; k++) known ||= names[k] === keys[j];
        if (!known) names[names.length] = keys[j];
      }
    }
  }
  let text = "(index)";
  for (let j = 0; j < names.length; j++) text += ` | ${names[j]}`;
  for (let i = 0; i < rows.length; i++) {
    const row = data[rows[i]];
    text += `\n${rows[i]}`;
    if (!isObject(row)) text += ` | ${inspect(row, 1)}`;
    else for (let j = 0; j < names.length; j++) text += ` | ${names[j] in row ? inspect(row[names[j]], 1) : ""}`;
  }
  return text;
}

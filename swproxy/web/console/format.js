// https://console.spec.whatwg.org/#formatter and a representation of any value
import {
  ArrayIsArray,
  DateConstructor,
  DatePrototypeToISOString,
  ErrorConstructor,
  FunctionPrototypeToString,
  JSONStringify,
  MapConstructor,
  MapKeys,
  MapValues,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ParseFloat,
  ParseInt,
  PromiseConstructor,
  RegExpConstructor,
  RegExpPrototypeTest,
  RegExpPrototypeToString,
  SetConstructor,
  SetValues,
  StringConstructor,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
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
        text += typeof values[next] === "symbol" ? (next++, NaN) : ParseFloat(values[next++]);
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
  return typeof value === "symbol" ? NaN : ParseInt(value, 10);
}

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
      return `[${RegExpPrototypeTest(/^class\b/, FunctionPrototypeToString(value)) ? "class" : "Function"}: ${nameOf(value) || "(anonymous)"}]`;
    case "object":
      return value === null ? "null" : inspectObject(value, depth, ancestors);
    default:
      return `${value}`;
  }
}

function nameOf(f) {
  const descriptor = ObjectGetOwnPropertyDescriptor(f, "name");
  return descriptor !== undefined && typeof descriptor.value === "string" ? descriptor.value : "";
}

function inspectObject(object, depth, ancestors) {
  for (let i = 0; i < ancestors.length; i++) if (ancestors[i] === object) return "[Circular]";
  try {
    if (object instanceof ErrorConstructor) return typeof object.stack === "string" ? object.stack : `${object}`;
    return special(object, depth, ancestors) ?? inspectMembers(object, depth, ancestors);
  } catch {
    return "[object]"; // a proxy that throws, for instance
  }
}

function inspectMembers(object, depth, ancestors) {
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

function special(object, depth, ancestors) {
  if (object instanceof DateConstructor) return attempt(DatePrototypeToISOString, object) ?? "Invalid Date";
  if (object instanceof RegExpConstructor) return attempt(RegExpPrototypeToString, object);
  if (object instanceof PromiseConstructor) return "Promise {}";
  const isMap = object instanceof MapConstructor;
  if (!isMap && !(object instanceof SetConstructor)) return null;
  if (depth >= MAX_DEPTH) return `[${className(object)}]`;
  const inner = prepend(object, ancestors);
  const shown = (value) => inspect(value, depth + 1, inner);
  const parts = isMap ? MapValues(object) : SetValues(object);
  const keys = isMap ? MapKeys(object) : null;
  for (let i = 0; i < parts.length; i++)
    parts[i] = isMap ? `${shown(keys[i])} => ${shown(parts[i])}` : shown(parts[i]);
  return braces(parts, "{}", `${className(object)}(${parts.length}) `);
}

function attempt(f, object) {
  try {
    return f(object);
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

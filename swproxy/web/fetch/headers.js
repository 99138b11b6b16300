// https://fetch.spec.whatwg.org/#headers-class. A header list is an array of [name, value].
import {
  ArrayPrototypeSort,
  ArrayPrototypeSplice,
  RegExpPrototypeTest,
  SafeSet,
  StringPrototypeCharCodeAt,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  StringPrototypeToUpperCase,
  StringPrototypeTrim,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { ByteString, record, sequence, union } from "../webidl/types.js";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** https://fetch.spec.whatwg.org/#header-name */
export const isHeaderName = (name) => RegExpPrototypeTest(TOKEN, name);
export const isToken = isHeaderName;

/** https://fetch.spec.whatwg.org/#header-value, of a normalized value */
const isHeaderValue = (value) => !RegExpPrototypeTest(/[\0\n\r]/, value);

const isWhitespace = (code) => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;

/** https://fetch.spec.whatwg.org/#concept-header-value-normalize */
export function normalizeValue(value) {
  let start = 0;
  let end = value.length;
  while (start < end && isWhitespace(StringPrototypeCharCodeAt(value, start))) start++;
  while (end > start && isWhitespace(StringPrototypeCharCodeAt(value, end - 1))) end--;
  return StringPrototypeSlice(value, start, end);
}

// Header lists (https://fetch.spec.whatwg.org/#concept-header-list). `name` is in lower case throughout.

export function listContains(list, name) {
  for (let i = 0; i < list.length; i++) if (StringPrototypeToLowerCase(list[i][0]) === name) return true;
  return false;
}

/** The combined value, or null. */
export function listGet(list, name) {
  let value = null;
  for (let i = 0; i < list.length; i++) {
    if (StringPrototypeToLowerCase(list[i][0]) === name)
      value = value === null ? list[i][1] : `${value}, ${list[i][1]}`;
  }
  return value;
}

export function listDelete(list, name) {
  for (let i = list.length - 1; i >= 0; i--) {
    if (StringPrototypeToLowerCase(list[i][0]) === name) ArrayPrototypeSplice(list, i, 1);
  }
}

export function listAppend(list, name, value) {
  const lower = StringPrototypeToLowerCase(name);
  for (let i = 0; i < list.length; i++) {
    if (StringPrototypeToLowerCase(list[i][0]) === lower) {
      list[list.length] = [list[i][0], value]; // in the case of the first
      return;
    }
  }
  list[list.length] = [name, value];
}

export function listSet(list, name, value) {
  const lower = StringPrototypeToLowerCase(name);
  let found = false;
  for (let i = 0; i < list.length; i++) {
    if (StringPrototypeToLowerCase(list[i][0]) !== lower) continue;
    if (found) {
      ArrayPrototypeSplice(list, i--, 1);
    } else {
      list[i][1] = value;
      found = true;
    }
  }
  if (!found) list[list.length] = [name, value];
}

export function listCopy(list) {
  const copy = [];
  for (let i = 0; i < list.length; i++) copy[i] = [list[i][0], list[i][1]];
  return copy;
}

/** https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine */
function sortAndCombine(list) {
  const names = [];
  const seen = new SafeSet();
  for (let i = 0; i < list.length; i++) {
    const name = StringPrototypeToLowerCase(list[i][0]);
    if (!seen.has(name)) {
      seen.add(name);
      names[names.length] = name;
    }
  }
  ArrayPrototypeSort(names);
  const combined = [];
  for (let i = 0; i < names.length; i++) {
    if (names[i] === "set-cookie") {
      for (let j = 0; j < list.length; j++) {
        if (StringPrototypeToLowerCase(list[j][0]) === "set-cookie") {
          combined[combined.length] = ["set-cookie", list[j][1]];
        }
      }
    } else {
      combined[combined.length] = [names[i], listGet(list, names[i])];
    }
  }
  return combined;
}

/** The members of a comma-separated header such as Vary, trimmed and in lower case. */
export function fieldValues(list, name) {
  const value = listGet(list, name);
  if (value === null) return [];
  const fields = StringPrototypeSplit(value, ",");
  for (let i = 0; i < fields.length; i++) fields[i] = StringPrototypeToLowerCase(StringPrototypeTrim(fields[i]));
  return fields;
}

// What scripts may not set.

function setOf(...names) {
  const set = new SafeSet();
  for (let i = 0; i < names.length; i++) set.add(names[i]);
  return set;
}
const forbiddenRequestHeaders = setOf(
  "accept-charset",
  "accept-encoding",
  "access-control-request-headers",
  "access-control-request-method",
  "connection",
  "content-length",
  "cookie",
  "cookie2",
  "date",
  "dnt",
  "expect",
  "host",
  "keep-alive",
  "origin",
  "referer",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
);
const methodOverrides = setOf("x-http-method", "x-http-method-override", "x-method-override");
const forbiddenMethods = setOf("CONNECT", "TRACE", "TRACK");

export const isForbiddenMethod = (method) => forbiddenMethods.has(StringPrototypeToUpperCase(method));

/** https://fetch.spec.whatwg.org/#forbidden-request-header */
export function isForbiddenRequestHeader(name, value) {
  name = StringPrototypeToLowerCase(name);
  if (forbiddenRequestHeaders.has(name)) return true;
  if (StringPrototypeStartsWith(name, "proxy-") || StringPrototypeStartsWith(name, "sec-")) return true;
  if (methodOverrides.has(name)) {
    const methods = StringPrototypeSplit(value, ",");
    for (let i = 0; i < methods.length; i++) {
      if (isForbiddenMethod(StringPrototypeTrim(methods[i]))) return true;
    }
  }
  return false;
}

/** https://fetch.spec.whatwg.org/#forbidden-response-header-name */
export function isForbiddenResponseHeader(name) {
  name = StringPrototypeToLowerCase(name);
  return name === "set-cookie" || name === "set-cookie2";
}

const noCorsSafelisted = setOf("accept", "accept-language", "content-language", "content-type");
const UNSAFE_BYTE = /[\0-\x08\x0a-\x1f"():<>?@[\\\]{}\x7f]/;
const LANGUAGE = /^[0-9A-Za-z *,\-.;=]*$/;
const SIMPLE_TYPE = /^(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)[ \t]*(;|$)/i;
const SIMPLE_RANGE = /^bytes=[0-9]+-[0-9]*$/;

/** https://fetch.spec.whatwg.org/#cors-safelisted-request-header */
export function isCorsSafelistedRequestHeader(name, value) {
  if (value.length > 128) return false;
  switch (StringPrototypeToLowerCase(name)) {
    case "accept":
      return !RegExpPrototypeTest(UNSAFE_BYTE, value);
    case "accept-language":
    case "content-language":
      return RegExpPrototypeTest(LANGUAGE, value);
    case "content-type":
      return !RegExpPrototypeTest(UNSAFE_BYTE, value) && RegExpPrototypeTest(SIMPLE_TYPE, normalizeValue(value));
    case "range":
      return RegExpPrototypeTest(SIMPLE_RANGE, value);
    default:
      return false;
  }
}

/** https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header */
const isNoCorsSafelisted = (name, value) =>
  noCorsSafelisted.has(StringPrototypeToLowerCase(name)) && isCorsSafelistedRequestHeader(name, value);

export const HeadersInit = union(sequence(sequence(ByteString)), record(ByteString, ByteString));

export class Headers {
  #list;
  #guard;

  /** An object for a header list that it shares. */
  constructor(list, guard) {
    this.#list = list;
    this.#guard = guard;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #list in value;
  }

  static construct(init) {
    const headers = new Headers([], "none");
    if (init !== undefined) Headers.fill(headers, init);
    return [headers.#list, "none"];
  }

  static list(headers) {
    return headers.#list;
  }

  static pairs(headers) {
    return sortAndCombine(headers.#list);
  }

  static setGuard(headers, guard) {
    headers.#guard = guard;
  }

  /** https://fetch.spec.whatwg.org/#concept-headers-fill, from pairs */
  static fill(headers, init) {
    for (let i = 0; i < init.length; i++) {
      if (init[i].length !== 2) throw new TypeErrorConstructor("A header must be a pair of a name and a value.");
      headers.#append(init[i][0], init[i][1]);
    }
  }

  /** https://fetch.spec.whatwg.org/#headers-validate; false: pretend that nothing was asked */
  #validate(name, value) {
    if (!isHeaderName(name)) throw new TypeErrorConstructor(`'${name}' is not a valid header name.`);
    if (!isHeaderValue(value)) throw new TypeErrorConstructor(`The value of the header '${name}' is not valid.`);
    switch (this.#guard) {
      case "immutable":
        throw new TypeErrorConstructor("Headers are immutable.");
      case "request":
        return !isForbiddenRequestHeader(name, value);
      case "response":
        return !isForbiddenResponseHeader(name);
      default:
        return true;
    }
  }

  #removePrivilegedNoCors() {
    if (this.#guard === "request-no-cors") listDelete(this.#list, "range");
  }

  #append(name, value) {
    value = normalizeValue(value);
    if (!this.#validate(name, value)) return;
    if (this.#guard === "request-no-cors") {
      const before = listGet(this.#list, StringPrototypeToLowerCase(name));
      const temporary = before === null ? value : `${before}, ${value}`;
      if (!isNoCorsSafelisted(name, temporary)) return;
    }
    listAppend(this.#list, name, value);
    this.#removePrivilegedNoCors();
  }

  append(name, value) {
    this.#append(name, value);
  }

  delete(name) {
    if (!this.#validate(name, "")) return;
    const lower = StringPrototypeToLowerCase(name);
    if (this.#guard === "request-no-cors" && !noCorsSafelisted.has(lower) && lower !== "range") return;
    if (!listContains(this.#list, lower)) return;
    listDelete(this.#list, lower);
    this.#removePrivilegedNoCors();
  }

  get(name) {
    if (!isHeaderName(name)) throw new TypeErrorConstructor(`'${name}' is not a valid header name.`);
    return listGet(this.#list, StringPrototypeToLowerCase(name));
  }

  getSetCookie() {
    const values = [];
    for (let i = 0; i < this.#list.length; i++) {
      if (StringPrototypeToLowerCase(this.#list[i][0]) === "set-cookie") values[values.length] = this.#list[i][1];
    }
    return values;
  }

  has(name) {
    if (!isHeaderName(name)) throw new TypeErrorConstructor(`'${name}' is not a valid header name.`);
    return listContains(this.#list, StringPrototypeToLowerCase(name));
  }

  set(name, value) {
    value = normalizeValue(value);
    if (!this.#validate(name, value)) return;
    if (this.#guard === "request-no-cors" && !isNoCorsSafelisted(name, value)) return;
    listSet(this.#list, name, value);
    this.#removePrivilegedNoCors();
  }
}

defineInterface(Headers, {
  constructor: [optional(HeadersInit)],
  operations: {
    append: [ByteString, ByteString],
    delete: [ByteString],
    get: [ByteString],
    getSetCookie: [],
    has: [ByteString],
    set: [ByteString, ByteString],
  },
  iterable: "pairs",
});

// https://url.spec.whatwg.org/#url-class
import { op_url_parse, op_url_set } from "host:ops";
import { TypeErrorConstructor } from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { USVString } from "../webidl/types.js";
import { URLSearchParams } from "./url_search_params.js";

// A parsed URL is the list of its parts, as ops.py has them.
const HREF = 0;
const PROTOCOL = 1;
const USERNAME = 2;
const PASSWORD = 3;
const HOST = 4;
const HOSTNAME = 5;
const PORT = 6;
const PATHNAME = 7;
const SEARCH = 8;
const HASH = 9;
const ORIGIN = 10;

/** The parts of a URL, or undefined for failure. */
export const parseParts = op_url_parse;

/** The serialized URL, or null for failure. */
export function parseURL(url, base = null) {
  const parts = op_url_parse(url, base);
  return parts === undefined ? null : parts[HREF];
}

export const schemeOf = (parts) => parts[PROTOCOL];
export const originOf = (parts) => parts[ORIGIN];
export const hrefOf = (parts) => parts[HREF];
export const hasCredentials = (parts) => parts[USERNAME] !== "" || parts[PASSWORD] !== "";

export class URL {
  #parts;
  #searchParams = null;

  constructor(parts) {
    this.#parts = parts;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #parts in value;
  }

  static construct(url, base) {
    const parts = op_url_parse(url, base ?? null);
    if (parts === undefined) throw new TypeErrorConstructor(`Failed to construct 'URL': Invalid URL: '${url}'`);
    return [parts];
  }

  static parse(url, base) {
    const parts = op_url_parse(url, base ?? null);
    return parts === undefined ? null : new URL(parts);
  }

  static canParse(url, base) {
    return op_url_parse(url, base ?? null) !== undefined;
  }

  #set(name, value) {
    this.#parts = op_url_set(this.#parts[HREF], name, value) ?? this.#parts;
  }

  get href() {
    return this.#parts[HREF];
  }

  set href(value) {
    const parts = op_url_parse(value, null);
    if (parts === undefined) {
      throw new TypeErrorConstructor(`Failed to set the 'href' property on 'URL': Invalid URL: '${value}'`);
    }
    this.#parts = parts;
    if (this.#searchParams !== null) URLSearchParams.reset(this.#searchParams, parts[SEARCH]);
  }

  toJSON() {
    return this.#parts[HREF];
  }

  get origin() {
    return this.#parts[ORIGIN];
  }

  get protocol() {
    return this.#parts[PROTOCOL];
  }

  set protocol(value) {
    this.#set("protocol", value);
  }

  get username() {
    return this.#parts[USERNAME];
  }

  set username(value) {
    this.#set("username", value);
  }

  get password() {
    return this.#parts[PASSWORD];
  }

  set password(value) {
    this.#set("password", value);
  }

  get host() {
    return this.#parts[HOST];
  }

  set host(value) {
    this.#set("host", value);
  }

  get hostname() {
    return this.#parts[HOSTNAME];
  }

  set hostname(value) {
    this.#set("hostname", value);
  }

  get port() {
    return this.#parts[PORT];
  }

  set port(value) {
    this.#set("port", value);
  }

  get pathname() {
    return this.#parts[PATHNAME];
  }

  set pathname(value) {
    this.#set("pathname", value);
  }

  get search() {
    return this.#parts[SEARCH];
  }

  set search(value) {
    this.#set("search", value);
    if (this.#searchParams !== null) URLSearchParams.reset(this.#searchParams, this.#parts[SEARCH]);
  }

  get searchParams() {
    this.#searchParams ??= URLSearchParams.of(this.#parts[SEARCH], (query) => this.#set("search", query));
    return this.#searchParams;
  }

  get hash() {
    return this.#parts[HASH];
  }

  set hash(value) {
    this.#set("hash", value);
  }
}

defineInterface(URL, {
  constructor: [USVString, optional(USVString)],
  readonly: ["origin", "searchParams"],
  attributes: {
    href: USVString,
    protocol: USVString,
    username: USVString,
    password: USVString,
    host: USVString,
    hostname: USVString,
    port: USVString,
    pathname: USVString,
    search: USVString,
    hash: USVString,
  },
  operations: { toJSON: [] },
  statics: { parse: [USVString, optional(USVString)], canParse: [USVString, optional(USVString)] },
  stringifier: "href",
});

// https://fetch.spec.whatwg.org/#request-class
import {
  ObjectKeys,
  ObjectSetPrototypeOf,
  RegExpPrototypeTest,
  StringPrototypeToUpperCase,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { baseURL, origin } from "../html/environment.js";
import { hasCredentials, hrefOf, originOf, parseParts, schemeOf } from "../url/url.js";
import { defineInterface, optional } from "../webidl/interface.js";
import {
  any,
  boolean,
  ByteString,
  dictionary,
  DOMString,
  enumeration,
  interfaceType,
  nullable,
  union,
  USVString,
} from "../webidl/types.js";
import { abortSignal } from "../events/event_target.js";
import { extractBody, InnerBody, mixInBody, XMLHttpRequestBodyInit } from "./body.js";
import { Headers, HeadersInit, isForbiddenMethod, isToken, listContains, listCopy, listGet } from "./headers.js";

const normalized = /^(?:DELETE|GET|HEAD|OPTIONS|POST|PUT)$/i;

/** https://fetch.spec.whatwg.org/#concept-method-normalize */
const normalizeMethod = (method) =>
  RegExpPrototypeTest(normalized, method) ? StringPrototypeToUpperCase(method) : method;

/** https://fetch.spec.whatwg.org/#concept-request */
export class InnerRequest {
  method = "GET";
  url = ""; // serialized, with its fragment
  headers = [];
  body = null;
  destination = "";
  referrer = "about:client";
  referrerPolicy = "";
  mode = "cors";
  credentials = "same-origin";
  cache = "default";
  redirect = "follow";
  integrity = "";
  keepalive = false;
  isReloadNavigation = false;
  isHistoryNavigation = false;
  priority = "auto";
  /** The client's request that this one stands for: the host adds its Cookie and the like to a fetch of it. */
  origin = null;

  /** https://fetch.spec.whatwg.org/#concept-request-clone */
  clone() {
    const copy = this.copyWithoutBody();
    if (this.body !== null) copy.body = this.body.clone();
    return copy;
  }

  copyWithoutBody() {
    const copy = new InnerRequest();
    copy.method = this.method;
    copy.url = this.url;
    copy.headers = listCopy(this.headers);
    copy.destination = this.destination;
    copy.referrer = this.referrer;
    copy.referrerPolicy = this.referrerPolicy;
    copy.mode = this.mode;
    copy.credentials = this.credentials;
    copy.cache = this.cache;
    copy.redirect = this.redirect;
    copy.integrity = this.integrity;
    copy.keepalive = this.keepalive;
    copy.isReloadNavigation = this.isReloadNavigation;
    copy.isHistoryNavigation = this.isHistoryNavigation;
    copy.priority = this.priority;
    copy.origin = this.origin;
    return copy;
  }

  /** What the host says of a request is made into one. */
  static fromHost(description) {
    const { body } = description;
    if (body !== null) description.body = InnerBody.ofHandle(body);
    description.isHistoryNavigation ??= false; // older entries of caches do not say
    description.priority = "auto";
    return ObjectSetPrototypeOf(description, InnerRequest.prototype);
  }

  /** For the host, without the body. */
  toHost() {
    return {
      origin: this.origin,
      method: this.method,
      url: this.url,
      headers: this.headers,
      destination: this.destination,
      referrer: this.referrer,
      referrerPolicy: this.referrerPolicy,
      mode: this.mode,
      credentials: this.credentials,
      cache: this.cache,
      redirect: this.redirect,
      integrity: this.integrity,
      keepalive: this.keepalive,
      isReloadNavigation: this.isReloadNavigation,
      isHistoryNavigation: this.isHistoryNavigation,
    };
  }
}

const RequestMode = enumeration("RequestMode", ["navigate", "same-origin", "no-cors", "cors"]);
const RequestCredentials = enumeration("RequestCredentials", ["omit", "same-origin", "include"]);
const RequestCache = enumeration("RequestCache", [
  "default",
  "no-store",
  "reload",
  "no-cache",
  "force-cache",
  "only-if-cached",
]);
const RequestRedirect = enumeration("RequestRedirect", ["follow", "error", "manual"]);
const RequestDuplex = enumeration("RequestDuplex", ["half"]);
const RequestPriority = enumeration("RequestPriority", ["high", "low", "auto"]);
export const ReferrerPolicy = enumeration("ReferrerPolicy", [
  "",
  "no-referrer",
  "no-referrer-when-downgrade",
  "same-origin",
  "origin",
  "strict-origin",
  "origin-when-cross-origin",
  "strict-origin-when-cross-origin",
  "unsafe-url",
]);

export const RequestInit = dictionary("RequestInit", {
  method: ByteString,
  headers: HeadersInit,
  body: nullable(XMLHttpRequestBodyInit),
  referrer: USVString,
  referrerPolicy: ReferrerPolicy,
  mode: RequestMode,
  credentials: RequestCredentials,
  cache: RequestCache,
  redirect: RequestRedirect,
  integrity: DOMString,
  keepalive: boolean,
  signal: nullable(interfaceType("AbortSignal", (value) => abortSignal.is(value))),
  duplex: RequestDuplex,
  priority: RequestPriority,
  window: any,
});

export class Request {
  #request;
  #guard;
  #signal; // made at its first use; an AbortSignal that it depends on until then
  #ownSignal = null;
  #headers = null;

  constructor(request, guard, signal = null) {
    this.#request = request;
    this.#guard = guard;
    this.#signal = signal;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #request in value;
  }

  static inner(object) {
    return object.#request;
  }

  /** The signal, or null if nobody has asked for one and none was given. */
  static signalOf(object) {
    return object.#ownSignal ?? object.#signal;
  }

  static bodyOf(object) {
    return object.#request.body;
  }

  /** new Request(input, init), whatever the site has made of Request */
  static from(input, init = { __proto__: null }) {
    const made = Request.construct(input, init);
    return new Request(made[0], made[1], made[2]);
  }

  /** https://fetch.spec.whatwg.org/#dom-request */
  static construct(input, init) {
    let request;
    let fallbackMode = null;
    let signal = null;
    let inputBody = null;
    let source = null;
    if (typeof input === "string") {
      const parts = parseParts(input, baseURL());
      if (parts === undefined) throw failed(`Invalid URL: '${input}'`);
      if (hasCredentials(parts)) throw failed(`The URL '${hrefOf(parts)}' includes credentials.`);
      request = new InnerRequest();
      request.url = hrefOf(parts);
      fallbackMode = "cors";
    } else {
      request = input.#request.copyWithoutBody();
      request.destination = "";
      source = input.#request;
      signal = Request.signalOf(input);
      inputBody = source.body;
    }

    const given = ObjectKeys(init).length > 0;
    if (given) {
      if (request.mode === "navigate") request.mode = "same-origin";
      request.isReloadNavigation = false;
      request.isHistoryNavigation = false;
      request.referrer = "about:client";
      request.referrerPolicy = "";
    }
    if (init.window !== undefined && init.window !== null) throw failed("'window' member must be null.");
    if (init.referrer !== undefined) request.referrer = parseReferrer(init.referrer);
    if (init.referrerPolicy !== undefined) request.referrerPolicy = init.referrerPolicy;
    const mode = init.mode ?? fallbackMode;
    if (mode === "navigate") throw failed("Cannot construct a Request with mode 'navigate'.");
    if (mode !== null) request.mode = mode;
    if (init.credentials !== undefined) request.credentials = init.credentials;
    if (init.cache !== undefined) request.cache = init.cache;
    if (request.cache === "only-if-cached" && request.mode !== "same-origin") {
      throw failed("'only-if-cached' can be set only with 'same-origin' mode.");
    }
    if (init.redirect !== undefined) request.redirect = init.redirect;
    if (init.integrity !== undefined) request.integrity = init.integrity;
    if (init.keepalive !== undefined) request.keepalive = init.keepalive;
    if (init.priority !== undefined) request.priority = init.priority;
    if (init.method !== undefined) {
      if (!isToken(init.method)) throw failed(`'${init.method}' is not a valid HTTP method.`);
      if (isForbiddenMethod(init.method)) throw failed(`'${init.method}' HTTP method is unsupported.`);
      request.method = normalizeMethod(init.method);
    }
    if (init.signal !== undefined) ({ signal } = init);

    const guard = request.mode === "no-cors" ? "request-no-cors" : "request";
    if (guard === "request-no-cors" && !isCorsSafelistedMethod(request.method)) {
      throw failed(`'${request.method}' is unsupported in no-cors mode.`);
    }
    if (given) {
      const values = init.headers ?? request.headers;
      request.headers = [];
      Headers.fill(new Headers(request.headers, guard), values);
    }

    const initBody = init.body ?? null;
    if ((initBody !== null || inputBody !== null) && (request.method === "GET" || request.method === "HEAD")) {
      throw failed("Request with GET/HEAD method cannot have body.");
    }
    let body = null;
    if (initBody !== null) {
      const extracted = extractBody(initBody, request.keepalive);
      ({ body } = extracted);
      if (extracted.type !== null && !listContains(request.headers, "content-type")) {
        Headers.fill(new Headers(request.headers, guard), [["Content-Type", extracted.type]]);
      }
    }
    const anyBody = body ?? inputBody;
    if (anyBody !== null && body !== null && anyBody.stream !== null) {
      if (init.duplex === undefined)
        throw failed("The 'duplex' member must be specified for a request with a streaming body.");
      if (request.mode !== "same-origin" && request.mode !== "cors")
        throw failed("A streaming body needs the mode 'same-origin' or 'cors'.");
    }
    if (body === null && inputBody !== null) {
      if (inputBody.unusable)
        throw failed("Cannot construct a Request with a Request object that has already been used.");
      body = inputBody.transfer();
    }
    request.body = body;
    return [request, guard, signal === null ? null : dependentSignal(signal)];
  }

  get method() {
    return this.#request.method;
  }

  get url() {
    return this.#request.url;
  }

  get headers() {
    this.#headers ??= new Headers(this.#request.headers, this.#guard);
    return this.#headers;
  }

  get destination() {
    return this.#request.destination;
  }

  get referrer() {
    const { referrer } = this.#request;
    return referrer === "no-referrer" ? "" : referrer;
  }

  get referrerPolicy() {
    return this.#request.referrerPolicy;
  }

  get mode() {
    return this.#request.mode;
  }

  get credentials() {
    return this.#request.credentials;
  }

  get cache() {
    return this.#request.cache;
  }

  get redirect() {
    return this.#request.redirect;
  }

  get integrity() {
    return this.#request.integrity;
  }

  get keepalive() {
    return this.#request.keepalive;
  }

  get isReloadNavigation() {
    return this.#request.isReloadNavigation;
  }

  get isHistoryNavigation() {
    return this.#request.isHistoryNavigation;
  }

  get signal() {
    this.#ownSignal ??= this.#signal ?? dependentSignal(null);
    return this.#ownSignal;
  }

  get duplex() {
    void this.#request;
    return "half";
  }

  clone() {
    const request = this.#request;
    if (request.body !== null && request.body.unusable) {
      throw new TypeErrorConstructor("Failed to execute 'clone' on 'Request': The body is locked or has been read.");
    }
    return new Request(request.clone(), this.#guard, dependentSignal(this.signal));
  }
}

const failed = (message) => new TypeErrorConstructor(`Failed to construct 'Request': ${message}`);

const isCorsSafelistedMethod = (method) => method === "GET" || method === "HEAD" || method === "POST";

/** A signal that is aborted with the given one. */
function dependentSignal(signal) {
  const { AbortSignal } = load("../abort/abort_signal.js");
  return AbortSignal.dependentOn(signal === null ? [] : [signal]);
}

function parseReferrer(referrer) {
  if (referrer === "") return "no-referrer";
  const parts = parseParts(referrer, baseURL());
  if (parts === undefined) throw failed(`Referrer '${referrer}' is not a valid URL.`);
  const isClient = schemeOf(parts) === "about:" && hrefOf(parts) === "about:client";
  return isClient || originOf(parts) !== origin() ? "about:client" : hrefOf(parts);
}

mixInBody(Request, (object) => listGet(Request.inner(object).headers, "content-type"));

export const requestType = interfaceType("Request", Request.is);
/** RequestInfo: a Request, or the string of a URL */
export const RequestInfo = union(requestType, USVString);

defineInterface(Request, {
  constructor: [RequestInfo, optional(RequestInit)],
  readonly: [
    "method",
    "url",
    "headers",
    "destination",
    "referrer",
    "referrerPolicy",
    "mode",
    "credentials",
    "cache",
    "redirect",
    "integrity",
    "keepalive",
    "isReloadNavigation",
    "isHistoryNavigation",
    "signal",
    "duplex",
    "body",
    "bodyUsed",
  ],
  operations: { clone: [], arrayBuffer: [], blob: [], bytes: [], formData: [], json: [], text: [], textStream: [] },
});

// https://fetch.spec.whatwg.org/#response-class
import {
  JSONStringify,
  ObjectSetPrototypeOf,
  RangeErrorConstructor,
  RegExpPrototypeTest,
  StringPrototypeSplit,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { baseURL } from "../html/environment.js";
import { hrefOf, parseParts } from "../url/url.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { any, ByteString, dictionary, nullable, unsignedShort, USVString, withDefault } from "../webidl/types.js";
import { extractBody, InnerBody, mixInBody, XMLHttpRequestBodyInit } from "./body.js";
import { Headers, HeadersInit, listAppend, listContains, listCopy, listGet } from "./headers.js";

const isNullBodyStatus = (status) =>
  status === 101 || status === 103 || status === 204 || status === 205 || status === 304;
const isRedirectStatus = (status) =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308;

/**
 * https://fetch.spec.whatwg.org/#concept-response. A filtered response is the internal one whose type says what
 * scripts may see of it: nothing of "error", "opaque" and "opaqueredirect".
 */
export class InnerResponse {
  type = "default";
  urls = []; // serialized; those of opaque ones stay secret
  status = 200;
  statusText = "";
  headers = [];
  body = null;
  /** "network", "cache" or "script", for the log */
  source = "script";

  get isOpaque() {
    return this.type === "opaque" || this.type === "opaqueredirect" || this.type === "error";
  }

  /** https://fetch.spec.whatwg.org/#concept-response-clone */
  clone() {
    const copy = new InnerResponse();
    copy.type = this.type;
    copy.urls = this.urls;
    copy.status = this.status;
    copy.statusText = this.statusText;
    copy.headers = listCopy(this.headers);
    copy.source = this.source;
    if (this.body !== null) copy.body = this.body.clone();
    return copy;
  }

  /** What the host says of a response is made into one: { type, urls, status, statusText, headers, source, body }. */
  static fromHost(description) {
    const { body } = description;
    if (body !== null) description.body = InnerBody.ofHandle(body);
    return ObjectSetPrototypeOf(description, InnerResponse.prototype);
  }

  /** For the host; the body becomes the host's, and this response is used up: `body` is the handle. */
  toHost(body = this.body === null ? null : this.body.takeHandle()) {
    return {
      type: this.type,
      urls: this.urls,
      status: this.status,
      statusText: this.statusText,
      headers: this.headers,
      source: this.source,
      body,
    };
  }

  static networkError() {
    const response = new InnerResponse();
    response.type = "error";
    response.status = 0;
    return response;
  }
}

const ResponseInit = dictionary("ResponseInit", {
  status: withDefault(unsignedShort, 200),
  statusText: withDefault(ByteString, ""),
  headers: HeadersInit,
});

const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

export class Response {
  #response;
  #guard;
  #headers = null;

  constructor(response, guard = "response") {
    this.#response = response;
    this.#guard = guard;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #response in value;
  }

  static inner(object) {
    return object.#response;
  }

  static bodyOf(object) {
    const response = object.#response;
    return response.isOpaque ? null : response.body;
  }

  static construct(body, init) {
    const extracted = body === null || body === undefined ? null : extractBody(body);
    return [initialize(new InnerResponse(), init, extracted)];
  }

  static error() {
    return new Response(InnerResponse.networkError(), "immutable");
  }

  static redirect(url, status) {
    const parts = parseParts(url, baseURL());
    if (parts === undefined)
      throw new TypeErrorConstructor(`Failed to execute 'redirect' on 'Response': Invalid URL: '${url}'`);
    if (!isRedirectStatus(status)) {
      throw new RangeErrorConstructor(`Failed to execute 'redirect' on 'Response': ${status} is no redirect status.`);
    }
    const response = new InnerResponse();
    response.status = status;
    listAppend(response.headers, "Location", hrefOf(parts));
    return new Response(response, "immutable");
  }

  static json(data, init) {
    const text = JSONStringify(data);
    if (text === undefined)
      throw new TypeErrorConstructor("Failed to execute 'json' on 'Response': The data cannot be serialized.");
    return new Response(
      initialize(new InnerResponse(), init, { body: InnerBody.ofText(text), type: "application/json" }),
    );
  }

  get type() {
    return this.#response.type;
  }

  get url() {
    const { type, urls, isOpaque } = this.#response;
    // An opaque-redirect filtered response keeps its URL list.
    if ((isOpaque && type !== "opaqueredirect") || urls.length === 0) return "";
    const url = urls[urls.length - 1];
    return StringPrototypeSplit(hrefOf(parseParts(url, null) ?? [url]), "#")[0];
  }

  get redirected() {
    return !this.#response.isOpaque && this.#response.urls.length > 1;
  }

  get status() {
    return this.#response.isOpaque ? 0 : this.#response.status;
  }

  get ok() {
    const { isOpaque, status } = this.#response;
    return !isOpaque && status >= 200 && status <= 299;
  }

  get statusText() {
    return this.#response.isOpaque ? "" : this.#response.statusText;
  }

  get headers() {
    this.#headers ??= new Headers(this.#response.isOpaque ? [] : this.#response.headers, this.#guard);
    return this.#headers;
  }

  clone() {
    const response = this.#response;
    if (response.body !== null && response.body.unusable) {
      throw new TypeErrorConstructor("Failed to execute 'clone' on 'Response': The body is locked or has been read.");
    }
    return new Response(response.clone(), this.#guard);
  }
}

/** https://fetch.spec.whatwg.org/#initialize-a-response */
function initialize(response, { status, statusText, headers }, extracted) {
  if (status < 200 || status > 599) {
    throw new RangeErrorConstructor(`The status ${status} is outside the range [200, 599].`);
  }
  if (!RegExpPrototypeTest(REASON_PHRASE, statusText)) throw new TypeErrorConstructor("The statusText is not valid.");
  response.status = status;
  response.statusText = statusText;
  if (headers !== undefined) Headers.fill(new Headers(response.headers, "response"), headers);
  if (extracted !== null) {
    if (isNullBodyStatus(status))
      throw new TypeErrorConstructor(`A response with the status ${status} cannot have a body.`);
    response.body = extracted.body;
    if (extracted.type !== null && !listContains(response.headers, "content-type")) {
      listAppend(response.headers, "Content-Type", extracted.type);
    }
  }
  return response;
}

mixInBody(Response, (object) => listGet(Response.inner(object).headers, "content-type"));

defineInterface(Response, {
  constructor: [optional(nullable(XMLHttpRequestBodyInit), null), optional(ResponseInit)],
  statics: {
    error: [],
    redirect: [USVString, optional(unsignedShort, 302)],
    json: [any, optional(ResponseInit)],
  },
  readonly: ["type", "url", "redirected", "status", "ok", "statusText", "headers", "body", "bodyUsed"],
  operations: { clone: [], arrayBuffer: [], blob: [], bytes: [], formData: [], json: [], text: [], textStream: [] },
});

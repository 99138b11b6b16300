// https://w3c.github.io/ServiceWorker/#cache-interface: the caches that the origin's workers have, for documents.
import { ask, SignalGet } from "./cache_operations.js";
import {
  AbortController,
  addListener,
  bare,
  blobSize,
  closeReadable,
  enqueue,
  forJSON,
  getter,
  Promise,
  PromisePrototypeThen,
  push,
  ReadableStream,
  ReflectApply,
  RegExpPrototypeExec,
  replaceMethod,
  Request,
  Response,
  Symbol,
  TypeError,
  uncurry,
} from "./primordials.js";
import { fetchAsPage } from "./requests.js";
import {
  appendHeader,
  attribute,
  forEachHeader,
  known,
  recall,
  remember,
  RequestGet,
  responseError,
  ResponseGet,
  REST,
  valueOfHeader,
} from "./responses.js";
import { constructing, create, defineInterface, dictionary, isObject } from "./webidl.js";

const signalOf = getter(AbortController.prototype, "signal");
const isLocked = getter(ReadableStream.prototype, "locked");

const readAsBlob = uncurry(Response.prototype.blob);
const abort = uncurry(AbortController.prototype.abort);

// Requests

function isRequest(value) {
  try {
    return !!RequestGet.url(value);
  } catch {
    return false;
  }
}

const toRequest = (info) => (isRequest(info) ? info : new Request(info));

function headerList(headers, hidden = []) {
  const list = bare();
  forEachHeader(headers, (value, name) => (list[list.length] = [name, value]));
  for (let i = 0; i < hidden.length; i++) list[list.length] = hidden[i];
  return forJSON(list);
}

function matchable(request) {
  const headers = headerList(RequestGet.headers(request), recall(known, request)?.headers);
  return { __proto__: null, method: RequestGet.method(request), url: RequestGet.url(request), headers };
}

function describeRequest(request) {
  const rest = { __proto__: null };
  for (let i = 0; i < REST.length; i++) rest[REST[i]] = RequestGet[REST[i]](request);
  rest.referrer ||= "no-referrer";
  return { __proto__: null, ...matchable(request), rest };
}

/** A request that the proxy describes, as far as scripts can have it. */
function requestOf({ method, url, headers, rest }) {
  const init = { __proto__: null, ...rest, method };
  if (init.mode === "navigate") init.mode = "same-origin";
  if (init.cache === "only-if-cached") init.cache = "default";
  if (init.referrer === "no-referrer") init.referrer = "";
  let request;
  try {
    request = new Request(url, init);
  } catch {
    request = new Request(url);
  }
  const own = RequestGet.headers(request);
  const hidden = bare();
  for (let i = 0; i < headers.length; i++) {
    appendHeader(own, headers[i][0], headers[i][1]);
    if (valueOfHeader(own, headers[i][0]) === null) hidden[hidden.length] = headers[i];
  }
  if (hidden.length > 0) remember(known, request, { headers: hidden });
  return request;
}

/** What is to be matched, null for everything, undefined for nothing. */
function queryFor(info, options) {
  if (info === undefined) return null;
  const query = matchable(toRequest(info));
  return query.method === "GET" || options.ignore_method ? { __proto__: null, ...query, ...options } : undefined;
}

function queryOptions(options) {
  const { ignoreMethod, ignoreSearch, ignoreVary } = dictionary(options);
  return { ignore_method: !!ignoreMethod, ignore_search: !!ignoreSearch, ignore_vary: !!ignoreVary };
}

function checkRequest(request) {
  const url = RequestGet.url(request);
  if (RegExpPrototypeExec(/^https?:/, url) === null)
    throw new TypeError(`Only http and https requests can be cached, not '${url}'.`);
  const method = RequestGet.method(request);
  if (method !== "GET") throw new TypeError(`Only GET requests can be cached, not ${method}.`);
}

// Responses

/** A response that the proxy has found; `take` gives its body, if that has come with it. */
function responseOf({ type, url, redirected, status, statusText, headers, size, entry }, take) {
  if (entry !== null) entry = { __proto__: null, ...entry };
  let response;
  if (status) {
    const body = size === null ? null : entry === null ? take(size) : bodyOfEntry(entry, size);
    response = new Response(body, { __proto__: null, status, statusText });
    const own = ResponseGet.headers(response);
    for (let i = 0; i < headers.length; i++) appendHeader(own, headers[i][0], headers[i][1]);
  } else {
    response = responseError();
  }
  remember(known, response, { __proto__: null, type, url, redirected, entry });
  return response;
}

/** Pieces are asked for when they are read. */
function bodyOfEntry(entry, size) {
  let offset = 0;
  const source = {
    __proto__: null,
    async pull(controller) {
      const { value, take } = await ask("read", { entry, offset });
      offset += value;
      enqueue(controller, take(value));
      if (offset === size) closeReadable(controller);
    },
  };
  return new ReadableStream(source, { __proto__: null, highWaterMark: 0 });
}

function checkResponse(response, url) {
  const vary = valueOfHeader(ResponseGet.headers(response), "Vary");
  if (
    ResponseGet.status(response) === 206 ||
    (vary && RegExpPrototypeExec(/(^|,)[\t ]*\*[\t ]*(,|$)/, vary) !== null)
  )
    throw new TypeError(`The response to ${url} is partial (206), or varies by everything ('Vary: *').`);
}

function isOpaque(response) {
  const type = attribute(response, "type");
  return type === "opaque" || type === "opaqueredirect";
}

/** One of a batch: the request, the response as the proxy stores it, and a promise of the body, which is read. */
function putOf(request, response) {
  const url = attribute(response, "url");
  const urls = url === "" ? [] : attribute(response, "redirected") ? [request.url, url] : [url];
  const { headers, status, statusText, body } = ResponseGet;
  const type = attribute(response, "type");
  return {
    request,
    response: forJSON([type, urls, status(response), statusText(response), headerList(headers(response))]),
    body: body(response) === null ? null : readAsBlob(response),
  };
}

/** https://w3c.github.io/ServiceWorker/#batch-cache-operations-algorithm */
async function store(cache, puts, signal = undefined) {
  const described = bare();
  const bodies = bare();
  for (let i = 0; i < puts.length; i++) {
    const { request, response } = puts[i];
    const body = await puts[i].body;
    described[i] = { __proto__: null, request, response, size: body && blobSize(body) };
    if (body !== null) bodies[bodies.length] = body;
  }
  await ask("put", { cache, puts: forJSON(described) }, bodies, signal);
}

/** https://w3c.github.io/ServiceWorker/#cache-put */
async function put(cache, asked, response) {
  checkRequest(asked);
  const request = describeRequest(asked);
  checkResponse(response, request.url);
  if (isOpaque(response)) {
    const { entry, asked: fetch } = recall(known, response) ?? { __proto__: null };
    if (entry) await ask("copy", { cache, request, entry });
    else if (fetch) await ask("fetch", { cache, request, fetch });
    else throw new TypeError(`swproxy cannot tell where the response to ${request.url} comes from.`);
    return;
  }
  const body = ResponseGet.body(response);
  if (body !== null && (ResponseGet.bodyUsed(response) || isLocked(body)))
    throw new TypeError("The body of the response is locked or has been read.");
  await store(cache, [putOf(request, response)]);
}

/** https://w3c.github.io/ServiceWorker/#cache-addAll */
async function addAll(cache, infos) {
  const requests = bare();
  for (let i = 0; i < infos.length; i++) checkRequest((requests[i] = new Request(infos[i])));
  const controller = new AbortController();
  const signal = signalOf(controller);
  for (let i = 0; i < requests.length; i++) {
    const own = RequestGet.signal(requests[i]);
    const giveUp = () => abort(controller, SignalGet.reason(own));
    if (SignalGet.aborted(own)) giveUp();
    else addListener(own, "abort", giveUp);
  }
  const puts = bare();
  await new Promise((resolve, reject) => {
    let missing = requests.length;
    if (missing === 0) resolve();
    const fetchOne = async (i) => {
      const request = describeRequest(requests[i]);
      const response = await fetchAsPage(new Request(requests[i], { __proto__: null, signal }));
      if (!ResponseGet.ok(response)) throw new TypeError(`The response to ${request.url} is not ok.`);
      checkResponse(response, request.url);
      puts[i] = putOf(request, response);
      await puts[i].body;
      if (--missing === 0) resolve();
    };
    for (let i = 0; i < requests.length; i++) {
      PromisePrototypeThen(fetchOne(i), undefined, (error) => {
        reject(error);
        abort(controller, error);
      });
    }
  });
  await store(cache, puts, signal);
}

// The interfaces

function need(count, given) {
  if (given < count) throw new TypeError(`Too few arguments: ${count} are needed.`);
}

async function find(where, info, options) {
  const query = queryFor(info, options);
  const responses = [];
  if (query === undefined) return responses;
  const { value, take } = await ask("match", { ...where, query });
  for (let i = 0; i < value.length; i++) push(responses, responseOf(value[i], take));
  return responses;
}

export class Cache {
  #id;

  constructor() {
    constructing();
    this.#id = arguments[0];
  }

  async match(request, options = undefined) {
    const cache = this.#id;
    need(1, arguments.length);
    return (await find({ cache }, toRequest(request), queryOptions(options)))[0];
  }

  async matchAll(request = undefined, options = undefined) {
    return await find({ cache: this.#id, all: true }, request, queryOptions(options));
  }

  async add(request) {
    const cache = this.#id;
    need(1, arguments.length);
    await addAll(cache, [toRequest(request)]);
  }

  async addAll(requests) {
    const cache = this.#id;
    need(1, arguments.length);
    await addAll(cache, requestsOf(requests));
  }

  async put(request, response) {
    const cache = this.#id;
    need(2, arguments.length);
    const asked = toRequest(request);
    ResponseGet.status(response); // throws for other objects
    await put(cache, asked, response);
  }

  async delete(request, options = undefined) {
    const cache = this.#id;
    need(1, arguments.length);
    const query = queryFor(toRequest(request), queryOptions(options));
    return query !== undefined && (await ask("remove", { cache, query })).value;
  }

  async keys(request = undefined, options = undefined) {
    const cache = this.#id;
    const query = queryFor(request, queryOptions(options));
    const requests = [];
    if (query === undefined) return requests;
    const { value } = await ask("keys", { cache, query });
    for (let i = 0; i < value.length; i++) push(requests, requestOf(value[i]));
    return requests;
  }
}

/** The elements of a sequence<RequestInfo>. */
function requestsOf(value) {
  const method = isObject(value) ? value[Symbol.iterator] : undefined;
  if (typeof method !== "function") throw new TypeError("The requests are no sequence.");
  const iterator = ReflectApply(method, value, []);
  const { next } = iterator;
  const requests = bare();
  for (;;) {
    const result = ReflectApply(next, iterator, []);
    if (result.done) return requests;
    requests[requests.length] = toRequest(result.value);
  }
}

export class CacheStorage {
  #brand;

  constructor() {
    constructing();
  }

  async match(request, options = undefined) {
    this.#brand;
    need(1, arguments.length);
    const query = queryOptions(options);
    const { cacheName } = dictionary(options);
    return (await find({ name: cacheName === undefined ? null : `${cacheName}` }, toRequest(request), query))[0];
  }

  async has(cacheName) {
    this.#brand;
    need(1, arguments.length);
    return (await ask("has", { name: `${cacheName}` })).value;
  }

  async open(cacheName) {
    this.#brand;
    need(1, arguments.length);
    return create(Cache, (await ask("open", { name: `${cacheName}` })).value);
  }

  async delete(cacheName) {
    this.#brand;
    need(1, arguments.length);
    return (await ask("drop", { name: `${cacheName}` })).value;
  }

  async keys() {
    this.#brand;
    return (await ask("names")).value;
  }
}

defineInterface(Cache, { operations: ["add", "addAll", "delete", "keys", "match", "matchAll", "put"] });
defineInterface(CacheStorage, { operations: ["delete", "has", "keys", "match", "open"] });

// In the document

export const caches = create(CacheStorage);

/** Remembers of responses that no script may read where they come from. */
export function installCaches() {
  replaceMethod(globalThis, "fetch", (native, self, args) => {
    const asked = args.length === 0 ? null : opaqueRequest(args[0], args[1]);
    const fetching = ReflectApply(native, self, args);
    if (asked === null) return fetching;
    return PromisePrototypeThen(fetching, (response) => {
      if (isOpaque(response)) remember(known, response, { __proto__: null, ...recall(known, response), asked });
      return response;
    });
  });
}

/** The description of a request whose response may be opaque, if it can be made again; else null. */
function opaqueRequest(input, init) {
  try {
    const isObject = isRequest(input);
    const { mode, redirect } = RequestGet;
    const isHidden = (init?.mode ?? (isObject && mode(input))) === "no-cors";
    if (!isHidden && (init?.redirect ?? (isObject && redirect(input))) !== "manual") return null;
    if ((isObject && RequestGet.method(input) !== "GET") || (init?.body ?? null) !== null) return null;
    const request = new Request(input, init);
    return RequestGet.method(request) === "GET" ? describeRequest(request) : null;
  } catch {
    return null; // fetch() tells what is wrong with it
  }
}

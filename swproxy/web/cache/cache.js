// https://w3c.github.io/ServiceWorker/#cache-interface
import { op_cache_delete, op_cache_keys, op_cache_match, op_cache_put } from "host:ops";
import {
  ArrayPrototypeIncludes,
  ObjectFreeze,
  PromiseConstructor,
  RegExpPrototypeTest,
  TypeErrorConstructor,
  upon,
} from "../infra/primordials.js";
import { fieldValues } from "../fetch/headers.js";
import { fetching } from "../fetch/fetch.js";
import { InnerRequest, Request, RequestInfo } from "../fetch/request.js";
import { InnerResponse, Response } from "../fetch/response.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import { boolean, dictionary, interfaceType, sequence, withDefault } from "../webidl/types.js";

export const CacheQueryOptions = dictionary("CacheQueryOptions", {
  ignoreSearch: withDefault(boolean, false),
  ignoreMethod: withDefault(boolean, false),
  ignoreVary: withDefault(boolean, false),
});

const HTTP = /^https?:/;

/** The InnerRequest of a RequestInfo. */
export const innerRequestOf = (info) => Request.inner(typeof info === "string" ? Request.from(info) : info);

/** What the host matches by. */
export const queryOf = (request) => ({ method: request.method, url: request.url, headers: request.headers });

/** A Response for what the host found, or undefined. */
export const cachedResponse = (found) =>
  found === undefined ? undefined : new Response(InnerResponse.fromHost(found), "immutable");

/** Whether a method other than GET can match at all. */
export const canMatch = (request, options) => request.method === "GET" || options.ignoreMethod;

export class Cache {
  #id;

  constructor(id) {
    this.#id = id;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #id in value;
  }

  async match(info, options) {
    const request = innerRequestOf(info);
    if (!canMatch(request, options)) return undefined;
    return cachedResponse(op_cache_match(this.#id, queryOf(request), options, true)[0]);
  }

  async matchAll(info, options) {
    let query = null;
    if (info !== undefined) {
      const request = innerRequestOf(info);
      if (!canMatch(request, options)) return ObjectFreeze([]);
      query = queryOf(request);
    }
    const found = op_cache_match(this.#id, query, options, false);
    const responses = [];
    for (let i = 0; i < found.length; i++) responses[i] = cachedResponse(found[i]);
    return ObjectFreeze(responses);
  }

  async add(info) {
    await addAll(this.#id, [info]);
  }

  async addAll(requests) {
    await addAll(this.#id, requests);
  }

  async put(info, response) {
    const request = innerRequestOf(info);
    checkRequest(request);
    const inner = Response.inner(response);
    if (inner.status === 206) throw new TypeErrorConstructor("A partial response (206) cannot be cached.");
    checkVary(inner);
    if (inner.body !== null && inner.body.unusable)
      throw new TypeErrorConstructor("The body of the response is locked or has been read.");
    const store = (body) => op_cache_put(this.#id, [{ request: request.toHost(), response: inner.toHost(body) }]);
    await (inner.body === null ? store(null) : inner.body.readHandle(store));
  }

  async delete(info, options) {
    const request = innerRequestOf(info);
    return canMatch(request, options) && op_cache_delete(this.#id, queryOf(request), options);
  }

  async keys(info, options) {
    let query = null;
    if (info !== undefined) {
      const request = innerRequestOf(info);
      if (!canMatch(request, options)) return ObjectFreeze([]);
      query = queryOf(request);
    }
    const found = op_cache_keys(this.#id, query, options);
    const requests = [];
    for (let i = 0; i < found.length; i++) requests[i] = new Request(InnerRequest.fromHost(found[i]), "immutable");
    return ObjectFreeze(requests);
  }
}

function checkRequest(request) {
  if (!RegExpPrototypeTest(HTTP, request.url)) {
    throw new TypeErrorConstructor(`Only http and https requests can be cached, not '${request.url}'.`);
  }
  if (request.method !== "GET")
    throw new TypeErrorConstructor(`Only GET requests can be cached, not ${request.method}.`);
}

function checkVary(response) {
  if (ArrayPrototypeIncludes(fieldValues(response.headers, "vary"), "*")) {
    throw new TypeErrorConstructor("A response with 'Vary: *' cannot be cached.");
  }
}

/** https://w3c.github.io/ServiceWorker/#cache-addAll */
async function addAll(id, infos) {
  const objects = [];
  for (let i = 0; i < infos.length; i++) {
    if (typeof infos[i] !== "string") checkRequest(Request.inner(infos[i]));
  }
  for (let i = 0; i < infos.length; i++) {
    objects[i] = Request.from(infos[i]);
    checkRequest(Request.inner(objects[i]));
  }
  const { AbortSignal } = load("../abort/abort_signal.js");
  const failed = new AbortSignal(); // one of the others has
  const puts = [];
  const signals = [];
  await new PromiseConstructor((resolve, reject) => {
    let missing = objects.length;
    if (missing === 0) resolve();
    for (let i = 0; i < objects.length; i++) {
      const signal = Request.signalOf(objects[i]);
      signals[i] = signal === null ? failed : AbortSignal.dependentOn([failed, signal]);
      // What is stored is the request as it was asked: fetching uses it up.
      const request = Request.inner(objects[i]).toHost();
      upon(
        fetchForCache(Request.inner(objects[i]), signals[i]),
        (response) => {
          puts[i] = { request, response: response.toHost() };
          if (--missing === 0) resolve();
        },
        (error) => {
          reject(error);
          AbortSignal.signalAbort(failed);
        },
      );
    }
  });
  await new PromiseConstructor((resolve, reject) => {
    for (let i = 0; i < signals.length; i++) AbortSignal.add(signals[i], reject);
    upon((async () => op_cache_put(id, puts))(), resolve, reject);
  });
}

async function fetchForCache(request, signal) {
  const { url } = request;
  const response = await fetching(request, signal);
  const status = response.type === "opaque" ? 0 : response.status;
  if (status < 200 || status > 299 || status === 206) {
    throw new TypeErrorConstructor(`The response to ${url} has the status ${status}, which is not ok.`);
  }
  checkVary(response);
  return response;
}

const query = [RequestInfo, optional(CacheQueryOptions)];

defineInterface(Cache, {
  operations: {
    match: promising(query),
    matchAll: promising([optional(RequestInfo), optional(CacheQueryOptions)]),
    add: promising([RequestInfo]),
    addAll: promising([sequence(RequestInfo)]),
    put: promising([RequestInfo, interfaceType("Response", Response.is)]),
    delete: promising(query),
    keys: promising([optional(RequestInfo), optional(CacheQueryOptions)]),
  },
});

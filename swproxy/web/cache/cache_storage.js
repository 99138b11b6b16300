// https://w3c.github.io/ServiceWorker/#cachestorage-interface
import { op_caches_delete, op_caches_has, op_caches_keys, op_caches_match, op_caches_open } from "host:ops";
import { RequestInfo } from "../fetch/request.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import { dictionary, DOMString } from "../webidl/types.js";
import { Cache, CacheQueryOptions, cachedResponse, canMatch, innerRequestOf, queryOf } from "./cache.js";

const MultiCacheQueryOptions = dictionary("MultiCacheQueryOptions", { cacheName: DOMString }, CacheQueryOptions);

export class CacheStorage {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  async match(info, options) {
    const request = innerRequestOf(info);
    if (!canMatch(request, options)) return undefined;
    return cachedResponse(op_caches_match(options.cacheName ?? null, queryOf(request), options));
  }

  async has(name) {
    return op_caches_has(name);
  }

  async open(name) {
    return new Cache(op_caches_open(name));
  }

  async delete(name) {
    return op_caches_delete(name);
  }

  async keys() {
    return op_caches_keys();
  }
}

defineInterface(CacheStorage, {
  operations: {
    match: promising([RequestInfo, optional(MultiCacheQueryOptions)]),
    has: promising([DOMString]),
    open: promising([DOMString]),
    delete: promising([DOMString]),
    keys: promising([]),
  },
});

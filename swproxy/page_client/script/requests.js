// What Fetch knows of a request of this document and its header does not tell: for the proxy, in Content-Language,
// which needs no preflight if a redirect leads elsewhere. It never gets farther than the proxy.
import { ownClientId } from "./channel.js";
import { isControlled } from "./container.js";
import {
  defineOwn,
  fetchNatively,
  getter,
  Headers,
  location,
  PromiseReject,
  ReflectApply,
  Request,
  String,
  StringPrototypeStartsWith,
  uncurry,
  XMLHttpRequest,
} from "./primordials.js";
import { resolve } from "./environment.js";

const HEADER = "Content-Language";
const CODES = {
  __proto__: null,
  omit: "o",
  "same-origin": "s",
  include: "i",
  default: "d",
  "no-store": "n",
  reload: "r",
  "no-cache": "c",
  "force-cache": "f",
  "only-if-cached": "o",
  follow: "f",
  error: "e",
  manual: "m",
  "": "0",
  "no-referrer": "1",
  "no-referrer-when-downgrade": "2",
  origin: "3",
  "origin-when-cross-origin": "4",
  "strict-origin": "5",
  "strict-origin-when-cross-origin": "6",
  "unsafe-url": "7",
};
const POLICY_SAME_ORIGIN = "8";

const urlOf = getter(Request.prototype, "url");
const headersOf = getter(Request.prototype, "headers");
const credentialsOf = getter(Request.prototype, "credentials");
const cacheOf = getter(Request.prototype, "cache");
const redirectOf = getter(Request.prototype, "redirect");
const policyOf = getter(Request.prototype, "referrerPolicy");
const keepaliveOf = getter(Request.prototype, "keepalive");
const integrityOf = getter(Request.prototype, "integrity");
const setHeader = uncurry(Headers.prototype.set);
const getHeader = uncurry(Headers.prototype.get);
const hasHeader = uncurry(Headers.prototype.has);

const home = location.origin + "/";

const token = (credentials, cache, redirect, keepalive, policy) =>
  `swproxy-${ownClientId()}-${credentials}${cache}${redirect}${keepalive}${policy}`;

function tag(request) {
  if (!StringPrototypeStartsWith(urlOf(request), home)) return;
  const headers = headersOf(request);
  // https://fetch.spec.whatwg.org/#http-network-or-cache-fetch: who asks with conditions does not mean the cache.
  const isConditional = hasHeader(headers, "If-None-Match") || hasHeader(headers, "If-Modified-Since");
  const policy = policyOf(request);
  const said = token(
    CODES[credentialsOf(request)],
    isConditional ? "n" : CODES[cacheOf(request)],
    CODES[redirectOf(request)],
    keepaliveOf(request) ? "k" : "0",
    policy === "same-origin" ? POLICY_SAME_ORIGIN : CODES[policy],
  );
  const own = getHeader(headers, HEADER);
  setHeader(headers, HEADER, own === null ? said : `${own}, ${said}`);
  const integrity = integrityOf(request);
  if (integrity !== "") setHeader(headers, "X-Swproxy-Integrity", integrity);
}

function replace(object, name, method) {
  defineOwn(method, "name", { value: name, configurable: true });
  object[name] = method;
}

export function installRequests() {
  const { fetch } = {
    fetch(input, init = undefined) {
      if (!isControlled()) return arguments.length === 0 ? fetchNatively() : fetchNatively(input, init);
      try {
        const request = new Request(input, init);
        tag(request);
        return fetchNatively(request);
      } catch (error) {
        return PromiseReject(error);
      }
    },
  };
  replace(globalThis, "fetch", fetch);

  const { prototype } = XMLHttpRequest;
  const { open: openNatively, send: sendNatively, setRequestHeader } = prototype;
  const withCredentials = getter(prototype, "withCredentials");
  const urls = new WeakMap();
  const { get, set } = WeakMap.prototype;
  const { open, send } = {
    open(method, url) {
      const result = ReflectApply(openNatively, this, arguments);
      try {
        ReflectApply(set, urls, [this, resolve(String(url))]);
      } catch {
        ReflectApply(set, urls, [this, ""]);
      }
      return result;
    },
    send(body = null) {
      const url = ReflectApply(get, urls, [this]) ?? "";
      if (isControlled() && StringPrototypeStartsWith(url, home)) {
        try {
          const said = token(withCredentials(this) ? "i" : "s", "d", "f", "0", "0");
          ReflectApply(setRequestHeader, this, [HEADER, said]);
        } catch {
          // not open: send() tells
        }
      }
      return ReflectApply(sendNatively, this, arguments.length === 0 ? [] : [body]);
    },
  };
  replace(prototype, "open", open);
  replace(prototype, "send", send);
}

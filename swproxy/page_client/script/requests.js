// What Fetch knows of a request of this document and its header does not tell: for the proxy, in Content-Language,
// which needs no preflight if a redirect leads elsewhere. The proxy takes it out.
import { ownClientId, tell } from "./channel.js";
import { isControlled } from "./container.js";
import {
  ArrayPrototypeIncludes,
  bare,
  fetchNatively,
  getter,
  imul,
  JSONParse,
  Headers,
  location,
  ownDescriptor,
  PromiseReject,
  ReflectApply,
  RegExpPrototypeExec,
  replaceGetter,
  replaceMethod,
  Request,
  Response,
  String,
  StringPrototypeCharCodeAt,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypeError,
  uncurry,
  URL,
  XMLHttpRequest,
} from "./primordials.js";
import { protocolOf, resolve, tagData, toHref } from "./environment.js";
import {
  appendHeader,
  forEachHeader,
  known,
  recall,
  remember,
  RequestGet,
  responseError,
  ResponseGet,
  valueOfHeader,
} from "./responses.js";

const HEADER = "Content-Language";
const META = "x-swproxy-response";
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
// https://fetch.spec.whatwg.org/#cors-safelisted-request-header: bytes.
const SAFE_LENGTH = 128;

const setHeader = uncurry(Headers.prototype.set);
const hasHeader = uncurry(Headers.prototype.has);

const cloneRequest = uncurry(Request.prototype.clone);
const hostOf = getter(URL.prototype, "hostname");

const home = location.origin + "/";
const { client: salt, hosts } = tagData;

/** Whether the proxy opens the hosts of that name; which there are, it tells only to who knows it (pages/hosts.py). */
function isNamed(name) {
  const text = salt + name;
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = imul(hash ^ StringPrototypeCharCodeAt(text, i), 0x01000193);
  return ArrayPrototypeIncludes(hosts, hash >>> 0);
}

/** Whether a request for this URL comes to the proxy in the clear. */
function isDecrypted(href) {
  if (StringPrototypeStartsWith(href, home)) return true;
  const url = new URL(href);
  if (protocolOf(url) !== "https:") return false;
  const host = hostOf(url);
  if (hosts === null || isNamed(host)) return true;
  let dot = -1;
  while ((dot = StringPrototypeIndexOf(host, ".", dot + 1)) >= 0) {
    if (isNamed("*" + StringPrototypeSlice(host, dot))) return true;
  }
  return false;
}

const token = (mode, credentials, cache, redirect, keepalive, policy, isAuthorized) =>
  `swproxy-${ownClientId()}-${mode}${credentials}${cache}${redirect}${keepalive}${policy}${isAuthorized ? "a" : "0"}`;

const usernameOf = getter(URL.prototype, "username");
const passwordOf = getter(URL.prototype, "password");
const { set: writeUsername } = ownDescriptor(URL.prototype, "username");
const { set: writePassword } = ownDescriptor(URL.prototype, "password");
const setUsername = uncurry(writeUsername);
const setPassword = uncurry(writePassword);
let lastSecret = 0;

/** Tells the proxy what a URL says of its user, which is for nobody else; the rest of the token. */
function secretOf(url) {
  const username = usernameOf(url);
  const password = passwordOf(url);
  if (username === "" && password === "") return "";
  lastSecret++;
  tell("secret", [lastSecret, username, password]);
  return `-${lastSecret}`;
}

/** Says what a request is; `mode` is the first letter of its own, or "b" to go by the worker. */
function tag(request, mode, credentials, cache = RequestGet.cache(request)) {
  const headers = RequestGet.headers(request);
  // https://fetch.spec.whatwg.org/#http-network-or-cache-fetch: who asks with conditions does not mean the cache.
  const isConditional = hasHeader(headers, "If-None-Match") || hasHeader(headers, "If-Modified-Since");
  const policy = RequestGet.referrerPolicy(request);
  const said = token(
    mode,
    CODES[credentials],
    isConditional ? "n" : cache === "only-if-cached" ? "o" : CODES[cache],
    CODES[RequestGet.redirect(request)],
    RequestGet.keepalive(request) ? "k" : "0",
    policy === "same-origin" ? POLICY_SAME_ORIGIN : CODES[policy],
    hasHeader(headers, "Authorization"), // which the browser would add later
  );
  const own = valueOfHeader(headers, HEADER);
  const value = own === null ? said : `${own}, ${said}`;
  const whole = value + safeIntegrity(RequestGet.integrity(request));
  setHeader(headers, HEADER, whole.length > SAFE_LENGTH ? value : whole);
}

/** In characters that need no preflight; nothing if there are others. */
function safeIntegrity(integrity) {
  if (RegExpPrototypeExec(/^[a-z\d+/= -]+$/i, integrity) === null) return "";
  let text = ";";
  for (let i = 0; i < integrity.length; i++) {
    text += integrity[i] === "+" ? "." : integrity[i] === "/" ? "*" : integrity[i];
  }
  return text;
}

async function fetchControlled(request) {
  const url = RequestGet.url(request);
  if (!isDecrypted(url)) return fetchNatively(request);
  const mode = RequestGet.mode(request);
  const credentials = RequestGet.credentials(request);
  const isForeign = !StringPrototypeStartsWith(url, home);
  const cache = RequestGet.cache(request);
  const isForCache = cache === "only-if-cached" || cache === "force-cache";
  // The worker's own requests may have credentials that this one does not. With CORS the network decides on that.
  // What is to outlive the document cannot ask twice.
  const isHidden = isForeign && mode === "no-cors" && !RequestGet.keepalive(request);
  const includes = isHidden || (!isForeign && credentials === "omit");
  if (!includes && !isForCache) {
    tag(request, mode[0], credentials);
    return corrected(await fetchNatively(request));
  }
  // What a worker answers may be read; what the network answers without CORS may not.
  const mayHaveBody = RequestGet.method(request) === "POST";
  const again = isHidden && mayHaveBody ? cloneRequest(request) : request;
  const init = { __proto__: null, referrer: RequestGet.referrer(request) };
  init.credentials = includes ? "include" : credentials;
  init.mode = isHidden ? "cors" : mode;
  init.referrerPolicy = RequestGet.referrerPolicy(request);
  init.cache = isForCache ? "no-cache" : cache; // the worker comes before the browser's cache
  const readable = new Request(request, init);
  tag(readable, mode[0], credentials, cache);
  let answer = null;
  try {
    answer = await fetchNatively(readable);
  } catch (error) {
    // No proxy has answered: the host is not decrypted after all. Who has got a body there does not get it again.
    if (!isHidden || mayHaveBody) throw error;
  }
  const response = answer && corrected(answer);
  if (response !== null) return response;
  tag(again, "b", credentials);
  return fetchNatively(again);
}

/** The response as it is without the proxy's word on it; null if no worker has answered. */
function corrected(response) {
  const headers = ResponseGet.headers(response);
  const text = valueOfHeader(headers, META);
  if (text === null) return response;
  const facts = bare(JSONParse(text));
  if (facts.type === "none") return null;
  if (facts.type === "error") throw new TypeError("Failed to fetch");
  let real;
  if (facts.type === "opaque") {
    real = responseError();
    facts.url = "";
    facts.redirected = false;
  } else {
    const init = {
      __proto__: null,
      status: ResponseGet.status(response),
      statusText: ResponseGet.statusText(response),
    };
    const isNull = init.status === 204 || init.status === 205 || init.status === 304; // such a one cannot have a body
    real = new Response(isNull ? null : ResponseGet.body(response), init);
    const own = ResponseGet.headers(real);
    forEachHeader(headers, (value, name) => name === META || appendHeader(own, name, value));
  }
  remember(known, real, facts);
  return real;
}

/** What fetch() gives this document for a Request. */
export const fetchAsPage = (request) => (isControlled() ? fetchControlled : fetchNatively)(request);

export function installRequests() {
  replaceMethod(globalThis, "fetch", (native, self, args) => {
    if (!isControlled()) return ReflectApply(native, self, args);
    try {
      return fetchControlled(new Request(args[0], args[1]));
    } catch (error) {
      return PromiseReject(error);
    }
  });

  const { prototype } = XMLHttpRequest;
  const { setRequestHeader, getResponseHeader } = prototype;
  const withCredentials = getter(prototype, "withCredentials");
  const urls = new WeakMap();
  const authorized = new WeakMap();
  replaceMethod(prototype, "open", (native, self, args) => {
    const result = ReflectApply(native, self, args);
    remember(authorized, self, false);
    const { 1: url, 3: username, 4: password } = args;
    let opened = null;
    try {
      opened = new URL(resolve(String(url)));
      if (username !== undefined && username !== null) setUsername(opened, username);
      if (password !== undefined && password !== null) setPassword(opened, password);
    } catch {
      // none that could be resolved
    }
    remember(urls, self, opened);
    return result;
  });
  replaceMethod(prototype, "send", (native, self, args) => {
    const url = recall(urls, self);
    if (isControlled() && url && isDecrypted(toHref(url))) {
      try {
        const credentials = withCredentials(self) ? "i" : "s";
        const said = token("c", credentials, "d", "f", "0", "0", recall(authorized, self));
        ReflectApply(setRequestHeader, self, [HEADER, said + secretOf(url)]);
      } catch {
        // not open: send() tells
      }
    }
    return ReflectApply(native, self, args);
  });
  replaceMethod(prototype, "setRequestHeader", (native, self, args) => {
    const result = ReflectApply(native, self, args);
    if (RegExpPrototypeExec(/^authorization$/i, String(args[0])) !== null) remember(authorized, self, true);
    return result;
  });

  // What the proxy says of a worker's answer.
  replaceMethod(prototype, "getResponseHeader", (native, self, args) => {
    if (args.length > 0) args[0] = `${args[0]}`;
    const value = ReflectApply(native, self, args);
    return value !== null && RegExpPrototypeExec(/^x-swproxy-response$/i, args[0]) !== null ? null : value;
  });
  replaceMethod(prototype, "getAllResponseHeaders", (native, self) => {
    const text = ReflectApply(native, self, []);
    const found = RegExpPrototypeExec(/^x-swproxy-response:.*\r\n/im, text);
    if (found === null) return text;
    return StringPrototypeSlice(text, 0, found.index) + StringPrototypeSlice(text, found.index + found[0].length);
  });
  replaceGetter(prototype, "responseURL", (native, self) => {
    const url = ReflectApply(native, self, []);
    const meta = url === "" ? null : ReflectApply(getResponseHeader, self, [META]);
    const told = meta === null ? "" : JSONParse(meta).url;
    return told === "" ? url : RegExpPrototypeExec(/^[^#]*/, told)[0];
  });
}

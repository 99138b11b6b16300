// Responses whose `type`, `url` and `redirected` the browser cannot know: it takes all for the network's.
import {
  getters,
  Headers,
  ReflectApply,
  replaceGetter,
  replaceMethod,
  Request,
  Response,
  uncurry,
} from "./primordials.js";

export const recall = uncurry(WeakMap.prototype.get);
export const remember = uncurry(WeakMap.prototype.set);

/**
 * Of responses what the proxy knows and the browser does not: `type`, `url` and `redirected`; `entry` (in which cache
 * it is) or `asked` (the request) of those that cannot be looked into. Of requests the headers that no script may set.
 */
export const known = new WeakMap();

// What is stored of a request besides its URL, method and headers.
export const REST = [
  "destination",
  "referrer",
  "referrerPolicy",
  "mode",
  "credentials",
  "cache",
  "redirect",
  "integrity",
  "keepalive",
];
export const RequestGet = getters(Request.prototype, [...REST, "url", "method", "headers", "signal"]);
export const ResponseGet = getters(Response.prototype, ["body", "bodyUsed", "headers", "ok", "status", "statusText"]);
export const responseError = Response.error.bind(Response);
export const forEachHeader = uncurry(Headers.prototype.forEach);
export const valueOfHeader = uncurry(Headers.prototype.get);
export const appendHeader = uncurry(Headers.prototype.append);

const natively = getters(Response.prototype, ["type", "url", "redirected"]);

export const attribute = (response, name) => recall(known, response)?.[name] ?? natively[name](response);

/** All responses are the browser's own objects; their attributes tell what is known. */
export function installResponses() {
  const { prototype } = Response;
  for (const name in natively) replaceGetter(prototype, name, (_native, self) => attribute(self, name));
  replaceMethod(prototype, "clone", (native, self) => {
    const copy = ReflectApply(native, self, []);
    const facts = recall(known, self);
    if (facts !== undefined) remember(known, copy, facts);
    return copy;
  });
}

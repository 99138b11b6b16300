// Responses whose `type`, `url` and `redirected` the browser cannot know: it takes all for the network's.
import { getter, ReflectApply, replaceGetter, replaceMethod, Response, uncurry } from "./primordials.js";

export const recall = uncurry(WeakMap.prototype.get);
export const remember = uncurry(WeakMap.prototype.set);

/**
 * Of responses what the proxy knows and the browser does not: `type`, `url` and `redirected`; `entry` (in which cache
 * it is) or `asked` (the request) of those that cannot be looked into. Of requests the headers that no script may set.
 */
export const known = new WeakMap();

const ofResponse = (name) => getter(Response.prototype, name);
const natively = {
  __proto__: null,
  type: ofResponse("type"),
  url: ofResponse("url"),
  redirected: ofResponse("redirected"),
};

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

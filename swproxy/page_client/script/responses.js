// Responses whose `type`, `url` and `redirected` the browser cannot know: it takes all for the network's.
import { defineOwn, getter, ownDescriptor, ReflectApply, Response, uncurry } from "./primordials.js";

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
  const replacing = {
    get type() {
      return attribute(this, "type");
    },
    get url() {
      return attribute(this, "url");
    },
    get redirected() {
      return attribute(this, "redirected");
    },
  };
  for (const name in replacing) {
    defineOwn(prototype, name, { ...ownDescriptor(prototype, name), get: ownDescriptor(replacing, name).get });
  }
  const cloneNatively = prototype.clone;
  prototype.clone = {
    clone() {
      const copy = ReflectApply(cloneNatively, this, []);
      const facts = recall(known, this);
      if (facts !== undefined) remember(known, copy, facts);
      return copy;
    },
  }.clone;
}

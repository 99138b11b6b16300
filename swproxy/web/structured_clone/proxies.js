// A Proxy cannot be cloned, and the language does not tell which objects are Proxies: so the global constructor is one
// that remembers them.
import { hideSources } from "../infra/native_functions.js";
import { ObjectDefineProperty, SafeWeakSet } from "../infra/primordials.js";

const proxies = new SafeWeakSet();

function remember(proxy) {
  proxies.add(proxy);
  return proxy;
}

/** Whether a script made the object with the Proxy constructor. */
export const isProxy = (object) => proxies.has(object);

const { Proxy: OriginalProxy } = globalThis;
const { revocable: originalRevocable } = OriginalProxy;

ObjectDefineProperty(OriginalProxy, "revocable", {
  __proto__: null,
  value: {
    revocable(target, handler) {
      const result = originalRevocable(target, handler);
      remember(result.proxy);
      return result;
    },
  }.revocable,
});
hideSources(OriginalProxy);
ObjectDefineProperty(globalThis, "Proxy", {
  __proto__: null,
  value: new OriginalProxy(OriginalProxy, {
    __proto__: null,
    construct: (target, values) => remember(new target(values[0], values[1])),
  }),
});

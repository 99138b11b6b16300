// https://w3c.github.io/ServiceWorker/ in a document, on top of the proxy instead of the browser.
import { Cache, caches, CacheStorage, installCaches } from "./caches.js";
import { onTold, openChannel, tell } from "./channel.js";
import { container, controllerId, ServiceWorkerContainer } from "./container.js";
import { installDepartures } from "./departures.js";
import { hasOrigin, tagData } from "./environment.js";
import { installFrames } from "./frames.js";
import { installPorts } from "./message_ports.js";
import { NavigationPreloadManager } from "./navigation_preload.js";
import {
  addListener,
  defineOwn,
  getter,
  location,
  navigator,
  PromisePrototypeThen,
  ReflectApply,
  replaceGetter,
  setTimeout,
  uncurry,
} from "./primordials.js";
import { ServiceWorkerRegistration } from "./registration.js";
import { installRequests } from "./requests.js";
import { installResponses } from "./responses.js";
import { ServiceWorker } from "./service_worker.js";
import { installSharedWorkers } from "./shared_workers.js";

// Not asked for while the document loads: the browser would make objects that nobody may need.
const nativeOf = "serviceWorker" in navigator ? getter(Navigator.prototype, "serviceWorker") : null;

const setHref = uncurry(Object.getOwnPropertyDescriptor(location, "href").set);
// https://w3c.github.io/ServiceWorker/#windowclient-navigate
onTold("navigate", ({ 0: url }) => setHref(location, url));

const { focus: focusNatively, open: openNatively } = globalThis;
const hasActivation = "userActivation" in navigator;
const activationOf = hasActivation ? getter(Navigator.prototype, "userActivation") : null;
const isActiveNow = hasActivation ? getter(UserActivation.prototype, "isActive") : () => false;
// https://w3c.github.io/ServiceWorker/#clients-openwindow and #windowclient-focus: as far as the browser lets a document
// that its user has just used.
onTold("use", ({ 0: number, 1: url }) => {
  const isAllowed = isActiveNow(activationOf?.(navigator));
  if (isAllowed && url === null) focusNatively();
  else if (isAllowed) openNatively(url, "_blank", "noopener");
  tell("used", [number, isAllowed]);
});

// What the browser's own registrations have and the proxy's do not: pages ask for these before they use it.
const MISSING = [
  ...["BackgroundFetchManager", "BackgroundFetchRegistration", "BackgroundFetchRecord", "CookieStoreManager"],
  ...["PeriodicSyncManager", "PushManager", "PushSubscription", "PushSubscriptionOptions", "SyncManager"],
];

const interfaces = {
  __proto__: null,
  Cache,
  CacheStorage,
  NavigationPreloadManager,
  ServiceWorker,
  ServiceWorkerContainer,
  ServiceWorkerRegistration,
};

/** Puts what is of the proxy into a window, in the place of the browser's own. */
function furnish(global, container) {
  for (let i = 0; i < MISSING.length; i++) delete global[MISSING[i]];
  for (const name in interfaces) {
    defineOwn(global, name, { __proto__: null, value: interfaces[name], writable: true, configurable: true });
  }
  const give = (object, name, value) =>
    replaceGetter(object, name, (native, self) => {
      ReflectApply(native, self, []); // throws for other objects
      return value;
    });
  give(global.Navigator.prototype, "serviceWorker", container);
  give(global, "caches", caches);
}

function install() {
  furnish(globalThis, container);
  installResponses();
  installRequests();
  installCaches();
  installFrames(furnish);
  installDepartures();
  installPorts();
  installSharedWorkers();
  openChannel(controllerId);
  if (nativeOf !== null) addListener(self, "load", () => setTimeout(tellOfNative, 0), { once: true });
}

/** What the browser itself has from before goes on between this document and the proxy. */
function tellOfNative() {
  const tell = (registrations) => {
    for (let i = 0; i < registrations.length; i++) {
      const { scope } = registrations[i];
      if (tagData.removeNative) registrations[i].unregister();
      console.warn(
        tagData.removeNative
          ? `swproxy: the browser's own service worker for ${scope} is unregistered.`
          : `swproxy: this browser has a service worker of its own for ${scope}, which comes before the proxy's. ` +
              "Unregister it in the developer tools, or start swproxy with --remove-native-workers.",
      );
    }
  };
  PromisePrototypeThen(nativeOf(navigator).getRegistrations(), tell, () => {}); // storage may be forbidden
}

if (hasOrigin && isSecureContext) install();

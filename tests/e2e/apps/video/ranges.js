// Workbox's recipe: what is asked for in ranges is cached whole, and cut from the cache.
importScripts("/npm/workbox-sw.js");
workbox.setConfig({ debug: false, modulePathPrefix: "/npm/workbox/" });

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open("media").then((cache) => cache.addAll(["./", "app.js", "encode.js", "clip.webm"])));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

workbox.routing.registerRoute(
  ({ url }) => url.pathname.startsWith("/video/"),
  new workbox.strategies.CacheFirst({
    cacheName: "media",
    plugins: [new workbox.rangeRequests.RangeRequestsPlugin()],
  }),
);

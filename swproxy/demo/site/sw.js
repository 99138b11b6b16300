const CACHE = "demo-v1";
const SHELL = ["/", "/offline.html", "/style.css", "/logo.svg", "/app.js"];

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  const { pathname } = new URL(event.request.url);
  if (event.request.mode === "navigate") event.respondWith(networkFirst(event, "/offline.html"));
  else if (pathname.startsWith("/api/")) event.respondWith(networkFirst(event));
  else event.respondWith(cacheFirst(event));
});

async function networkFirst(event, fallback) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(event.request);
    if (response.ok) event.waitUntil(cache.put(event.request, response.clone()));
    return response;
  } catch (error) {
    const found = (await cache.match(event.request)) ?? (fallback && (await cache.match(fallback)));
    if (found) return found;
    throw error;
  }
}

async function cacheFirst(event) {
  return (await caches.match(event.request)) ?? fetch(event.request);
}

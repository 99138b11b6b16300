self.addEventListener("install", (event) => {
  const response = new Response("x".repeat(10240), { headers: { "content-type": "text/plain" } });
  event.waitUntil(caches.open("v1").then((cache) => cache.put("x", response)));
});
self.addEventListener("fetch", (event) => event.respondWith(caches.match(event.request)));

// The simplest worker that there is: a range gets the whole file.
self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open("media").then((cache) => cache.addAll(["./", "app.js", "encode.js", "clip.webm"])));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  event.respondWith(caches.match(event.request).then((cached) => cached ?? fetch(event.request)));
});

/**
 * Imported by the workers beside it. After `answers({ name: (url) => value })`, a request whose path ends in the name of
 * an operation gets what it gives, or throws, as JSON.
 */
self.answers = (operations) => {
  self.addEventListener("install", () => self.skipWaiting());
  self.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    const operation = operations[url.pathname.split("/").pop()];
    if (operation !== undefined) {
      const answered = Promise.resolve(url)
        .then(operation)
        .then(
          (value) => Response.json(value),
          (error) => Response.json(`${error.name}: ${error.message}`, { status: 500 }),
        );
      event.respondWith(answered);
    }
  });
};

/** Imported by the worker that Workbox makes: `/cached?NAME` gives the paths in a cache. */
importScripts("/answers.js");

self.answers({
  async cached({ search }) {
    const requests = await (await caches.open(search.slice(1))).keys();
    return requests.map(({ url }) => new URL(url).pathname);
  },
});

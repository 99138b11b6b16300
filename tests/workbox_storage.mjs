// node workbox_storage.mjs DIRECTORY: writes a Workbox worker that keeps state in IndexedDB into DIRECTORY.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { generateSW } from "workbox-build";

const directory = process.argv[2];
mkdirSync(directory, { recursive: true });

const kept = (name, expiration) => ({
  urlPattern: new RegExp(`/${name}/`),
  handler: "CacheFirst",
  options: { cacheName: name, expiration },
});

await generateSW({
  swDest: join(directory, "sw.js"),
  importScripts: ["/cached.js"],
  skipWaiting: true,
  clientsClaim: true,
  runtimeCaching: [
    kept("few", { maxEntries: 3 }),
    kept("fresh", { maxEntries: 2, maxAgeSeconds: 4 }),
    {
      urlPattern: /\/queued\//,
      method: "POST",
      handler: "NetworkOnly",
      // Replays when the worker starts, as where there is no Background Sync.
      options: { backgroundSync: { name: "posts", options: { forceSyncFallback: true } } },
    },
  ],
});

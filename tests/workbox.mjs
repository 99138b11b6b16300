// node workbox.mjs DIRECTORY: writes a small site with a Workbox worker, as `generateSW` makes it, into DIRECTORY.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateSW } from "workbox-build";

const directory = process.argv[2];
const write = (name, text) => writeFileSync(join(directory, name), text);

mkdirSync(directory, { recursive: true });
write("index.html", "<!doctype html><title>shell</title><script src=/app.js></script>");
write("app.js", "document.title = 'app ran';");
write("style.css", "body { margin: 0 }");

const { count } = await generateSW({
  globDirectory: directory,
  globPatterns: ["*.{html,js,css}"],
  swDest: join(directory, "sw.js"),
  skipWaiting: true,
  clientsClaim: true,
  navigateFallback: "/index.html",
  navigateFallbackDenylist: [/^\/plain/],
  runtimeCaching: [
    { urlPattern: /\/first\//, handler: "NetworkFirst", options: { cacheName: "first", networkTimeoutSeconds: 2 } },
    { urlPattern: /\/stale\//, handler: "StaleWhileRevalidate", options: { cacheName: "stale" } },
    { urlPattern: /\/kept\//, handler: "CacheFirst", options: { cacheName: "kept" } },
    { urlPattern: /\/only\//, handler: "NetworkOnly" },
  ],
});
console.log(`precached ${count} files`);

// node build.mjs DIRECTORY: writes the sites beside this file that have workers of Workbox, as `generateSW` makes them.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateSW } from "workbox-build";

const directory = process.argv[2];

for (const [name, navigationPreload] of [
  ["shell", false],
  ["preload", true],
]) {
  const site = join(directory, name);
  cpSync(join(import.meta.dirname, "shell"), site, { recursive: true });
  await generateSW({
    globDirectory: site,
    globPatterns: ["*"],
    swDest: join(site, "sw.js"),
    skipWaiting: true,
    clientsClaim: true,
    sourcemap: false,
    navigationPreload,
    runtimeCaching: [
      {
        urlPattern: ({ request }) => request.mode === "navigate",
        handler: "NetworkFirst",
        options: { cacheName: "pages", precacheFallback: { fallbackURL: "offline.html" } },
      },
      { urlPattern: /\/api\//, handler: "NetworkFirst", options: { cacheName: "api" } },
    ],
  });
}

for (const version of ["1", "2"]) {
  const app = join(directory, `update-${version}`);
  cpSync(join(import.meta.dirname, "update"), app, { recursive: true });
  for (const file of ["index.html", "version.js"]) {
    writeFileSync(join(app, file), readFileSync(join(app, file), "utf-8").replace("@version@", version));
  }
  await generateSW({
    globDirectory: app,
    globPatterns: ["*.html", "app.js"],
    swDest: join(app, "sw.js"),
    clientsClaim: true,
    sourcemap: false,
    importScripts: ["version.js"],
    runtimeCaching: [
      {
        urlPattern: /\/news$/,
        handler: "StaleWhileRevalidate",
        options: { cacheName: "news", broadcastUpdate: { options: { headersToCheck: ["etag"] } } },
      },
    ],
  });
}

/**
 * Lies beside a test, as `NAME.swproxy.js?VARIANT`, and imports it. `SCOPE/results` waits for what becomes of it.
 * testharness finishes a service worker after its install event, and has no time-out: `SCOPE/timeout` is one.
 */
(function () {
  "use strict";

  const { stringify } = JSON;
  const NativeResponse = Response;
  const { pathname, search } = self.location;
  let finish;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });

  self.addEventListener("fetch", (event) => {
    const { url } = event.request;
    if (url.endsWith("/timeout") && self.timeout !== undefined) {
      self.timeout();
    }
    if (url.endsWith("/results") || url.endsWith("/timeout")) {
      event.respondWith(finished.then((results) => new NativeResponse(stringify(results))));
    }
  });

  const name = pathname.slice(pathname.lastIndexOf("/") + 1).replace(/\.swproxy\.js$/, "");
  try {
    importScripts((name.endsWith(".any") ? `${name}.worker.js` : `${name}.js`) + search);
  } catch (error) {
    finish({ harness: { status: 1, message: `${error}` }, subtests: [] });
    return;
  }
  self.add_completion_callback((tests, harness) => {
    finish({
      harness: { status: harness.status, message: harness.message ?? "" },
      subtests: tests.map(({ name, status, message }) => ({ name, status, message: message ?? "" })),
    });
  });
})();

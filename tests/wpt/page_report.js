/**
 * In place of WPT's resources/testharnessreport.js: says on the console what becomes of a page's tests. Documents inside
 * of the page have other tests' business.
 */
(function () {
  "use strict";

  const { stringify } = JSON;
  const say = console.debug.bind(console);
  setup({ output: false });
  if (self !== self.top) {
    return;
  }
  add_completion_callback((tests, harness) => {
    const results = {
      harness: { status: harness.status, message: harness.message ?? "" },
      subtests: tests.map(({ name, status, message }) => ({ name, status, message: message ?? "" })),
    };
    say(`wpt-results:${stringify(results)}`);
  });
})();

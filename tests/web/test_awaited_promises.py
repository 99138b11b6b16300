"""The workaround for the engine's garbage collector (infra/awaited_promises.js)."""

from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]


def test_a_suspended_function_survives_that_only_its_own_variables_lead_to(run_js: RunJs) -> None:
    """Without the workaround, the engine has freed ``resolve`` when the timer fires, and crashes."""
    script = """
      const results = [];
      for (let i = 0; i < 3; i++) {
        (async () => {
          let resolve;
          const promise = new Promise((r) => { resolve = r; });
          setTimeout(() => resolve(i), 1);
          results.push(await promise);
        })();
      }
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 3));
      return results;
    """
    assert run_js(script) == [0, 1, 2]


def test_promises_look_as_before(run_js: RunJs) -> None:
    """Their constructor is Promise, and can be overwritten; subclasses have their own."""
    script = """
      class Mine extends Promise {}
      const promise = Promise.resolve();
      const before = promise.constructor === Promise;
      promise.constructor = 5;
      return [before, promise.constructor, Object.keys(promise), Mine.resolve().then(() => {}) instanceof Mine,
        Object.keys(Promise.prototype), Object.create(Promise.prototype).constructor === Promise];
    """
    assert run_js(script) == [True, 5, ["constructor"], True, [], True]


def test_a_rejection_that_nobody_handles_is_reported(run_js: RunJs) -> None:
    """Also of a promise that came of one that was awaited."""
    script = """
      const reported = new Promise((resolve) => addEventListener("unhandledrejection", (event) => {
        event.preventDefault();
        resolve(event.reason);
      }));
      const first = new Promise((_, reject) => setTimeout(() => reject("reason"), 1));
      (async () => { await first; })();
      return reported;
    """
    assert run_js(script) == "reason"

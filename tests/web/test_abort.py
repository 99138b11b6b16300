"""AbortController and AbortSignal."""

from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]


def test_a_controller_aborts_its_signal_once(run_js: RunJs) -> None:
    """The first reason stays, and there is one event, which is trusted."""
    script = """
      const controller = new AbortController();
      const { signal } = controller;
      const events = [];
      signal.onabort = ({ type, isTrusted, target }) => events.push([type, isTrusted, target === signal]);
      const before = [signal.aborted, signal.reason === undefined, signal === controller.signal];
      controller.abort("first");
      controller.abort("second");
      return [before, signal.aborted, signal.reason, events];
    """
    assert run_js(script) == [[False, True, True], True, "first", [["abort", True, True]]]


def test_the_reason_is_an_abort_error_by_default(run_js: RunJs) -> None:
    """So it is for undefined, but not for null; it is one object."""
    script = """
      const controller = new AbortController();
      controller.abort(undefined);
      const { reason } = controller.signal;
      return [reason instanceof DOMException, reason.name, reason.code, reason === controller.signal.reason,
        AbortSignal.abort().reason.name, AbortSignal.abort(null).reason, AbortSignal.abort(0).reason];
    """
    assert run_js(script) == [True, "AbortError", 20, True, "AbortError", None, 0]


def test_throw_if_aborted_throws_the_reason(run_js: RunJs) -> None:
    """Whatever it is; nothing is thrown before."""
    script = """
      const controller = new AbortController();
      const { signal } = controller;
      const before = signal.throwIfAborted();
      const reason = { any: "value" };
      controller.abort(reason);
      try { signal.throwIfAborted(); } catch (thrown) { return [before === undefined, thrown === reason]; }
    """
    assert run_js(script) == [True, True]


def test_a_signal_that_was_aborted_before_fires_nothing(run_js: RunJs) -> None:
    """Those who come late have to look at ``aborted``."""
    script = """
      const signal = AbortSignal.abort();
      let fired = 0;
      signal.onabort = () => fired++;
      AbortSignal.any([signal]).onabort = () => fired++;
      await new Promise((resolve) => setTimeout(resolve));
      return fired;
    """
    assert run_js(script) == 0


def test_a_timeout_aborts_with_a_timeout_error(run_js: RunJs) -> None:
    """Once the time is over, and not in the same turn."""
    script = """
      const signal = AbortSignal.timeout(0);
      const before = signal.aborted;
      const { isTrusted } = await new Promise((resolve) => { signal.onabort = resolve; });
      return [before, isTrusted, signal.reason.name, signal.reason.code];
    """
    assert run_js(script) == [False, True, "TimeoutError", 23]


def test_a_timeout_that_is_out_of_range(run_js: RunJs) -> None:
    """The argument is an [EnforceRange] unsigned long long: a TypeError, not a wrapped number."""
    script = """
      return [-1, NaN, Infinity, 2 ** 53, "x", undefined, 1n, -0.9, 2 ** 53 - 1].map((value) => {
        try { return AbortSignal.timeout(value).aborted; } catch (error) { return error.name; }
      });
    """
    assert run_js(script) == [*["TypeError"] * 7, False, False]


def test_a_dependent_signal_follows_the_first_of_its_sources(run_js: RunJs) -> None:
    """Later ones change nothing; with an aborted source it is aborted from the start, with its reason."""
    script = """
      const [a, b] = [new AbortController(), new AbortController()];
      const any = AbortSignal.any([a.signal, b.signal]);
      let fired = 0;
      any.addEventListener("abort", () => fired++);
      b.abort("b");
      a.abort("a");
      const late = AbortSignal.any([new AbortController().signal, a.signal, b.signal]);
      return [any.aborted, any.reason, fired, late.aborted, late.reason, AbortSignal.any([]).aborted,
        AbortSignal.any(new Set([a.signal])).reason];
    """
    assert run_js(script) == [True, "b", 1, True, "a", False, "a"]


def test_dependent_signals_are_aborted_before_any_event(run_js: RunJs) -> None:
    """All are marked first, then each fires, the source first and then in the order of their creation."""
    script = """
      const controller = new AbortController();
      const one = AbortSignal.any([controller.signal]);
      const two = AbortSignal.any([one, new AbortController().signal]);
      const order = [];
      const note = (name) => () => order.push([name, controller.signal.aborted, one.aborted, two.reason]);
      two.onabort = note("two");
      one.onabort = note("one");
      controller.signal.onabort = note("source");
      controller.abort("reason");
      return order;
    """
    assert run_js(script) == [[name, True, True, "reason"] for name in ("source", "one", "two")]


def test_a_dependent_signal_is_found_by_its_listener_alone(run_js: RunJs) -> None:
    """No script needs to hold it."""
    script = """
      const controller = new AbortController();
      const heard = new Promise((resolve) => {
        (() => AbortSignal.any([AbortSignal.any([controller.signal])]).addEventListener("abort", resolve))();
      });
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(() => resolve(new Array(1000))));
      controller.abort("reached");
      return (await heard).target.reason;
    """
    assert run_js(script) == "reached"


def test_what_is_no_signal_is_refused(run_js: RunJs) -> None:
    """By any(), by the members of the signal, and by the constructor, which scripts cannot call."""
    script = """
      const fake = Object.create(AbortSignal.prototype);
      const { get } = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted");
      return [() => AbortSignal.any([fake]), () => AbortSignal.any(AbortSignal.abort()), () => AbortSignal.any(),
        () => fake.aborted, () => fake.onabort, () => fake.throwIfAborted(), () => get.call(undefined),
        () => new AbortSignal(), () => AbortController(), () => AbortController.prototype.abort.call({}),
      ].map((f) => { try { return f(); } catch (error) { return error.name; } });
    """
    assert run_js(script) == ["TypeError"] * 10


def test_an_exception_in_a_listener_stops_nothing(run_js: RunJs) -> None:
    """It is reported; the other listeners and the dependent signals get their events, abort() returns."""
    script = """
      const controller = new AbortController();
      const log = [];
      addEventListener("error", (event) => { log.push(event.error); event.preventDefault(); });
      controller.signal.addEventListener("abort", () => { throw "thrown"; });
      controller.signal.addEventListener("abort", () => log.push("second"));
      AbortSignal.any([controller.signal]).onabort = () => log.push("dependent");
      controller.abort();
      return log;
    """
    assert run_js(script) == ["thrown", "second", "dependent"]

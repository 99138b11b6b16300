"""Event, EventTarget, event handlers, and the events that HTML adds."""

from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]


def test_an_event_has_what_its_constructor_was_given(run_js: RunJs) -> None:
    """The rest is as the standard says of an event that was not dispatched."""
    script = """
      const event = new Event("x", { bubbles: 1, cancelable: "yes", composed: {} });
      const { type, bubbles, cancelable, composed, target, srcElement, currentTarget, eventPhase } = event;
      return [type, bubbles, cancelable, composed, target, srcElement, currentTarget, eventPhase,
        event.isTrusted, event.defaultPrevented, event.returnValue, event.cancelBubble, event.composedPath(),
        event.timeStamp > 0, event.timeStamp <= performance.now(), new Event(undefined).type];
    """
    none = [None, None, None, 0]
    assert run_js(script) == [
        *["x", True, True, True, *none],
        *[False, False, True, False, [], True, True, "undefined"],
    ]


def test_is_trusted_cannot_be_forged(run_js: RunJs) -> None:
    """It is an own accessor of each event, which cannot be configured, and the same for all."""
    script = """
      const of = (event) => Object.getOwnPropertyDescriptor(event, "isTrusted");
      const [one, two] = [of(new Event("x")), of(new CustomEvent("y"))];
      return [one.get === two.get, one.configurable, one.enumerable, one.set === undefined,
        "isTrusted" in Event.prototype];
    """
    assert run_js(script) == [True, False, True, True, False]


def test_while_an_event_is_dispatched(run_js: RunJs) -> None:
    """It knows its target and its path, and forgets the path afterwards."""
    script = """
      const target = new EventTarget();
      const event = new Event("x");
      let during;
      target.addEventListener("x", function (given) {
        during = [given === event, this === target, event.target === target, event.currentTarget === target,
          event.eventPhase === Event.AT_TARGET, event.composedPath()[0] === target];
      });
      const result = target.dispatchEvent(event);
      return [during, result, event.target === target, event.currentTarget, event.eventPhase, event.composedPath()];
    """
    assert run_js(script) == [[True] * 6, True, True, None, 0, []]


def test_listeners_are_called_in_their_order(run_js: RunJs) -> None:
    """Capturing ones first; a listener that is there already is not added again."""
    script = """
      const target = new EventTarget();
      const log = [];
      const twice = () => log.push("twice");
      target.addEventListener("x", () => log.push("bubble"));
      target.addEventListener("x", twice);
      target.addEventListener("x", twice, { once: true, passive: true });
      target.addEventListener("x", { handleEvent(event) { log.push(["object", event.type]); } });
      target.addEventListener("x", () => log.push("capture"), true);
      target.addEventListener("x", twice, { capture: true });
      target.addEventListener("x", null);
      target.dispatchEvent(new Event("x"));
      return log;
    """
    assert run_js(script) == ["capture", "twice", "bubble", "twice", ["object", "x"]]


def test_listeners_that_come_and_go_during_dispatch(run_js: RunJs) -> None:
    """One that is removed is not called any more, one that is added not yet."""
    script = """
      const target = new EventTarget();
      const log = [];
      const removed = () => log.push("removed");
      target.addEventListener("x", () => {
        target.removeEventListener("x", removed);
        target.addEventListener("x", () => log.push("added"));
      }, { once: true });
      target.addEventListener("x", removed);
      target.addEventListener("x", () => log.push("last"));
      target.dispatchEvent(new Event("x"));
      target.dispatchEvent(new Event("x"));
      return log;
    """
    assert run_js(script) == ["last", "last", "added"]


def test_a_listener_that_is_called_once(run_js: RunJs) -> None:
    """It is gone before it is called, so that it may dispatch the same type."""
    script = """
      const target = new EventTarget();
      let calls = 0;
      target.addEventListener("x", () => { calls++; target.dispatchEvent(new Event("x")); }, { once: true });
      target.dispatchEvent(new Event("x"));
      return calls;
    """
    assert run_js(script) == 1


def test_a_listener_with_a_signal(run_js: RunJs) -> None:
    """It is removed by the signal; with an aborted one it is never added; null is no signal."""
    script = """
      const target = new EventTarget();
      const controller = new AbortController();
      let calls = 0;
      target.addEventListener("x", () => calls++, { signal: controller.signal });
      target.addEventListener("x", () => calls++, { signal: AbortSignal.abort() });
      target.dispatchEvent(new Event("x"));
      controller.abort();
      target.dispatchEvent(new Event("x"));
      let error;
      try { target.addEventListener("x", () => {}, { signal: null }); } catch ({ name }) { error = name; }
      return [calls, error];
    """
    assert run_js(script) == [1, "TypeError"]


def test_removal_needs_type_callback_and_capture(run_js: RunJs) -> None:
    """The other options do not matter."""
    script = """
      const target = new EventTarget();
      let calls = 0;
      const f = () => calls++;
      target.addEventListener("x", f, { capture: true, once: false });
      target.removeEventListener("x", f);
      target.removeEventListener("y", f, true);
      target.removeEventListener("x", () => calls++, true);
      target.dispatchEvent(new Event("x"));
      target.removeEventListener("x", f, { capture: true, passive: true });
      target.removeEventListener("x", null);
      target.dispatchEvent(new Event("x"));
      return calls;
    """
    assert run_js(script) == 1


def test_propagation_can_be_stopped(run_js: RunJs) -> None:
    """stopPropagation() lets the listeners of the same phase run, stopImmediatePropagation() none."""
    script = """
      const run = (stop) => {
        const target = new EventTarget();
        const log = [];
        target.addEventListener("x", () => log.push("bubble"));
        target.addEventListener("x", (event) => { log.push("first"); stop(event); }, true);
        target.addEventListener("x", () => log.push("second"), true);
        const event = new Event("x");
        target.dispatchEvent(event);
        return [log, event.cancelBubble];
      };
      const early = new Event("x");
      early.stopPropagation();
      let called = false;
      const target = new EventTarget();
      target.addEventListener("x", () => { called = true; });
      target.dispatchEvent(early);
      return [run((event) => event.stopPropagation()), run((event) => { event.cancelBubble = true; }),
        run((event) => event.stopImmediatePropagation()), run((event) => { event.cancelBubble = false; }), called];
    """
    both = ["first", "second"]
    assert run_js(script) == [[both, False], [both, False], [["first"], False], [[*both, "bubble"], False], False]


def test_cancelling(run_js: RunJs) -> None:
    """It needs a cancelable event and a listener that is not passive; dispatchEvent() tells."""
    script = """
      const run = (cancelable, cancel, options) => {
        const target = new EventTarget();
        target.addEventListener("x", cancel, options);
        const event = new Event("x", { cancelable });
        return [target.dispatchEvent(event), event.defaultPrevented, event.returnValue];
      };
      const cancel = (event) => event.preventDefault();
      return [run(true, cancel), run(false, cancel), run(true, cancel, { passive: true }),
        run(true, (event) => { event.returnValue = false; }), run(true, (event) => { event.returnValue = true; })];
    """
    yes, no = [False, True, False], [True, False, True]
    assert run_js(script) == [yes, no, no, yes, no]


def test_an_event_in_flight_cannot_be_dispatched_or_initialized(run_js: RunJs) -> None:
    """The one is an InvalidStateError, the other does nothing; afterwards both work."""
    script = """
      const target = new EventTarget();
      const event = new CustomEvent("x", { detail: 1 });
      let error;
      target.addEventListener("x", () => {
        event.initEvent("y", true, true);
        event.initCustomEvent("y", true, true, 2);
        try { target.dispatchEvent(event); } catch ({ name }) { error = name; }
      }, { once: true });
      target.dispatchEvent(event);
      const during = [event.type, event.bubbles, event.detail];
      event.preventDefault();
      event.initCustomEvent("z", true, true);
      return [error, during, event.type, event.detail, event.cancelable, event.target, target.dispatchEvent(event)];
    """
    assert run_js(script) == ["InvalidStateError", ["x", False, 1], "z", None, True, None, True]


def test_exceptions_of_listeners_are_reported(run_js: RunJs) -> None:
    """Also that an object has no handleEvent(); all others are called."""
    script = """
      const log = [];
      addEventListener("error", (event) => { event.preventDefault(); log.push(event.error?.name ?? event.error); });
      const target = new EventTarget();
      target.addEventListener("x", () => { throw "thrown"; });
      target.addEventListener("x", {});
      target.addEventListener("x", { get handleEvent() { throw new RangeError(); } });
      target.addEventListener("x", () => log.push("called"));
      target.dispatchEvent(new Event("x"));
      return log;
    """
    assert run_js(script) == ["thrown", "TypeError", "RangeError", "called"]


def test_an_error_listener_that_throws_is_not_called_for_that(run_js: RunJs) -> None:
    """The global is in error reporting mode then: the error goes to the log."""
    script = """
      let calls = 0;
      addEventListener("error", (event) => { event.preventDefault(); if (calls++ < 5) throw new Error("again"); });
      reportError("first");
      const once = calls;
      reportError("second");
      return [once, calls];
    """
    assert run_js(script) == [1, 2]


def test_event_handlers_keep_their_place(run_js: RunJs) -> None:
    """A new one takes the place of the old; after null it comes last; what is no object is null."""
    script = """
      const { signal } = new AbortController();
      const log = [];
      const f = (name) => () => log.push(name);
      signal.onabort = f("handler");
      signal.addEventListener("abort", f("listener"));
      signal.onabort = f("replaced");
      signal.dispatchEvent(new Event("abort"));
      signal.onabort = null;
      signal.onabort = f("last");
      signal.dispatchEvent(new Event("abort"));
      const values = [5, "f", undefined, {}].map((value) => { signal.onabort = value; return signal.onabort; });
      signal.dispatchEvent(new Event("abort"));
      return [log, values];
    """
    order = ["replaced", "listener", "listener", "last", "listener"]
    assert run_js(script) == [order, [None, None, None, {}]]


def test_what_event_handlers_return(run_js: RunJs) -> None:
    """False cancels; for onerror of the global it is true, and the arguments are five."""
    script = """
      const { signal } = new AbortController();
      const event = () => new Event("abort", { cancelable: true });
      const results = [false, true, undefined, 0].map((value) => {
        signal.onabort = () => value;
        return signal.dispatchEvent(event());
      });
      let given;
      self.onerror = (...values) => { given = values; return true; };
      const init = { cancelable: true, message: "m", filename: "f", lineno: 1, colno: 2, error: "e" };
      results.push(self.dispatchEvent(new ErrorEvent("error", init)));
      self.onerror = (...values) => { results.push(values.length); return false; };
      results.push(self.dispatchEvent(new Event("error", { cancelable: true })));
      self.onerror = null;
      return [results, given];
    """
    assert run_js(script) == [[False, True, True, True, False, 1, False], ["m", "f", 1, 2, "e"]]


def test_the_global_object_is_an_event_target(run_js: RunJs) -> None:
    """Its methods need no object; scripts can make and derive targets of their own."""
    script = """
      let target;
      addEventListener("mine", (event) => { target = event.target; });
      dispatchEvent(new Event("mine"));
      class Mine extends EventTarget { field = 1; }
      const mine = new Mine();
      let seen;
      mine.addEventListener("x", (event) => { seen = event.currentTarget.field; });
      mine.dispatchEvent(new Event("x"));
      return [target === self, self instanceof EventTarget, seen, mine instanceof EventTarget];
    """
    assert run_js(script) == [True, True, 1, True]


def test_events_with_more_to_tell(run_js: RunJs) -> None:
    """CustomEvent, ErrorEvent, PromiseRejectionEvent: their members and their defaults."""
    script = """
      const promise = Promise.resolve();
      const error = new ErrorEvent("error", { lineno: -1, colno: "7", filename: "\\ud800" });
      const rejection = new PromiseRejectionEvent("x", { promise, reason: 5 });
      let name;
      try { new PromiseRejectionEvent("x", {}); } catch (thrown) { ({ name } = thrown); }
      return [new CustomEvent("x").detail, new CustomEvent("x", { detail: 0 }).detail,
        error.message, error.filename, error.lineno, error.colno, error.error === undefined,
        rejection.promise === promise, rejection.reason, name];
    """
    assert run_js(script) == [None, 0, "", "\ufffd", 2**32 - 1, 7, True, True, 5, "TypeError"]


def test_the_arguments_of_event_targets(run_js: RunJs) -> None:
    """A callback is an object or null, an event is an event; two arguments are required."""
    script = """
      const target = new EventTarget();
      return [() => target.addEventListener("x"), () => target.addEventListener("x", "f"),
        () => target.removeEventListener("x", 1), () => target.dispatchEvent({ type: "x" }),
        () => target.dispatchEvent(null), () => new Event(), () => EventTarget(),
        () => target.addEventListener("x", undefined), () => target.addEventListener("x", () => {}, "true"),
      ].map((f) => { try { return String(f()); } catch (error) { return error.name; } });
    """
    # A string is a boolean here: the union has no string.
    assert run_js(script) == [*["TypeError"] * 7, "undefined", "undefined"]

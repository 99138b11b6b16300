"""setTimeout(), setInterval() and their opposites; tests/realm/test_timers.py has the clock."""

from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]

WAIT = "const wait = (delay) => new Promise((resolve) => setTimeout(resolve, delay));"


def test_timers_get_positive_numbers_and_their_arguments(run_js: RunJs) -> None:
    """``this`` is the global object, also in strict code."""
    script = """
      "use strict";
      const id = setTimeout(() => {}, 0);
      const given = await new Promise((resolve) => {
        setTimeout(function (...values) { resolve([this === globalThis, ...values]); }, 0, "a", undefined, 3);
      });
      const next = setInterval(() => {}, 0);
      return [Number.isInteger(id) && id > 0, next > id, given];
    """
    assert run_js(script) == [True, True, [True, "a", None, 3]]


def test_timers_fire_by_their_time_and_then_by_their_order(run_js: RunJs) -> None:
    """A negative delay, and what is no number, is none."""
    script = f"""
      {WAIT}
      const log = [];
      setTimeout(() => log.push("late"), 5);
      for (const delay of [0, -1, undefined, "x", null, NaN, Infinity, 2 ** 32, "0", {{}}]) {{
        setTimeout((name) => log.push(name), delay, String(delay));
      }}
      await wait(10);
      return log;
    """
    early = ["0", "-1", "undefined", "x", "null", "NaN", "Infinity", "4294967296", "0", "[object Object]"]
    assert run_js(script) == [*early, "late"]


def test_delays_are_converted_before_anything_starts(run_js: RunJs) -> None:
    """The handler first, then the delay; what throws sets no timer. A handler is required."""
    script = f"""
      {WAIT}
      const log = [];
      const valueOf = (name, value) => ({{ toString() {{ log.push(name); return value; }} }});
      setTimeout(valueOf("handler", "self.ran = 1"), valueOf("delay", "0"));
      const errors = [() => setTimeout(), () => setInterval(), () => setTimeout(Symbol()),
        () => setTimeout("self.ran = 2", Symbol()), () => setTimeout("self.ran = 3", 1n),
          () => clearTimeout(Symbol()),
      ].map((f) => {{ try {{ f(); }} catch (error) {{ return error.name; }} }});
      await wait(5);
      return [log, errors, self.ran];
    """
    assert run_js(script) == [["handler", "delay"], ["TypeError"] * 6, 1]


def test_a_string_is_run_as_a_script(run_js: RunJs) -> None:
    """In the global scope; what it throws, and that it does not parse, is reported."""
    script = f"""
      {WAIT}
      const log = [];
      addEventListener("error", (event) => {{ event.preventDefault(); log.push(event.error.name); }});
      const local = 1;
      setTimeout("var made = typeof local; let own = 1");
      setTimeout("null.x");
      setTimeout("let = ;");
      setTimeout(null);
      await wait(5);
      return [self.made, log];
    """
    assert run_js(script) == ["undefined", ["TypeError", "SyntaxError"]]


def test_cleared_timers_do_not_fire(run_js: RunJs) -> None:
    """Either function clears either kind, also from a timer that fires before; other numbers do nothing."""
    script = f"""
      {WAIT}
      const log = [];
      clearInterval(setTimeout(() => log.push("timeout")));
      clearTimeout(setInterval(() => log.push("interval")));
      setTimeout(() => clearTimeout(later));
      const later = setTimeout(() => log.push("later"));
      clearTimeout(`${{setTimeout(() => log.push("text"))}}`);
      for (const value of [0, -1, 12345, undefined, null, NaN, "x"]) clearTimeout(value);
      clearTimeout();
      clearInterval();
      await wait(5);
      return log;
    """
    assert run_js(script) == []


def test_an_interval_repeats_until_it_is_cleared(run_js: RunJs) -> None:
    """Also from within; it survives what its callback throws, and gets its arguments each time."""
    script = """
      const log = [];
      addEventListener("error", (event) => { event.preventDefault(); log.push(event.error); });
      await new Promise((resolve) => {
        const id = setInterval((value) => {
          log.push(value);
          if (log.length > 4) { clearInterval(id); resolve(); }
          throw "thrown";
        }, 1, "fired");
      });
      const { length } = log;
      await new Promise((resolve) => setTimeout(resolve, 10));
      return [log, log.length - length];
    """
    assert run_js(script) == [["fired", "thrown", "fired", "thrown", "fired", "thrown"], 0]


def test_each_timer_is_a_task_of_its_own(run_js: RunJs) -> None:
    """The microtasks of one run before the next, also when it throws."""
    script = f"""
      {WAIT}
      const log = [];
      addEventListener("error", (event) => event.preventDefault());
      for (const name of ["a", "b"]) {{
        setTimeout(() => {{
          queueMicrotask(() => log.push(`${{name}} microtask`));
          log.push(name);
          throw name;
        }});
      }}
      await wait(5);
      return log;
    """
    assert run_js(script) == ["a", "a microtask", "b", "b microtask"]


GAPS = """
  const gaps = (start) => new Promise((resolve) => {
    const [list, id] = [[], []];
    let last = performance.now();
    start((again) => {
      const now = performance.now();
      list.push(now - last);
      last = now;
      if (list.length < 12) again?.();
      else { clearInterval(id[0]); resolve(list); }
    }, id);
  });
"""


def test_nested_timers_are_slowed_down(run_js: RunJs) -> None:
    """After a few levels each takes at least 4 ms, as do the later rounds of an interval; a longer delay is kept."""
    script = f"""
      {GAPS}
      const nested = await gaps((fired) => {{
        const next = () => setTimeout(() => fired(next), 0);
        next();
      }});
      const interval = await gaps((fired, id) => {{ id.push(setInterval(fired, 1)); }});
      return [nested, interval];
    """
    for gaps in run_js(script):
        assert min(gaps[:5]) < 4
        # Each gap is the difference of two times that were rounded to 125 microseconds.
        assert min(gaps[7:]) >= 3.8


def test_timers_that_are_not_nested_are_not_slowed_down(run_js: RunJs) -> None:
    """A message between them ends the nesting."""
    script = """
      const { port1, port2 } = new MessageChannel();
      const times = [];
      return new Promise((resolve) => {
        port2.onmessage = () => {
          const start = performance.now();
          setTimeout(() => {
            times.push(performance.now() - start);
            if (times.length < 20) port1.postMessage(0);
            else resolve(Math.min(...times.slice(10)));
          }, 0);
        };
        port1.postMessage(0);
      });
    """
    assert run_js(script) < 4


def test_a_guessed_number_clears_no_timer_of_the_platform(run_js: RunJs) -> None:
    """AbortSignal.timeout() and messages use timers, too, which are none of the script's."""
    script = """
      const signal = AbortSignal.timeout(1);
      const aborted = new Promise((resolve) => { signal.onabort = () => resolve("aborted"); });
      const { port1, port2 } = new MessageChannel();
      const received = new Promise((resolve) => { port2.onmessage = (event) => resolve(event.data); });
      port1.postMessage("received");
      for (let id = 0; id < 100; id++) {
        clearTimeout(id);
        clearInterval(id);
      }
      return [await aborted, await received];
    """
    assert run_js(script) == ["aborted", "received"]

"""High Resolution Time, Performance Timeline and User Timing."""

from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]


def test_time_begins_with_the_worker(run_js: RunJs) -> None:
    """Not with the process that it was forked from; it is coarse, and the wall clock agrees."""
    script = """
      const now = performance.now();
      return [now > 0 && now < 5000, Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 50,
        Number.isInteger(now * 8), new Event("x").timeStamp - now < 1000,
        Object.keys(performance.toJSON())];
    """
    assert run_js(script) == [True, True, True, True, ["timeOrigin"]]


def test_performance_can_be_replaced(run_js: RunJs) -> None:
    """The attribute is [Replaceable]."""
    assert run_js("performance = 5; return [performance, Object.keys(self).includes('performance')]") == [5, True]


def test_marks_and_measures(run_js: RunJs) -> None:
    """All ways to say from when to when."""
    script = """
      performance.mark("a", { startTime: 10 });
      performance.mark("b", { startTime: 30 });
      performance.mark("b", { startTime: 40 });
      const measured = [
        performance.measure("1", "a", "b"),
        performance.measure("2", undefined, "a"),
        performance.measure("3", { start: 5, end: "b" }),
        performance.measure("4", { start: "a", duration: 7 }),
        performance.measure("5", { end: "b", duration: 7 }),
        performance.measure("6", {}, "a"),
        performance.measure("7", { start: "a", end: 4 }),
      ];
      const open = performance.measure("8", "a");
      return [measured.map(({ startTime, duration }) => [startTime, duration]),
        open.startTime + open.duration <= performance.now()];
    """
    expected = [[10, 30], [0, 10], [5, 35], [10, 7], [33, 7], [0, 10], [10, -6]]
    assert run_js(script) == [expected, True]


def test_the_timeline_is_sorted_and_filtered(run_js: RunJs) -> None:
    """By start, type and name; clearing takes one name or all."""
    script = """
      for (const [name, startTime] of [["x", 3], ["y", 1], ["x", 2]]) performance.mark(name, { startTime });
      performance.measure("x", { start: 1, end: 2 });
      const names = (entries) => entries.map((entry) => entry.entryType + entry.startTime);
      const before = [performance.getEntries(), performance.getEntriesByType("mark"),
        performance.getEntriesByName("x"), performance.getEntriesByName("x", "measure"),
        performance.getEntriesByType("MARK")].map(names);
      performance.clearMarks("x");
      const one = names(performance.getEntries());
      performance.clearMarks();
      performance.clearMeasures();
      return [before, one, performance.getEntries()];
    """
    assert run_js(script) == [
        [
            ["mark1", "measure1", "mark2", "mark3"],
            ["mark1", "mark2", "mark3"],
            ["measure1", "mark2", "mark3"],
            ["measure1"],
            [],
        ],
        ["mark1", "measure1"],
        [],
    ]


def test_details_are_cloned(run_js: RunJs) -> None:
    """Once, when the entry is made; what cannot be cloned makes none."""
    script = """
      const detail = { n: 1 };
      const mark = performance.mark("m", { detail });
      const measure = performance.measure("m", { start: 0, detail });
      detail.n = 2;
      let name;
      try { performance.mark("bad", { detail: () => {} }); } catch (error) { name = error.name; }
      return [mark.detail.n, measure.detail.n, mark.detail === mark.detail, performance.mark("n").detail, name,
        performance.getEntriesByName("bad").length, Object.keys(mark.toJSON())];
    """
    keys = ["name", "entryType", "startTime", "duration"]
    assert run_js(script) == [1, 1, True, None, "DataCloneError", 0, keys]


def test_what_cannot_be_measured(run_js: RunJs) -> None:
    """Unknown marks, negative times, contradictory options, the names that only windows have."""
    script = """
      const attempt = (...values) => {
        try { performance.measure("m", ...values); return "ok"; } catch (error) { return error.name; }
      };
      return [attempt("unknown"), attempt("navigationStart"), attempt({ start: -1 }), attempt({ start: 1 }, "x"),
        attempt({ duration: 1 }), attempt({ start: 0, end: 1, duration: 1 }), attempt({ detail: 1 }),
        attempt({ other: 1 })];
    """
    assert run_js(script) == ["SyntaxError", *["TypeError"] * 6, "ok"]


def test_observers_are_told_in_a_task(run_js: RunJs) -> None:
    """Of the types that they observe, with what was buffered if they want that; the first time with a count."""
    script = """
      performance.mark("before");
      const log = [];
      const calls = Promise.withResolvers();
      const observer = new PerformanceObserver(function (list, given, options) {
        log.push([list.getEntries().map((entry) => entry.name), given === observer, this === observer, options]);
        if (log.length === 2) calls.resolve();
        else performance.measure("again");
      });
      observer.observe({ type: "mark", buffered: true });
      observer.observe({ type: "measure" });
      observer.observe({ type: "unknown" });
      performance.measure("measure");
      performance.mark("after");
      log.push("not yet");
      log.length = 0;
      await calls.promise;
      observer.disconnect();
      performance.mark("unheard");
      return [log, observer.takeRecords(), PerformanceObserver.supportedEntryTypes];
    """
    assert run_js(script) == [
        [
            [["measure", "before", "after"], True, True, {"droppedEntriesCount": 0}],
            [["again"], True, True, {}],
        ],
        [],
        ["mark", "measure"],
    ]


def test_observe_has_two_modes(run_js: RunJs) -> None:
    """One type at a time, or a list that replaces the one before."""
    script = """
      const attempt = (observer, options) => {
        try { observer.observe(options); return "ok"; } catch (error) { return error.name; }
      };
      const [one, two] = [new PerformanceObserver(() => {}), new PerformanceObserver(() => {})];
      const results = [attempt(one, {}), attempt(one, { type: "mark", entryTypes: [] }),
        attempt(one, { entryTypes: ["mark"], buffered: true }), attempt(one, { entryTypes: ["mark", "x"] }),
        attempt(one, { type: "mark" }), attempt(two, { type: "mark" }), attempt(two, { entryTypes: ["mark"] }),
        attempt(one, { entryTypes: ["measure"] })];
      performance.mark("m");
      performance.measure("m");
      return [results, one.takeRecords().map((entry) => entry.entryType)];
    """
    types = ["TypeError", "TypeError", "TypeError", "ok", "InvalidModificationError", "ok"]
    assert run_js(script) == [[*types, "InvalidModificationError", "ok"], ["measure"]]

"""Web Locks as a script sees them; tests/workers/test_locks.py has the locks themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers import realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

GRANT = {"lock_request": lambda *arguments: True}


def test_the_lock_is_held_until_the_callback_is_done(tmp_path: Path) -> None:
    """It is released when the promise settles, however it does; request() settles with that."""
    source = """
      const log = (promise) => promise.then((v) => console.log("value", v), (e) => console.log("error", e));
      log(navigator.locks.request("a", { mode: "shared" }, async ({ name, mode }) => `${name}, ${mode}`));
      log(navigator.locks.request("b", () => { throw "thrown"; }));
    """
    with realm_process(tmp_path, source, calls=GRANT) as process:
        assert process.wait_for(messages.Log).text == "value a, shared"
        assert process.wait_for(messages.Log).text == "error thrown"
    assert process.calls_made == [
        ("lock_request", [1, '"a"', "shared", False, False]),
        ("lock_request", [2, '"b"', "exclusive", False, False]),
        ("lock_release", [1]),
        ("lock_release", [2]),
    ]


def test_a_lock_that_is_not_available_is_null(run_js: RunJs) -> None:
    """The callback runs all the same."""
    script = 'return navigator.locks.request("a", { ifAvailable: true }, (lock) => [lock])'
    assert run_js(script, calls={"lock_request": lambda *arguments: False}) == [None]


def test_a_stolen_lock_rejects(tmp_path: Path) -> None:
    """What the callback returns is of no interest any more, and there is nothing to release."""
    source = """
      let finish;
      navigator.locks.request("a", () => new Promise((resolve) => { console.log("held"); finish = resolve; }))
        .catch((error) => { console.log(error.name); finish(); });
    """
    with realm_process(tmp_path, source, calls=GRANT) as process:
        assert process.wait_for(messages.Log).text == "held"
        process.send(messages.Deliver("locks", {"stolen": 1}))
        assert process.wait_for(messages.Log).text == "AbortError"
        process.send(messages.Ping())
        process.wait_for(messages.Pong)
    assert [method for method, _ in process.calls_made] == ["lock_request"]


def test_a_request_can_be_aborted_until_it_is_granted(tmp_path: Path) -> None:
    """Even if the lock is on its way: it is given back."""
    source = """
      const controller = new AbortController();
      const { signal } = controller;
      const wrong = () => console.log("granted");
      navigator.locks.request("a", { signal }, wrong).catch((reason) => console.log(reason));
      controller.abort("enough");
      navigator.locks.request("b", { signal }, wrong).catch((reason) => console.log(reason, "at once"));
      const late = new AbortController();
      navigator.locks.request("c", { signal: late.signal }, () => late.abort()).then(() => console.log("kept"));
    """
    with realm_process(tmp_path, source, calls=GRANT) as process:
        lines = [process.wait_for(messages.Log).text for _ in range(3)]
    assert lines == ["enough", "enough at once", "kept"]
    assert [(method, arguments[0]) for method, arguments in process.calls_made] == [
        ("lock_request", 1),
        ("lock_release", 1),
        ("lock_request", 2),
        ("lock_release", 2),
    ]


def test_what_cannot_be_requested(run_js: RunJs) -> None:
    """Options that exclude each other, reserved names, no callback."""
    script = """
      const { locks } = navigator;
      const { signal } = new AbortController();
      const f = () => {};
      const requests = [
        ["-a", f], ["a", { steal: true, ifAvailable: true }, f], ["a", { steal: true, mode: "shared" }, f],
        ["a", { steal: true, signal }, f], ["a", { ifAvailable: true, signal }, f], ["a", {}], ["a"],
        ["a", { mode: "x" }, f], ["a", {}, undefined],
      ];
      return Promise.all(requests.map((values) => locks.request(...values).catch((error) => error.name)));
    """
    assert run_js(script) == [*["NotSupportedError"] * 5, *["TypeError"] * 4]


def test_query_names_what_is_held_and_pending(run_js: RunJs) -> None:
    """Names that are not well-formed come back as they were."""
    info = {"name": '"\\ud800"', "mode": "shared", "clientId": "id"}
    script = 'const { held, pending } = await navigator.locks.query(); return [held[0].name === "\\ud800", pending]'
    assert run_js(script, calls={"lock_query": lambda: {"held": [info], "pending": []}}) == [True, []]

"""The event loop of a worker process, seen from the other end of its channel."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import ORIGIN, SCRIPT_URL, RealmProcess, network_response, realm_process

from swproxy.ipc import messages
from swproxy.ipc.channel import ChannelClosed

TESTS = Path(__file__).parent.parent


def fetch_event(number: int = 1, url: str = f"{ORIGIN}/x") -> messages.DispatchFetch:
    return messages.DispatchFetch(number, messages.Request(number, "GET", url, []), "", "")


def text_of(answer: messages.Respond) -> str:
    assert answer.response is not None, answer.error
    body = answer.response.body
    assert isinstance(body, messages.Inline)
    return body.data.decode()


def logged(process: RealmProcess, count: int) -> list[str]:
    """The first lines that were logged."""
    while len(process.logs) < count:
        process.logs.append(process.wait_for(messages.Log))
    return [log.text for log in process.logs[:count]]


# Starting


def test_what_a_worker_listens_to(tmp_path: Path) -> None:
    """Started names the events, and whether the fetch listeners do nothing."""
    with realm_process(tmp_path, "oninstall = () => {}; addEventListener('fetch', () => {});") as process:
        started = process.wait_for(messages.Started)
    assert sorted(started.event_types) == ["fetch", "install"]
    assert started.fetch_listeners_are_empty
    assert started.error is None


STARTS: list[tuple[str, str, bool, tuple[str, str, int]]] = [
    ("throws", "\nthrow new Error('no')", False, ("Error: no", SCRIPT_URL, 2)),
    ("does not parse", "let = ;", False, ("SyntaxError", SCRIPT_URL, 1)),
    ("import throws", "importScripts('/throws.js')", False, ("Error: imported", f"{ORIGIN}/throws.js", 3)),
    (
        "throws after an import",
        "importScripts('/fine.js');\nthrow new Error('no')",
        False,
        ("Error: no", SCRIPT_URL, 2),
    ),
    (
        "import of an import throws",
        "importScripts('/imports.js')",
        False,
        ("Error: imported", f"{ORIGIN}/throws.js", 3),
    ),
    ("module is missing", "import './none.js'", True, (f"The script '{ORIGIN}/none.js' failed", SCRIPT_URL, 0)),
    ("bare specifier", "import 'lib'", True, ("Failed to resolve module specifier 'lib'", SCRIPT_URL, 0)),
    ("top-level await", "await 1", True, ("TypeError: Top-level await", "", 0)),
]


@pytest.mark.parametrize(
    ("source", "module", "expected"), [row[1:] for row in STARTS], ids=[row[0].replace(" ", "-") for row in STARTS]
)
def test_scripts_that_do_not_start(tmp_path: Path, source: str, module: bool, expected: tuple[str, str, int]) -> None:
    """Started says why, and where."""
    scripts = {
        f"{ORIGIN}/throws.js": "\n\nthrow new Error('imported')",
        f"{ORIGIN}/fine.js": "",
        f"{ORIGIN}/imports.js": "importScripts('/fine.js', '/throws.js')",
    }
    with realm_process(tmp_path, source, module=module, scripts=scripts) as process:
        error = process.wait_for(messages.Started).error
    assert error is not None
    message, url, line = error[:3]
    assert message.startswith(expected[0])
    assert (url, line) == expected[1:]


def test_an_import_that_fails(tmp_path: Path) -> None:
    """The stack has the line that wanted it, once, and no line that the script does not have."""
    with realm_process(tmp_path, "\n\nimportScripts('/none.js')") as process:
        error = process.wait_for(messages.Started).error
    assert error is not None
    assert error[0] == f"NetworkError: The script '{ORIGIN}/none.js' failed to load: not found"
    assert [line for line in error[4].split("\n") if SCRIPT_URL in line] == [f"    at {SCRIPT_URL}:3:1"]


def test_a_rejection_at_the_top_is_no_failure(tmp_path: Path) -> None:
    """The script has run to its end; the rejection is logged. So is what is no Unicode."""
    with realm_process(tmp_path, "Promise.reject(new Error('left')); console.log('a\\ud800b');") as process:
        assert process.wait_for(messages.Started).error is None
        assert set(logged(process, 2)) == {"Uncaught (in promise) Error: left", "a\ufffdb"}


# Scripts that are imported while another one waits


def test_messages_wait_while_a_script_does(tmp_path: Path) -> None:
    """What arrives during importScripts() is handled after the script, in order."""
    source = """
    importScripts("/lib.js");
    onfetch = (event) => event.respondWith(new Response(`${lib} ${navigator.onLine}`));
    """
    with realm_process(tmp_path, source) as process:
        assert process.wait_for(messages.LoadScript).url == f"{ORIGIN}/lib.js"
        for message in (messages.Ping(), messages.OnlineChanged(False), fetch_event()):
            process.send(message)
        process.send(messages.ScriptAnswer("const lib = 'imported';"))
        seen: list[Any] = []
        while not seen or not isinstance(seen[-1], messages.Respond):
            seen.append(process.channel.receive(10))
    assert [type(message) for message in seen] == [messages.Started, messages.Pong, messages.Respond]
    assert text_of(seen[-1]) == "imported false"


def test_imports_within_imports(tmp_path: Path) -> None:
    """Each is asked for once, in order, relative to the worker's own script."""
    scripts = {
        f"{ORIGIN}/a/1.js": "importScripts('a/2.js'); log('1');",
        f"{ORIGIN}/a/2.js": "log('2');",
        f"{ORIGIN}/3.js": "log('3');",
    }
    source = "self.log = console.log; importScripts('a/1.js', '3.js', 'a/2.js'); log('end');"
    with realm_process(tmp_path, source, scripts=scripts) as process:
        assert logged(process, 5) == ["2", "1", "3", "2", "end"]


def test_what_an_import_throws_reaches_its_importers(tmp_path: Path) -> None:
    """Through imports, and after others that were fine; none of them goes on."""
    scripts = {
        f"{ORIGIN}/a.js": "importScripts('/fine.js', '/b.js'); log('a goes on');",
        f"{ORIGIN}/b.js": "log('b'); throw new RangeError('thrown');",
        f"{ORIGIN}/fine.js": "log('fine');",
    }
    source = """
      self.log = console.log;
      try { importScripts("/a.js"); log("nothing"); } catch (error) { log(`${error}`); }
    """
    with realm_process(tmp_path, source, scripts=scripts) as process:
        assert logged(process, 3) == ["fine", "b", "RangeError: thrown"]


def test_what_was_imported_once_is_not_asked_for_again(tmp_path: Path) -> None:
    """The script of the resource map runs, and the proxy is told that it is still used."""
    source = "self.runs = 0; for (let i = 0; i < 3; i++) importScripts('/lib.js'); console.log(runs);"
    with realm_process(tmp_path, source, scripts={f"{ORIGIN}/lib.js": "runs++;"}) as process:
        for _ in range(2):
            assert process.wait_for(messages.ScriptUsed).url == f"{ORIGIN}/lib.js"
        assert logged(process, 1) == ["3"]


def test_after_the_installation_nothing_new_is_imported(tmp_path: Path) -> None:
    """The network is not even asked; what is known is not reported any more."""
    source = """
    importScripts("/lib.js");
    onfetch = (event) => {
      importScripts("/lib.js");
      try { importScripts("/new.js"); } catch (error) { event.respondWith(new Response(error.message)); }
    };
    """
    with realm_process(tmp_path, source, scripts={f"{ORIGIN}/lib.js": ""}) as process:
        process.wait_for(messages.Started)
        process.send(messages.RegistrationChanged(REGISTRATION, may_import=False))
        process.send(fetch_event())
        answer = process.channel.receive(10)
    assert isinstance(answer, messages.Respond)
    assert "was not imported before or during the install event" in text_of(answer)


REGISTRATION = {
    "scope": f"{ORIGIN}/",
    "updateViaCache": "imports",
    "installing": None,
    "waiting": None,
    "active": {"id": 1, "scriptURL": SCRIPT_URL, "state": "activated"},
    "workers": {"1": {"id": 1, "scriptURL": SCRIPT_URL, "state": "activated"}},
}


# The loop


def test_a_ping_is_answered_between_turns(tmp_path: Path) -> None:
    """Also while the script waits for a promise, or a timer."""
    with realm_process(
        tmp_path, "setInterval(() => {}, 1); onfetch = (e) => e.respondWith(new Promise(() => {}));"
    ) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event())
        for _ in range(3):
            process.send(messages.Ping())
            process.wait_for(messages.Pong)


def test_timers_run_between_messages(tmp_path: Path) -> None:
    """In their order, and the answer of an event may wait for one."""
    source = """
    const order = [];
    setTimeout(() => order.push("20"), 20);
    setTimeout(() => order.push("0"), 0);
    onfetch = (event) => event.respondWith(new Promise((resolve) =>
      setTimeout(() => resolve(new Response(order.join())), 30)));
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event())
        assert text_of(process.wait_for(messages.Respond)) == "0,20"


def test_events_overlap(tmp_path: Path) -> None:
    """One that waits for the network holds up no other; each answer carries its number."""
    source = """
    onfetch = (event) => event.respondWith(
      event.request.url.endsWith("/slow") ? fetch("/live") : new Response(event.request.url));
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event(1, f"{ORIGIN}/slow"))
        asked = process.wait_for(messages.Fetch)
        process.send(fetch_event(2, f"{ORIGIN}/quick"))
        quick = process.wait_for(messages.Respond)
        process.send(messages.FetchAnswer(asked.id, network_response("slow")))
        slow = process.wait_for(messages.Respond)
    assert (quick.id, text_of(quick)) == (2, f"{ORIGIN}/quick")
    assert (slow.id, text_of(slow)) == (1, "slow")


def test_answers_to_nothing_are_ignored(tmp_path: Path) -> None:
    """Of a fetch that was aborted, of a body that was let go, of a call that nobody waits for."""
    source = """
    const controller = new AbortController();
    fetch("/live", { signal: controller.signal }).catch((error) => console.log(error.name));
    controller.abort();
    """
    with realm_process(tmp_path, source) as process:
        asked = process.wait_for(messages.Fetch)
        assert process.wait_for(messages.AbortFetch).id == asked.id
        for message in (
            messages.FetchAnswer(asked.id, network_response("late")),
            messages.FetchAnswer(asked.id, None, "late"),
            messages.BodyChunk(77, b"late"),
            messages.BodySaved(77, "", 0),
            messages.BodyPull(77),
            messages.BodyRelease(77),
            messages.CallAnswer(messages.NO_ANSWER, None),
        ):
            process.send(message)
        assert logged(process, 1) == ["AbortError"]
        process.send(messages.Ping())
        process.wait_for(messages.Pong)


USES_MEMORY_UP = """
import sys
from pathlib import Path
from helpers import realm_process
from swproxy.ipc import messages
from swproxy.ipc.channel import ChannelClosed
with realm_process(Path(sys.argv[1]), sys.argv[2], memory_limit=1 << 27) as process:
    try:
        while True:
            message = process.channel.receive(30)
            if isinstance(message, messages.OverLimit):
                print(message.reason)
    except ChannelClosed:
        print("ended")
"""


def ended_by(tmp_path: Path, source: str) -> list[str]:
    """What becomes of a worker with 128 MiB, from the first message to the last.

    It is forked from a process as small as the fork server: what the tests' own has allocated counts for its workers.
    """
    paths = os.pathsep.join(str(path) for path in (TESTS, TESTS.parent))
    command = [sys.executable, "-W", "ignore", "-c", USES_MEMORY_UP, str(tmp_path), source]
    environment = os.environ | {"PYTHONPATH": paths}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.splitlines()


def test_a_script_that_uses_up_its_memory_ends_the_process(tmp_path: Path) -> None:
    """After the turn in which it came to the limit."""
    source = "self.kept = new Uint8Array(90 << 20).fill(1);"
    assert ended_by(tmp_path, source) == ["its scripts used up the 128 MiB that a worker may have", "ended"]


def test_promise_jobs_without_memory_end_the_process(tmp_path: Path) -> None:
    """What they could not finish would never settle. The engine may not survive it, so that nobody says why."""
    source = "const again = () => Promise.resolve().then(again); again();"
    assert ended_by(tmp_path, source)[-1:] == ["ended"]


@pytest.mark.parametrize(
    "source",
    [
        "for (;;);",
        "importScripts('/endless.js');",
        "try { importScripts('/endless.js'); } catch {}",
        "for (;;) { try { importScripts('/endless.js'); } catch {} }",
        "for (;;) { try { new URL('https://x.test/'); } catch {} }",
        "for (;;) { try { console.log('x'); } catch {} }",
    ],
    ids=["script", "import", "caught-import", "imports", "calls", "messages"],
)
def test_a_turn_over_its_budget_ends_the_process(tmp_path: Path, source: str) -> None:
    """The proxy is told why, and the engine is not used any more."""
    scripts = {f"{ORIGIN}/endless.js": "for (;;);"}
    with realm_process(tmp_path, source, scripts=scripts, turn_budget=0.05) as process:
        assert (
            process.wait_for(messages.OverLimit).reason == "a script ran for more than 0.05 seconds without a pause"
        )
        with pytest.raises(ChannelClosed):
            process.channel.receive(10)


def test_waiting_for_an_import_costs_no_budget(tmp_path: Path) -> None:
    """The network may be slower than a script may be."""
    with realm_process(tmp_path, "importScripts('/lib.js');", turn_budget=0.05) as process:
        process.wait_for(messages.LoadScript)
        assert process.channel.receive(0.2) is None
        process.send(messages.ScriptAnswer(""))
        assert process.wait_for(messages.Started).error is None


def test_without_the_proxy_there_is_no_worker(tmp_path: Path) -> None:
    """It ends by itself when the connection does."""
    with realm_process(tmp_path, "setInterval(() => {}, 1)") as process:
        process.wait_for(messages.Started)
        process.channel._connection.shutdown(1)
        with pytest.raises(ChannelClosed):
            process.channel.receive(10)

"""Client, WindowClient and Clients; tests/workers/test_host.py has what the proxy answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

PAGE = {
    "id": "the id",
    "url": "https://site.test/page",
    "type": "window",
    "frameType": "top-level",
    "visibilityState": "visible",
    "focused": False,
    "ancestorOrigins": ["https://top.test"],
}
WORKER = {"id": "w", "url": "https://site.test/w.js", "type": "worker", "frameType": "none"}


def test_a_window_client_has_what_the_proxy_knows(run_js: RunJs) -> None:
    """get() gives one, or undefined; its list of ancestors is frozen and always the same."""
    script = """
      const client = await clients.get("the id");
      const { id, url, type, frameType, visibilityState, focused, ancestorOrigins } = client;
      return [id, url, type, frameType, visibilityState, focused, ancestorOrigins, Object.isFrozen(ancestorOrigins),
        client.ancestorOrigins === ancestorOrigins, client instanceof WindowClient, client instanceof Client,
        await clients.get("another") === undefined];
    """
    calls = {"clients_get": lambda name: PAGE if name == "the id" else None}
    page = ["the id", PAGE["url"], "window", "top-level", "visible", False, ["https://top.test"]]
    assert run_js(script, calls=calls) == [*page, True, True, True, True, True]


def test_other_clients_are_no_window_clients(run_js: RunJs) -> None:
    """They lack what only windows have."""
    script = """
      const client = await clients.get("w");
      return [client.constructor === Client, client.type, client.frameType, "focus" in client];
    """
    assert run_js(script, calls={"clients_get": lambda name: WORKER}) == [True, "worker", "none", False]


def test_match_all_gives_a_frozen_list(run_js: RunJs) -> None:
    """The proxy gets the options with their defaults."""
    script = """
      const all = await clients.matchAll({ type: "all", includeUncontrolled: 1 });
      return [Object.isFrozen(all), all.map((client) => client.constructor.name), (await clients.matchAll()).length];
    """
    given: list[Any] = []

    def match_all(options: dict[str, Any]) -> list[dict[str, Any]]:
        given.append(options)
        return [PAGE, WORKER] if options["includeUncontrolled"] else []

    assert run_js(script, calls={"clients_match_all": match_all}) == [True, ["WindowClient", "Client"], 0]
    assert given == [
        {"includeUncontrolled": True, "type": "all"},
        {"includeUncontrolled": False, "type": "window"},
    ]


def test_claim_is_fulfilled_with_undefined(run_js: RunJs) -> None:
    """Whatever the proxy answers."""
    assert run_js("return [await clients.claim() === undefined]", calls={"clients_claim": lambda: 5}) == [True]


def test_urls_are_resolved_and_checked(tmp_path: Path) -> None:
    """Against the worker's own; one that is not valid, or about:blank, is a TypeError and goes nowhere."""
    source = """
      (async () => {
        const client = await clients.get("x");
        for (const url of ["http://[", "about:blank"]) {
          for (const promise of [clients.openWindow(url), client.navigate(url)]) {
            await promise.catch((error) => console.log(error.name));
          }
        }
        console.log(await clients.openWindow("a#b"), await client.navigate("/c"));
      })();
    """
    with realm_process(tmp_path, source, calls={"clients_get": lambda name: PAGE}) as process:
        assert [process.wait_for(messages.Log).text for _ in range(5)] == [*["TypeError"] * 4, "null null"]
    assert process.calls_made[1:] == [
        ("clients_open_window", ["https://site.test/a#b"]),
        ("client_navigate", ["the id", "https://site.test/c"]),
    ]


def test_focus_and_navigate_give_the_client_as_it_is_then(run_js: RunJs) -> None:
    """The one that they were called on stays as it was."""
    script = """
      const client = await clients.get("the id");
      const focused = await client.focus();
      const moved = await client.navigate("/moved");
      const opened = await clients.openWindow("/opened");
      return [client.focused, focused.focused, client.url, moved.url, opened instanceof WindowClient];
    """
    calls = {
        "clients_get": lambda name: PAGE,
        "client_focus": lambda name: PAGE | {"focused": True},
        "client_navigate": lambda name, url: PAGE | {"url": url},
        "clients_open_window": lambda url: PAGE,
    }
    url = "https://site.test/"
    assert run_js(script, calls=calls) == [False, True, f"{url}page", f"{url}moved", True]


def test_what_the_proxy_refuses_is_a_rejection(tmp_path: Path) -> None:
    """With the error that it names."""
    source = """
      clients.openWindow("/").catch((error) => console.log(error instanceof DOMException, error.name, error.message));
    """
    with realm_process(tmp_path, source) as process:
        call = process.wait_for(messages.Call)
        process.send(messages.CallAnswer(call.id, None, ("InvalidAccessError", "Not allowed.")))
        assert process.wait_for(messages.Log).text == "true InvalidAccessError Not allowed."


def test_a_message_is_serialized_for_the_client(tmp_path: Path) -> None:
    """postMessage() takes a list of what is transferred, or options; buffers are detached by it."""
    source = """
      (async () => {
        const client = await clients.get("x");
        const [one, two] = [new ArrayBuffer(2), new ArrayBuffer(2)];
        client.postMessage({ one }, [one]);
        client.postMessage(two, { transfer: new Set([two]) });
        client.postMessage("text", undefined);
        let error;
        try { client.postMessage(() => {}); } catch ({ name }) { error = name; }
        console.log(one.byteLength, two.byteLength, error);
      })();
    """
    with realm_process(tmp_path, source, calls={"clients_get": lambda name: PAGE}) as process:
        assert process.wait_for(messages.Log).text == "0 0 DataCloneError"
    sent = [arguments for method, arguments in process.calls_made if method == "client_post_message"]
    assert [(name, len(record["parts"])) for name, record in sent] == [("the id", 1), ("the id", 1), ("the id", 0)]


@pytest.mark.parametrize(
    "call",
    [
        *["clients.get()", "clients.openWindow()", "clients.matchAll({ type: 'tab' })", "clients.matchAll(5)"],
        *["clients.claim.call({})", "WindowClient.prototype.focus.call({})", "clients.get(Symbol())"],
        *["(async () => new Client())()", "(async () => new WindowClient())()", "(async () => new Clients())()"],
        "(async () => Client.prototype.url)()",
    ],
)
def test_wrong_calls_are_rejected(run_js: RunJs, call: str) -> None:
    """With a TypeError, and nothing is thrown."""
    assert run_js(f"return ({call}).catch((error) => error.name)") == "TypeError"


def test_clients_is_one_object(run_js: RunJs) -> None:
    """An attribute of the global object itself, without a setter."""
    script = """
      const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(self, "clients");
      return [clients === self.clients, String(clients), get.name, set === undefined, enumerable, configurable];
    """
    assert run_js(script) == [True, "[object Clients]", "get clients", True, True, True]

"""WebSocketStream and WebSocketError, as scripts see them: the test is the proxy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played_proxy import server

from swproxy.ipc import messages
from swproxy.ipc.messages import cost_of

RunJs = Callable[..., Any]
URL = "wss://site.test/chat"


def stream(drive: str, options: str = "{}") -> str:
    """A script with an open WebSocketStream: ``reader``, ``writer``, and ``outcome`` of a promise."""
    return f"""
      const outcome = (promise) => promise.then((value) => JSON.stringify(value),
        (error) => `${{error.name}} ${{error.closeCode}} ${{error.reason}}`);
      const stream = new WebSocketStream("{URL}", {options});
      (async () => {{
        const {{ readable, writable, protocol, extensions }} = await stream.opened;
        const reader = readable.getReader();
        const writer = writable.getWriter();
        {drive}
      }})().catch((error) => log("failed", error));
    """


def test_a_conversation(tmp_path: Path) -> None:
    """Text and bytes in both directions; the end."""
    script = stream(
        """
      log(protocol, extensions, stream.url);
      await writer.write("é");
      await writer.write(new Uint8Array([1, 2]).subarray(1));
      log((await reader.read()).value, [...new Uint8Array((await reader.read()).value)]);
      stream.close({ closeCode: 3000, reason: "bye" });
      log(await outcome(stream.closed), await outcome(reader.read()), await outcome(writer.closed));
    """,
        '{ protocols: ["a", "b"] }',
    )
    with server(tmp_path, script) as proxy:
        assert proxy.accept("b", "x").protocols == ["a", "b"]
        assert proxy.lines() == [f"b x {URL}"]
        assert [proxy.gets(), proxy.gets()] == ["é", b"\2"]
        proxy.sends("text")
        proxy.sends(b"\3\4")
        assert proxy.lines() == ["text 3,4"]
        assert proxy.gets_close() == (3000, "bye")
        proxy.closes(3001, "so long")
        assert proxy.lines() == [
            '{"closeCode":3001,"reason":"so long"} {"done":true} InvalidStateError undefined undefined'
        ]


def test_back_pressure_of_the_script(tmp_path: Path) -> None:
    """Messages that nobody reads are not acknowledged, but for the one that the stream has queued."""
    script = stream("""
      setTimeout(async () => {
        log("reading");
        for (let i = 0; i < 3; i++) log((await reader.read()).value);
        log(await outcome(stream.closed));
      }, 100);
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        for text in "abc":
            proxy.sends(text)
        proxy.closes(1000)
        kinds = [type(proxy.next(messages.Message)).__name__ for _ in range(9)]
    assert kinds[:3] == ["Started", "WebSocketAck", "Log"]
    assert sorted(kinds[3:]) == ["Log", "Log", "Log", "Log", "WebSocketAck", "WebSocketAck"]


def test_back_pressure_of_the_server(tmp_path: Path) -> None:
    """A write is over when the message is sent."""
    script = stream("""
      writer.write("one").then(() => log("sent"));
      setTimeout(() => log(writer.desiredSize), 50);
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        assert proxy.gets(acknowledge=False) == "one"
        assert proxy.lines() == ["0"]
        proxy.process.send(messages.WebSocketAck(1, cost_of(b"one")))
        assert proxy.lines() == ["sent"]


ENDS = [
    ("writer.close()", (None, "")),
    ("writer.abort()", (None, "")),
    ("reader.cancel('why')", (None, "")),
    ("writer.abort(new WebSocketError('', { closeCode: 3333, reason: 'z' }))", (3333, "z")),
    ("reader.cancel(new WebSocketError('', { reason: 'z' }))", (1000, "z")),
    ("reader.cancel(new DOMException('x', 'AbortError'))", (None, "")),
    ("stream.close({ reason: 'z' })", (1000, "z")),
    ("stream.close()", (None, "")),
]


@pytest.mark.parametrize(("end", "said"), ENDS, ids=[end for end, _ in ENDS])
def test_ways_to_close(tmp_path: Path, end: str, said: tuple[int | None, str]) -> None:
    """A WebSocketError has a code and a reason to send, nothing else has."""
    script = stream(f"writer.closed.catch(() => {{}}); {end}; log(await outcome(stream.closed))")
    with server(tmp_path, script) as proxy:
        proxy.accept()
        assert proxy.gets_close() == said
        proxy.sends("unread")
        proxy.closes(1005)
        assert proxy.lines() == ['{"closeCode":1005,"reason":""}']


def test_closing_the_writable_waits_for_the_handshake(tmp_path: Path) -> None:
    """It fails if that does."""
    for clean, outcome in ((True, ""), (False, "WebSocketError 1006 ")):
        with server(tmp_path, stream("log(await outcome(writer.close()))")) as proxy:
            proxy.accept()
            proxy.gets_close()
            proxy.closes(1000 if clean else 1006, clean=clean)
            assert proxy.lines() == [outcome]


def test_a_connection_that_breaks(tmp_path: Path) -> None:
    """Everything has the same error."""
    script = stream("""
      const errors = await Promise.all([stream.closed, reader.read(), writer.closed].map((promise) =>
        promise.catch((error) => error)));
      log(errors[0] === errors[1], errors[0] === errors[2], errors[0] instanceof WebSocketError, errors[0].closeCode);
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        proxy.closes(1006, clean=False)
        assert proxy.lines() == ["true true true 1006"]


def test_a_connection_that_fails(tmp_path: Path) -> None:
    """Both promises are rejected; nobody has to handle that."""
    script = f"""
      new WebSocketStream("{URL}");
      const outcome = (promise) => promise.catch((error) => `${{error.name}} ${{error.closeCode}}`);
      const stream = new WebSocketStream("{URL}");
      stream.close({{ closeCode: 4000 }});
      Promise.all([stream.opened, stream.closed].map(outcome)).then(log);
    """
    with server(tmp_path, script) as proxy:
        assert proxy.gets_close() == (4000, "")
        proxy.process.send(messages.WebSocketOpened(2, "", ""))
        proxy.process.send(messages.WebSocketClosed(1, 1006, "", False, "no"))
        proxy.process.send(messages.WebSocketClosed(2, 1000, "", True, None))
        lines = proxy.lines(3)
    assert [line.rpartition(": ")[2] for line in lines[:2]] == ["no", "it was closed before it was established"]
    assert lines[2] == "WebSocketError null,WebSocketError 1006"


def test_a_signal(tmp_path: Path) -> None:
    """It aborts the handshake, with its reason; later it does nothing."""
    script = f"""
      const outcome = (promise) => promise.catch((reason) => reason);
      const both = (stream) => Promise.all([stream.opened, stream.closed].map(outcome));
      const controller = new AbortController();
      const {{ signal }} = controller;
      const aborted = new WebSocketStream("{URL}", {{ signal: AbortSignal.abort("early") }});
      both(aborted).then(log);
      aborted.close();
      const first = new WebSocketStream("{URL}", {{ signal }});
      const second = new WebSocketStream("{URL}", {{ signal }});
      first.opened.then(() => {{
        controller.abort("late");
        both(second).then(log);
      }});
    """
    with server(tmp_path, script) as proxy:
        proxy.accept()
        assert proxy.lines(2) == ["early,early", "late,late"]
        close = proxy.next(messages.WebSocketClose)
        assert close == messages.WebSocketClose(2, None, "")


def test_what_cannot_be_constructed(run_js: RunJs) -> None:
    """As with a WebSocket; protocols are a list."""
    script = f"""
      const name = (f) => {{ try {{ f(); return "fine"; }} catch (error) {{ return error.name; }} }};
      return [() => new WebSocketStream(), () => new WebSocketStream("wss://a/#"),
        () => new WebSocketStream("ws://a.test/"), () => new WebSocketStream("{URL}", {{ protocols: "a" }}),
        () => new WebSocketStream("{URL}", {{ protocols: ["a", "a"] }}), () => new WebSocketStream("{URL}", 5),
        () => new WebSocketStream("{URL}", {{ signal: {{}} }}), () => new WebSocketStream("{URL}").close(5),
        () => new WebSocketStream("{URL}").close({{ closeCode: 1001 }}),
        () => new WebSocketStream("{URL}").close({{ closeCode: 70000 }}),
        () => new WebSocketStream("{URL}").close({{ reason: "x".repeat(124) }})].map(name);
    """
    assert run_js(script) == [
        *["TypeError", "SyntaxError", "SecurityError", "TypeError", "SyntaxError", "TypeError"],
        *["TypeError", "TypeError", "InvalidAccessError", "TypeError", "SyntaxError"],
    ]


def test_web_socket_error(run_js: RunJs) -> None:
    """A DOMException with a code and a reason; a reason has the code 1000 at least."""
    script = """
      const show = (...values) => {
        try {
          const { name, message, code, closeCode, reason } = new WebSocketError(...values);
          return [name, message, code, closeCode, reason];
        } catch (error) {
          return error.name;
        }
      };
      const error = new WebSocketError("m");
      return [show(), show("m", { closeCode: 3000, reason: "\\ud800" }), show("m", { reason: "r" }),
        show("m", { closeCode: 1001 }), show("m", { closeCode: -1 }), show("m", { reason: "é".repeat(62) }),
        error instanceof DOMException, Object.getPrototypeOf(WebSocketError) === DOMException, String(error),
        Object.prototype.toString.call(error), WebSocketError.length];
    """
    assert run_js(script) == [
        ["WebSocketError", "", 0, None, ""],
        ["WebSocketError", "m", 0, 3000, "\ufffd"],
        ["WebSocketError", "m", 0, 1000, "r"],
        *["InvalidAccessError", "TypeError", "SyntaxError", True, True],
        *["WebSocketError: m", "[object WebSocketError]", 0],
    ]

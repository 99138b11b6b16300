"""WebSockets as scripts see them: the test is the proxy. tests/network/test_web_socket.py has the connections."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played_proxy import server

from swproxy.ipc import messages
from swproxy.ipc.messages import cost_of
from swproxy.realm import web_sockets

RunJs = Callable[..., Any]
URL = "wss://site.test/chat"


def socket(drive: str = "", arguments: str = f'"{URL}"') -> str:
    """A script with a watched WebSocket; ``drive`` runs when it is open."""
    return f"""
      const socket = watch(new WebSocket({arguments}));
      socket.addEventListener("open", async () => {{ {drive} }});
    """


# The constructor


URLS = [
    ("wss://a.test", "wss://a.test/"),
    ("WSS://A.test:443/b?c", "wss://a.test/b?c"),
    ("/b", "wss://site.test/b"),
    ("?c", "wss://site.test/sw.js?c"),
    ("//a.test/", "wss://a.test/"),
    ("https://me:secret@a.test/", "wss://me:secret@a.test/"),
    ("http://localhost:8080/", "ws://localhost:8080/"),
    ("ws://127.0.0.1", "ws://127.0.0.1/"),
]


def test_urls(tmp_path: Path) -> None:
    """They are resolved against the worker's; http and https stand for ws and wss."""
    script = "".join(f'log(new WebSocket("{url}").url);' for url, _ in URLS)
    with server(tmp_path, script) as proxy:
        assert proxy.lines(len(URLS)) == [url for _, url in URLS]


WRONG = [
    ("'ftp://a.test/'", "SyntaxError"),
    ("'mailto:a'", "SyntaxError"),
    ("'wss://a b/'", "SyntaxError"),
    ("'wss://a.test/#'", "SyntaxError"),
    ("'#b'", "SyntaxError"),
    ("'ws://a.test/'", "SecurityError"),
    ("'http://a.test/'", "SecurityError"),
    ("'ws://a.test/', 'a b'", "SyntaxError"),
    ("'wss://a.test/', ''", "SyntaxError"),
    ("'wss://a.test/', 'é'", "SyntaxError"),
    ("'wss://a.test/', ['a,b']", "SyntaxError"),
    ("'wss://a.test/', ['a', 'b', 'a']", "SyntaxError"),
    ("", "TypeError"),
    ("'wss://a.test/', Symbol()", "TypeError"),
]


@pytest.mark.parametrize(("arguments", "error"), WRONG)
def test_what_cannot_be_connected_to(run_js: RunJs, arguments: str, error: str) -> None:
    """Wrong URLs and subprotocols, and what is not secure."""
    assert run_js(f"try {{ new WebSocket({arguments}) }} catch (error) {{ return error.name }}") == error


def test_subprotocols(tmp_path: Path) -> None:
    """One, several, none; they are compared as they are."""
    script = f"""
      new WebSocket("{URL}", "a");
      new WebSocket("{URL}", new Set(["a", "A"]));
      new WebSocket("{URL}", []);
    """
    with server(tmp_path, script) as proxy:
        asked = [proxy.next(messages.WebSocketConnect) for _ in range(3)]
    assert [(message.id, message.url, message.protocols) for message in asked] == [
        (1, URL, ["a"]),
        (2, URL, ["a", "A"]),
        (3, URL, []),
    ]


def test_the_interface(run_js: RunJs) -> None:
    """What a fresh one has; handlers take functions."""
    script = f"""
      const socket = new WebSocket("{URL}");
      const handlers = ["onopen", "onmessage", "onerror", "onclose"].map((name) => {{
        socket[name] = () => {{}};
        const kept = typeof socket[name];
        socket[name] = 5;
        return [kept, socket[name]];
      }});
      socket.binaryType = "arraybuffer";
      socket.binaryType = "text";
      return [WebSocket.CLOSED, socket.CLOSING, socket.readyState, socket.bufferedAmount, socket.extensions,
        socket.protocol, new WebSocket("{URL}").binaryType, socket.binaryType, handlers,
        WebSocket.length, socket.send.length, socket.close.length];
    """
    handlers = [["function", None]] * 4
    assert run_js(script) == [3, 2, 0, 0, "", "", "blob", "arraybuffer", handlers, 1, 1, 0]


# Messages


def test_a_conversation(tmp_path: Path) -> None:
    """Opened, a text in either direction, closed by the script."""
    script = socket("socket.send('hello'); socket.addEventListener('message', () => socket.close(3000, 'bye'))")
    with server(tmp_path, script) as proxy:
        proxy.accept("chat", "permessage-deflate")
        assert proxy.lines() == ["open 1 chat permessage-deflate"]
        assert proxy.gets() == "hello"
        proxy.sends("hé")
        assert proxy.lines() == ["message hé wss://site.test"]
        assert proxy.gets_close() == (3000, "bye")
        proxy.closes(3000, "bye")
        assert proxy.lines() == ["CloseEvent 3000 bye true 3"]


def test_every_kind_of_data_is_sent(tmp_path: Path) -> None:
    """Strings, buffers, views, blobs, and whatever has a text; lone surrogates are replaced."""
    script = socket("""
      const bytes = new Uint8Array([1, 2, 3, 4]);
      const all = ["", "\\ud800", null, { toString: () => "x" }, bytes.buffer, bytes.subarray(1, 3),
        new DataView(bytes.buffer, 3), new ArrayBuffer(0), new Blob(["a", bytes]).slice(0, 3), new Blob()];
      const amounts = all.map((data) => { const before = socket.bufferedAmount; socket.send(data);
        return socket.bufferedAmount - before; });
      bytes.fill(0);
      log(amounts);
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        assert proxy.lines(2)[1] == "0,3,4,1,4,2,1,0,3,0"
        sent = [proxy.gets() for _ in range(10)]
    assert sent == ["", "\ufffd", "null", "x", b"\1\2\3\4", b"\2\3", b"\4", b"", b"a\1\2", b""]


def test_large_messages(tmp_path: Path) -> None:
    """Their bytes arrive as they are, in either direction."""
    size = 3_000_001
    script = socket(f"""
      const bytes = new Uint8Array({size}).map((_, i) => i * 7);
      socket.send(bytes);
      socket.binaryType = "arraybuffer";
      socket.onmessage = ({{ data }}) => {{
        const got = new Uint8Array(data);
        log(got.length, bytes.every((byte, i) => got[i] === byte));
      }};
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        data = proxy.gets()
        assert data == bytes(i * 7 % 256 for i in range(size))
        proxy.sends(data)
        assert proxy.lines(2)[1] == f"{size} true"


def test_binary_messages(tmp_path: Path) -> None:
    """A Blob or an ArrayBuffer, as it is when the event is fired."""
    script = socket("""
      socket.onmessage = async ({ data }) => {
        log(data.constructor.name, data.size ?? data.byteLength, JSON.stringify(data.type));
        if (data.size) log(await data.text());
        socket.binaryType = "arraybuffer";
      };
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        proxy.lines()
        for data in (b"abc", b"de", b""):
            proxy.sends(data)
        assert sorted(proxy.lines(4)) == ["ArrayBuffer 0 ", "ArrayBuffer 2 ", 'Blob 3 ""', "abc"]


def test_each_message_is_acknowledged(tmp_path: Path) -> None:
    """Only then does the proxy send more than a certain amount."""
    with server(tmp_path, socket()) as proxy:
        proxy.accept()
        for data in (b"text", b"bytes"):
            proxy.sends(data)
            assert proxy.next(messages.WebSocketAck) == messages.WebSocketAck(1, cost_of(data))


# bufferedAmount


def test_buffered_amount_sinks_when_the_proxy_has_sent(tmp_path: Path) -> None:
    """Never during a task; the proxy gets no more than it has room for."""
    size = messages.WEB_SOCKET_WINDOW // 2
    script = socket(f"""
      for (let i = 0; i < 3; i++) socket.send(new ArrayBuffer({size}));
      socket.onmessage = () => log(socket.bufferedAmount / {size});
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        proxy.gets(acknowledge=False)
        proxy.process.send(messages.Ping())
        proxy.next(messages.Pong)
        proxy.sends("how much?")
        assert proxy.lines(2)[1] == "3"
        proxy.process.send(messages.WebSocketAck(1, cost_of(bytes(size))))
        proxy.gets()
        proxy.gets()
        proxy.sends("and now?")
        assert proxy.lines() == ["0"]


def test_buffered_amount_only_grows_once_it_is_closed(tmp_path: Path) -> None:
    """By what is given to send(), and it is not reset."""
    script = socket("""
      socket.send("12");
      socket.close();
      socket.send("345");
      log(socket.bufferedAmount);
      socket.onclose = () => {
        for (const data of ["é", new ArrayBuffer(4), new Blob(["x"])]) socket.send(data);
        log(socket.bufferedAmount);
      };
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        assert proxy.lines(2)[1] == "5"
        assert proxy.gets(acknowledge=False) == "12"
        assert proxy.gets_close() == (None, "")
        proxy.closes()
        assert proxy.lines() == ["12"]


def test_a_connection_that_is_full_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that sends without end does not fill the memory; the standard has an error for that."""
    monkeypatch.setattr(web_sockets, "WEB_SOCKET_BACKLOG", 3 << 20)
    script = socket("""
      const blob = new Blob([new ArrayBuffer(1 << 20)]);
      for (let i = 0; i < 100; i++) socket.send(blob);
      setTimeout(() => log(socket.readyState, socket.bufferedAmount >> 20));
    """)
    with server(tmp_path, script) as proxy:
        proxy.accept()
        lines = proxy.lines(3)
        assert "more than 3 MiB of messages wait to be sent" in lines[1]
        assert lines[2] == "2 100"
        assert [proxy.gets(), proxy.gets()] == [bytes(1 << 20)] * 2
        assert proxy.gets_close() == (None, "")
        proxy.closes()
        assert proxy.lines(2) == ["Event error 3", "CloseEvent 1005  true 3"]


# Closing


def test_wrong_codes_and_reasons(run_js: RunJs) -> None:
    """They are checked whatever the state is."""
    script = f"""
      const name = (f) => {{ try {{ f(); return "fine"; }} catch (error) {{ return error.name; }} }};
      const close = (...values) => name(() => new WebSocket("{URL}").close(...values));
      return [0, 999, 1001, 2999, 5000, 65536 + 1000, NaN, null, "x"].map((code) => close(code)).concat(
        close(1000, "é".repeat(62)), close(undefined, "x".repeat(124)), close(1000, "é".repeat(61)),
        close(3000), close("4999"), close(undefined), close(undefined, "why"), close(1000.4));
    """
    assert run_js(script) == [*["InvalidAccessError"] * 9, *["SyntaxError"] * 2, *["fine"] * 6]


def test_close_says_what_it_was_given(tmp_path: Path) -> None:
    """Nothing, a code, or both; a reason alone has the code 1000. What comes then is not heard."""
    for arguments, said in (("", (None, "")), ("4000", (4000, "")), ("undefined, 'é\\ud800'", (1000, "é\ufffd"))):
        script = socket(f"socket.close({arguments}); socket.close(3999); log(socket.readyState)")
        with server(tmp_path, script) as proxy:
            proxy.accept()
            assert proxy.lines(2)[1] == "2"
            assert proxy.gets_close() == said
            proxy.sends("too late")
            proxy.sends(b"too late")
            proxy.closes()
            assert proxy.lines() == ["CloseEvent 1005  true 3"]


def test_close_waits_for_what_was_sent(tmp_path: Path) -> None:
    """However long that takes."""
    size = messages.WEB_SOCKET_WINDOW
    with server(
        tmp_path, socket(f"socket.send(new ArrayBuffer({size})); socket.send('last'); socket.close()")
    ) as proxy:
        proxy.accept()
        assert proxy.gets() == bytes(size)
        assert proxy.gets() == "last"
        assert proxy.gets_close() == (None, "")


def test_close_before_it_is_open(tmp_path: Path) -> None:
    """The connection fails, also if it was established meanwhile."""
    script = f"watch(new WebSocket('{URL}')).close(); log(name(() => new WebSocket('{URL}').send('x')))"
    with server(tmp_path, script) as proxy:
        asked = proxy.next(messages.WebSocketConnect)
        assert proxy.gets_close() == (None, "")
        proxy.process.send(messages.WebSocketOpened(asked.id, "", ""))
        proxy.closes(clean=True)
        lines = proxy.lines(4)
    assert lines[0] == "InvalidStateError"
    assert lines[1] == f"WebSocket connection to '{URL}' failed: it was closed before it was established"
    assert lines[2:] == ["Event error 3", "CloseEvent 1006  false 3"]


def test_a_connection_that_fails(tmp_path: Path) -> None:
    """The reason is for the log, not for the script."""
    with server(tmp_path, socket()) as proxy:
        proxy.next(messages.WebSocketConnect)
        proxy.closes(1006, clean=False, error="no such server")
        assert proxy.lines(3) == [
            f"WebSocket connection to '{URL}' failed: no such server",
            "Event error 3",
            "CloseEvent 1006  false 3",
        ]


def test_the_server_closes(tmp_path: Path) -> None:
    """While it does, the state is CLOSING; a connection that only breaks off is no error."""
    script = socket("setTimeout(() => log(socket.readyState), 50)")
    with server(tmp_path, script) as proxy:
        proxy.accept()
        proxy.process.send(messages.WebSocketClosing(1))
        assert proxy.lines(2)[1] == "2"
        proxy.closes(1001, "leaving")
        assert proxy.lines() == ["CloseEvent 1001 leaving true 3"]
    with server(tmp_path, socket()) as proxy:
        proxy.accept()
        proxy.closes(1006, clean=False)
        assert proxy.lines(2)[1] == "CloseEvent 1006  false 3"


def test_close_event(run_js: RunJs) -> None:
    """Its constructor."""
    script = """
      const show = ({ type, wasClean, code, reason, bubbles }) => [type, wasClean, code, reason, bubbles];
      return [show(new CloseEvent("x")),
        show(new CloseEvent("y", { wasClean: 1, code: 65537, reason: "\\ud800", bubbles: true }))];
    """
    assert run_js(script) == [["x", False, 0, "", False], ["y", True, 1, "\ufffd", True]]


def test_built_ins_that_a_site_replaces(tmp_path: Path) -> None:
    """A site that breaks them breaks itself."""
    script = """
      const TypedArray = Object.getPrototypeOf(Uint8Array);
      for (const constructor of [Array, Map, String, RegExp, Promise, Uint8Array, TypedArray]) {
        for (const key of Object.getOwnPropertyNames(constructor.prototype)) {
          if (key === "constructor" || key === "join" || key === "concat") continue; // of the engine or of log()
          try { constructor.prototype[key] = () => { throw new Error(key); }; } catch {}
        }
      }
    """
    drive = "socket.send('a'); socket.send(new Uint8Array([1])); socket.close(1000, 'é')"
    with server(tmp_path, script + socket(drive)) as proxy:
        proxy.accept("p")
        assert proxy.lines() == ["open 1 p "]
        assert [proxy.gets(), proxy.gets(), proxy.gets_close()] == ["a", b"\1", (1000, "é")]

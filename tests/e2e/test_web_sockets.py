"""A worker that asks a server over a WebSocket for what it answers."""

from typing import Any

from aiohttp import WSMsgType, web
from origin import Origin
from proxy_process import ProxyProcess
from waiting import until

WORKER = """
let socket = null;
const opened = () => new Promise((resolve, reject) => {
  if (socket?.readyState === WebSocket.OPEN) return resolve();
  socket = new WebSocket("/ws", ["upper", "lower"]);
  socket.onopen = resolve;
  socket.onerror = () => reject(new Error("no connection"));
});
const ask = async (question) => {
  await opened();
  return new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = ({ code, wasClean }) => resolve(`closed ${code} ${wasClean}`);
    socket.send(question);
  });
};
addEventListener("fetch", (event) => {
  const { pathname, search } = new URL(event.request.url);
  if (pathname !== "/ask") return;
  event.respondWith(ask(search.slice(1)).then(
    (answer) => new Response(answer, { headers: { "X-Protocol": socket.protocol } }),
    (error) => new Response(error.message, { status: 504 }),
  ));
});
"""


def test_a_worker_with_a_web_socket(origin: Origin, proxy: ProxyProcess) -> None:
    """Over TLS, with a blob for an answer; offline there is no connection; when the proxy ends the server is told."""
    closed: list[Any] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("lower", "upper"), autoclose=False)
        await socket.prepare(request)
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            if message.data == "bytes":
                await socket.send_bytes(bytes(1 << 20))
            elif message.data == "leave":
                await socket.close(code=4000)  # and hears the answer
            else:
                await socket.send_str(message.data.upper())
        closed.append(message.data)
        return socket

    origin.route("/ws", handler=answer)
    origin.script("/sw.js", WORKER)
    proxy.registered(f"{origin.url}/", f"{origin.url}/sw.js")
    got = proxy.curl(f"{origin.url}/ask?caf")
    assert (got.status, got.text, got.headers["x-protocol"]) == (200, "CAF", "upper")
    handshake = next(hit for hit in origin.hits if hit.path == "/ws")
    assert handshake.headers["origin"] == origin.url
    assert "cookie" not in handshake.headers
    assert proxy.curl(f"{origin.url}/ask?bytes").body == bytes(1 << 20)
    assert proxy.curl(f"{origin.url}/ask?leave").text == "closed 4000 true"
    assert proxy.curl(f"{origin.url}/ask?again").text == "AGAIN"
    proxy.offline(True)
    assert proxy.curl(f"{origin.url}/ask?offline").status == 504
    until(lambda: len(closed) == 2)
    proxy.control("POST", "/flush", {})
    errors = [line["text"] for line in proxy.log() if line["kind"] == "console"]
    assert errors == [f"WebSocket connection to 'wss://localhost:{origin.port}/ws' failed: offline"]
    proxy.offline(False)
    assert proxy.curl(f"{origin.url}/ask?online").text == "ONLINE"
    assert origin.count("/ws") == 3
    assert proxy.stop() == 0
    until(lambda: len(closed) == 3)
    assert closed[2] == 1001

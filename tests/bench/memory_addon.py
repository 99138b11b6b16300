"""The peer: a mitmproxy addon that answers from memory."""

from mitmproxy import http

BODY = b"x" * 10240


class Memory:
    def request(self, flow: http.HTTPFlow) -> None:
        if flow.request.path == "/x":
            flow.response = http.Response.make(200, BODY, {"content-type": "text/plain"})


addons = [Memory()]

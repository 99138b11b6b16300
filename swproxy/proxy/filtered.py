"""What browsers cannot tell of a worker's answer: its type and URL, which decide what a page may read of it.

To a browser every answer is the network's, of the URL that was asked for. Where that is wrong:

- a ``fetch()`` that the page client has a hand in gets the rest in a header, and the page client makes it right;
- a redirect of the network, which a browser follows without asking the worker again, is followed past the worker;
- an opaque answer to any other request of its own origin is not given: the browser is sent to where the answer comes
  from, and gets it there. So a page can read no more of it than it could without a proxy.
"""

import json
import time
from collections import OrderedDict
from dataclasses import replace

import ada_url

from swproxy.ipc.messages import Header
from swproxy.proxy.flows import NULL_BODY_STATUSES, Exchange, sender_origin
from swproxy.service_worker.registration import origin_of
from swproxy.workers.dispatcher import Answer

# The page client takes it out again (script/requests.js).
META = "X-Swproxy-Response"
# Answers, and redirects, that wait for a browser to follow; and for how many seconds the latter do.
_CAPACITY = 64
_PATIENCE = 5.0
_OF_ORIGINS = frozenset({"alt-svc", "clear-site-data", "nel", "report-to", "strict-transport-security"})


class Filtered:
    """Makes answers what browsers take them for."""

    def __init__(self) -> None:
        # By browser, URL and the origin that asks.
        self._waiting: OrderedDict[tuple[str, str, str], tuple[float, Answer]] = OrderedDict()
        self._sent_on: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def network_redirects(self, exchange: Exchange, peer: str, location: str | None) -> None:
        """The browser follows now, and the worker has had its turn. A navigation begins anew."""
        if location is None or exchange.headers.get("sec-fetch-mode", "navigate") == "navigate":
            return
        if exchange.said is not None and exchange.said.redirect != "follow":
            return
        try:
            target = ada_url.URL(location, exchange.url)
        except ValueError:
            return
        target.hash = ""
        if (sender := sender_origin(exchange)) == "":
            return
        self._sent_on[peer, target.href, sender] = time.monotonic()
        if len(self._sent_on) > _CAPACITY:
            self._sent_on.popitem(last=False)

    def goes_by_the_worker(self, peer: str, exchange: Exchange) -> bool:
        """Whether this is such a request. One with CORS is not: its preflight may have been answered here."""
        if not self._sent_on or (sender := sender_origin(exchange)) == "":
            return False
        mode = exchange.headers.get("sec-fetch-mode")
        if mode == "navigate" or (mode == "cors" and sender != exchange.origin):
            return False
        sent = self._sent_on.pop((peer, exchange.url, sender), None)
        return sent is not None and time.monotonic() - sent < _PATIENCE

    def followed(self, peer: str, exchange: Exchange) -> Answer | None:
        """The answer that a browser was sent here for: by a page of another origin, without CORS."""
        while self._waiting and time.monotonic() - next(iter(self._waiting.values()))[0] > _PATIENCE:
            _close(self._waiting.popitem(last=False)[1][1])
        sender = sender_origin(exchange)
        if not self._waiting or exchange.headers.get("sec-fetch-mode") != "no-cors" or sender == exchange.origin:
            return None
        found = self._waiting.pop((peer, exchange.url, sender), None)
        return None if found is None else found[1]

    def filtered(self, exchange: Exchange, peer: str, answer: Answer) -> Answer:
        """What is to be sent in its place."""
        if exchange.said is not None:
            return _with_meta(exchange, answer)
        is_readable = exchange.headers.get("sec-fetch-site") == "same-origin"
        sender = sender_origin(exchange)
        if answer.type != "opaque" and exchange.headers.get("sec-fetch-mode") == "no-cors":
            return _for_embedding(answer)
        if answer.type != "opaque" or not is_readable or not answer.urls:
            return answer
        target = answer.urls[-1].partition("#")[0]
        if origin_of(target) == exchange.origin:
            return answer
        if sender == "":
            _close(answer)  # a browser that does not say who asks gets it from there anew
        else:
            if (same := self._waiting.pop((peer, target, sender), None)) is not None:
                _close(same[1])
            self._waiting[peer, target, sender] = time.monotonic(), answer
        if len(self._waiting) > _CAPACITY:
            _close(self._waiting.popitem(last=False)[1][1])
        headers = [("Location", target), ("Cache-Control", "no-store")]
        return Answer(302, "Found", headers, [], None, answer.source, answer.registration)


def _with_meta(exchange: Exchange, answer: Answer) -> Answer:
    # https://fetch.spec.whatwg.org/#concept-main-fetch: what a script has made gets these from the request.
    shown = answer.urls[-1] if answer.urls else exchange.url
    kind = "basic" if answer.type == "default" else answer.type
    is_foreign = exchange.headers.get("origin", exchange.origin) != exchange.origin
    is_whole = len(answer.urls) < 2 and shown == exchange.url and answer.status not in NULL_BODY_STATUSES
    is_plain = kind == "basic" and is_whole and not is_foreign
    if answer.type == "opaque":
        _close(answer)
        headers = _with_cors(exchange, [(META, json.dumps({"type": "opaque"}))])
        return replace(answer, status=200, status_text="", headers=headers, body=None)
    if answer.type == "opaqueredirect" or is_plain:
        return answer
    meta = {"type": kind, "url": shown, "redirected": len(answer.urls) > 1}
    return replace(answer, headers=_with_cors(exchange, [*answer.headers, (META, json.dumps(meta))]))


def _for_embedding(answer: Answer) -> Answer:
    """What its page's own worker may read is never refused to the page: no policy of another origin is about it."""
    name = "Cross-Origin-Resource-Policy"
    kept = [header for header in answer.headers if header[0].lower() != name.lower()]
    return replace(answer, headers=[*kept, (name, "cross-origin")])


def without_foreign_policies(answer: Answer, origin: str) -> Answer:
    """What headers say of an origin as a whole counts only if its own server has said it just now."""
    if answer.source == "network" and answer.urls and all(origin_of(url) == origin for url in answer.urls):
        return answer
    return replace(answer, headers=[header for header in answer.headers if header[0].lower() not in _OF_ORIGINS])


def nobody_answers(exchange: Exchange) -> Answer | None:
    """For the page client, which has asked for what only a worker may answer; None if the network is to."""
    return _verdict(exchange, 200, "none")


def worker_fails(exchange: Exchange) -> Answer | None:
    """The same for a network error, which the page client takes for a host that is not decrypted."""
    return _verdict(exchange, 502, "error")


def _verdict(exchange: Exchange, status: int, what: str) -> Answer | None:
    said = exchange.said
    if said is None or said.mode != "no-cors" or exchange.headers.get("sec-fetch-mode") != "cors":
        return None
    headers = _with_cors(exchange, [(META, json.dumps({"type": what}))])
    return Answer(status, "", headers, [], None, "network", None)


def _with_cors(exchange: Exchange, headers: list[Header]) -> list[Header]:
    """Readable for the page client, which lets the page have what it may."""
    origin = exchange.headers.get("origin", exchange.origin)
    if origin == exchange.origin:
        return headers
    kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
    return [
        *kept,
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Expose-Headers", ", ".join(sorted({name for name, _ in kept}))),
        ("Vary", "Origin"),
    ]


def _close(answer: Answer) -> None:
    if answer.body is not None:
        answer.body.close()

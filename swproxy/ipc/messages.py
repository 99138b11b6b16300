"""What the proxy process and a worker process say to each other: one frozen struct per message, a tagged union.

Event numbers, call numbers and fetch numbers are chosen by the side that begins; body numbers say whose they are.
"""

from typing import Any

import msgspec

Header = tuple[str, str]

# Streams that the worker numbers, clones or those of its scripts, have numbers above this; the proxy's are below.
FIRST_WORKER_STREAM = 1 << 40


class Message(msgspec.Struct, frozen=True, array_like=True, tag_field="message", tag=True, gc=False):
    """Base of all messages."""


# Bodies.


class Inline(Message, frozen=True, gc=True):
    """A body that is all here."""

    data: bytes


class OnDisk(Message, frozen=True):
    """A body in a file: its descriptor travels beside the message."""

    offset: int
    size: int


class Stream(Message, frozen=True):
    """A body that arrives as BodyChunk messages, when it is asked for with BodyPull.

    ``size`` is in bytes, if known.
    """

    id: int
    size: int | None = None


Body = Inline | OnDisk | Stream


# The bytes of a value that is sent to another realm; a frame of the channel can have twice as many.
RECORD_LIMIT = 1 << 27

# One of the two ends of a channel: the channel's number, and 0 or 1.
PortEnd = tuple[str, int]


class Record(msgspec.Struct, frozen=True, gc=True, forbid_unknown_fields=True):
    """A value that a script has serialized (web/structured_clone/README.md), and the message ports that go along."""

    text: str
    parts: list[bytes] = []
    ports: list[PortEnd] = []

    @property
    def size(self) -> int:
        """In bytes, about, with what objects take."""
        return 512 + len(self.text) + sum(map(len, self.parts)) + 64 * len(self.ports)


class Request(Message, frozen=True, gc=True):
    """https://fetch.spec.whatwg.org/#concept-request, as far as a worker sees it.

    ``id`` is the number of the fetch event whose request this one is or was made from, None for a request of the
    worker's own: the proxy adds what the client sent and scripts must not see.
    """

    id: int | None
    method: str
    url: str
    headers: list[Header]
    body: Body | None = None
    destination: str = ""
    referrer: str = "about:client"
    referrer_policy: str = ""
    mode: str = "cors"
    credentials: str = "same-origin"
    cache: str = "default"
    redirect: str = "follow"
    integrity: str = ""
    keepalive: bool = False
    is_reload_navigation: bool = False
    is_history_navigation: bool = False


class Response(Message, frozen=True, gc=True):
    """https://fetch.spec.whatwg.org/#concept-response: ``type`` filters what scripts see of the rest.

    ``source`` is where it comes from: "network", "cache", or "script".
    """

    type: str
    urls: list[str]
    status: int
    status_text: str
    headers: list[Header]
    body: Body | None = None
    source: str = "script"


# Proxy to worker.


class Start(Message, frozen=True, gc=True):
    """The first message: what this process is to run.

    ``scripts`` is the script resource map. ``limits`` are seconds for a turn and bytes of memory. ``may_compile``:
    scripts may make code of strings.
    """

    worker_id: int
    script_url: str
    module: bool
    origin: str
    scripts: dict[str, str]
    registration: dict[str, Any]
    may_import: bool
    online: bool
    user_agent: str
    caches_directory: str
    databases_directory: str
    scratch_directory: str
    quota: int
    turn_budget: float
    memory_limit: int
    may_compile: bool = True


class DispatchFetch(Message, frozen=True, gc=True):
    """Fire a fetch event; if it ``has_preload``, PreloadAnswer follows."""

    id: int
    request: Request
    client_id: str
    resulting_client_id: str
    has_preload: bool = False
    replaces_client_id: str = ""


class DispatchEvent(Message, frozen=True, gc=True):
    """Fire any other event; ``detail`` depends on its type."""

    id: int
    type: str
    detail: dict[str, Any] = {}


class FetchAnswer(Message, frozen=True, gc=True):
    """The answer to Fetch: a response, or why there is none."""

    id: int
    response: Response | None
    error: str = ""


class PreloadAnswer(Message, frozen=True, gc=True):
    """What the navigation preload of a fetch event has come to: a response, or why there is none.

    ``id`` is the event's. It comes after the DispatchFetch, and not at all if the event is over before.
    """

    id: int
    response: Response | None
    error: str = ""


class CallAnswer(Message, frozen=True, gc=True):
    """The answer to Call: a value, or (error name, message)."""

    id: int
    value: Any = None
    error: tuple[str, str] | None = None


class ScriptAnswer(Message, frozen=True, gc=True):
    """The answer to LoadScript: the source, or why there is none."""

    source: str | None
    error: str = ""


class BodyChunk(Message, frozen=True):
    """The next bytes of a Stream that the receiver asked for; no data is its end.

    ``error`` says why there are none, ``name`` of what kind it is.
    """

    id: int
    data: bytes
    error: str | None = None
    name: str = "TypeError"


class BodySaved(Message, frozen=True):
    """The answer to BodySave: the file holds the whole body and is the worker's to link or remove.

    ``error`` is (name, message).
    """

    id: int
    path: str
    size: int
    error: tuple[str, str] | None = None


class RegistrationChanged(Message, frozen=True, gc=True):
    """States of the registration and its workers have changed."""

    registration: dict[str, Any]
    may_import: bool


class OnlineChanged(Message, frozen=True):
    """The network was turned on or off."""

    online: bool


class Deliver(Message, frozen=True, gc=True):
    """A message from another realm of the origin; ``target`` says to what."""

    target: str
    detail: dict[str, Any]


class WebSocketOpened(Message, frozen=True):
    """The WebSocket connection is established; ``extensions`` is what the server has said of them."""

    id: int
    protocol: str
    extensions: str


class WebSocketMessage(Message, frozen=True):
    """A WebSocket message has been received: bytes, or text as UTF-8. The worker acknowledges its ``cost_of``."""

    id: int
    data: bytes
    is_text: bool


class WebSocketClosing(Message, frozen=True):
    """The server has begun the closing handshake."""

    id: int


class WebSocketClosed(Message, frozen=True):
    """The WebSocket connection is closed, and its number forgotten. ``error`` says why it was failed, if it was."""

    id: int
    code: int
    reason: str
    was_clean: bool
    error: str | None


class Ping(Message, frozen=True):
    """Answer with Pong, between two turns: the watchdog wants to know whether this process still can."""


# Worker to proxy.


class Started(Message, frozen=True, gc=True):
    """The script has run to its end, or ``error`` says why not: (message, url, line, column, stack)."""

    event_types: list[str] = []
    fetch_listeners_are_empty: bool = False
    error: tuple[str, str, int, int, str] | None = None


class Respond(Message, frozen=True, gc=True):
    """What respondWith() came to: a response, or the reason of a network error."""

    id: int
    response: Response | None
    error: str = ""


class FallThrough(Message, frozen=True):
    """No listener called respondWith(); ``canceled`` if one called preventDefault()."""

    id: int
    canceled: bool


class EventFinished(Message, frozen=True):
    """All extend lifetime promises have settled; ``rejected`` says with what."""

    id: int
    rejected: str | None = None


class Fetch(Message, frozen=True, gc=True):
    """Fetch this."""

    id: int
    request: Request


class AbortFetch(Message, frozen=True):
    """The fetch is not wanted any more."""

    id: int


class LoadScript(Message, frozen=True):
    """importScripts() or a static import needs this script, and waits."""

    url: str


class ScriptUsed(Message, frozen=True):
    """An import was answered from the script resource map."""

    url: str


class Pong(Message, frozen=True):
    """The answer to Ping."""


# The number of a Call whose answer nobody waits for.
NO_ANSWER = 0


class Call(Message, frozen=True, gc=True):
    """Anything else that a script asks of the proxy: clients.get, skipWaiting, ..."""

    id: int
    method: str
    arguments: list[Any]


class BodyPull(Message, frozen=True):
    """The receiver may send the next chunk of a stream that is its own."""

    id: int


class BodyClone(Message, frozen=True):
    """``copy`` is from now on a second reader of the stream ``id``, from its present start."""

    id: int
    copy: int


class BodyRelease(Message, frozen=True):
    """Nobody will read the stream any more."""

    id: int


class BodySave(Message, frozen=True):
    """Put the whole stream into a file of the scratch directory."""

    id: int


class WebSocketConnect(Message, frozen=True, gc=True):
    """Establish a WebSocket connection; the worker numbers its own, and uses no number twice."""

    id: int
    url: str
    protocols: list[str]


class WebSocketSend(Message, frozen=True):
    """Send a WebSocket message: bytes, or text as UTF-8. The proxy acknowledges its ``cost_of``."""

    id: int
    data: bytes
    is_text: bool


class WebSocketClose(Message, frozen=True):
    """Start the closing handshake after what was sent before; one that is not open yet is failed."""

    id: int
    code: int | None
    reason: str


class WebSocketAck(Message, frozen=True):
    """In either direction: of a message that went the other way; there is room for another of this cost."""

    id: int
    cost: int


# Acknowledged beside the bytes of a WebSocket message: so many empty ones are not for free.
WEB_SOCKET_OVERHEAD = 128
# When so much is under way in one direction of a WebSocket, the sender waits.
WEB_SOCKET_WINDOW = 1 << 18
# What a worker has of messages that are not sent yet, all its WebSockets together.
WEB_SOCKET_BACKLOG = 1 << 26


def cost_of(data: bytes) -> int:
    """What a WebSocket message counts while it is under way."""
    return len(data) + WEB_SOCKET_OVERHEAD


class Log(Message, frozen=True, gc=True):
    """A line for the log: of the console, or an error of the script."""

    level: str
    text: str
    url: str = ""
    line: int = 0
    column: int = 0
    stack: str = ""


class OverLimit(Message, frozen=True):
    """Scripts took too much of something, as ``reason`` says; the process ends itself now."""

    reason: str


ToWorker = (
    Start
    | DispatchFetch
    | DispatchEvent
    | FetchAnswer
    | PreloadAnswer
    | CallAnswer
    | ScriptAnswer
    | BodyChunk
    | BodySaved
    | BodyPull
    | BodyRelease
    | RegistrationChanged
    | OnlineChanged
    | Deliver
    | WebSocketOpened
    | WebSocketMessage
    | WebSocketClosing
    | WebSocketClosed
    | WebSocketAck
    | Ping
)

ToProxy = (
    Started
    | Respond
    | FallThrough
    | EventFinished
    | Fetch
    | AbortFetch
    | LoadScript
    | ScriptUsed
    | Pong
    | Call
    | BodyPull
    | BodyClone
    | BodyRelease
    | BodySave
    | BodyChunk
    | WebSocketConnect
    | WebSocketSend
    | WebSocketClose
    | WebSocketAck
    | Log
    | OverLimit
)

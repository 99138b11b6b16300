"""One document and its channel: what it asks for, and what it is told."""

import asyncio
import inspect
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from swproxy.errors import InvalidInput, SwproxyError
from swproxy.pages.frames import Said, decode, decode_value, encode
from swproxy.pages.secrets import Secrets
from swproxy.service_worker.client import ServiceWorkerClient
from swproxy.service_worker.jobs import JobPromise

log = logging.getLogger(__name__)

# Bytes: a message, with room for the record of the largest value (realm.RECORD_LIMIT), and all that a page has not
# read yet.
MESSAGE_LIMIT = (1 << 27) + (1 << 24)
BACKLOG_LIMIT = 1 << 28
# Seconds between two signs of life that a browser has to give.
HEARTBEAT = 20.0
# Seconds in which a document says whether its user lets it do something.
USE_PATIENCE = 2.0

Answer = Callable[[Any], None]


class Later:
    """The value of a call that a job's promise settles: ``convert`` is called in that moment."""

    def __init__(self, promise: JobPromise, convert: Callable[[Any], Any]) -> None:
        self.promise = promise
        self.convert = convert


class Method:
    """A function that pages may call, with the types of its parameters checked.

    Args:
        function: takes the page, and the arguments; with a keyword ``parts``, the bytes, too. It returns a value, an
            awaitable of one, or ``Later``.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        _, *parameters = inspect.signature(function, eval_str=True).parameters.values()
        self._takes_parts = any(parameter.name == "parts" for parameter in parameters)
        parameters = [each for each in parameters if each.name != "parts"]
        self._decoders = [msgspec.json.Decoder(each.annotation) for each in parameters]
        fields = [(each.name, msgspec.Raw) for each in parameters]
        self._arguments = msgspec.defstruct("Arguments", fields, array_like=True, forbid_unknown_fields=True)

    def __call__(self, page: "Page", arguments: bytes, parts: list[bytes]) -> Any:
        """Calls it with arguments that are a JSON array; raises InvalidInput: no client of ours calls it so."""
        try:
            texts = msgspec.structs.astuple(msgspec.json.decode(arguments, type=self._arguments))
            values = [decode_value(text, decoder) for text, decoder in zip(texts, self._decoders, strict=True)]
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"A page has said what makes no sense: {error}.") from None
        return self._function(page, *values, parts=parts) if self._takes_parts else self._function(page, *values)


class Page:
    """A connected document.

    Args:
        client: what it is.
        cookie: what the browser sends to the origin in Cookie.
        socket: prepared.
        methods: by name: what the document can ask for and say.
    """

    def __init__(
        self,
        client: ServiceWorkerClient,
        cookie: str,
        socket: web.WebSocketResponse,
        methods: Mapping[str, Method],
    ) -> None:
        self.client = client
        self.cookie = cookie
        self.waits_for_ready: list[int] = []
        self.secrets = Secrets()
        self._socket = socket
        self._methods = methods
        self._outgoing: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._backlog = 0
        self._numbers = itertools.count(1)
        self._uses: dict[int, asyncio.Future[bool]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._run(self._write())

    @property
    def origin(self) -> str:
        return self.client.origin

    @property
    def backlog(self) -> int:
        """How many bytes the document has not read yet of what it was told."""
        return self._backlog

    def tell(self, method: str, arguments: list[Any], parts: Sequence[bytes] = ()) -> None:
        """Calls a receiver of the document (``onTold`` of script/channel.js)."""
        self._send(encode([method, arguments], parts))

    def answer(self, call: int, value: Any) -> None:
        """Fulfils the promise that the document has; a ``SwproxyError`` rejects it."""
        if isinstance(value, SwproxyError):
            self.tell("failed", [call, value.name, str(value)])
        else:
            self.tell("done", [call, value])

    async def use(self, url: str | None) -> bool:
        """Has the document open a window, or for None get the focus: whether the browser lets it."""
        number = next(self._numbers)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._uses[number] = future
        try:
            self.tell("use", [number, url])
            async with asyncio.timeout(USE_PATIENCE):
                return await future
        except TimeoutError:
            return False
        finally:
            del self._uses[number]

    def used(self, number: int, is_allowed: bool) -> None:
        """What it says of that."""
        future = self._uses.get(number)
        if future is not None and not future.done():
            future.set_result(is_allowed)

    def _send(self, frame: str | bytes) -> None:
        self._backlog += len(frame)
        if self._backlog > BACKLOG_LIMIT:
            self._run(self._socket.close(code=1013, message=b"the page does not read"))
            return
        self._outgoing.put_nowait(frame)

    async def _write(self) -> None:
        while True:
            frame = await self._outgoing.get()
            try:
                if isinstance(frame, str):
                    await self._socket.send_str(frame)
                else:
                    await self._socket.send_bytes(frame)
            except ConnectionError:
                return  # the reader notices, too
            self._backlog -= len(frame)

    async def serve(self) -> None:
        """Does what the document asks for, until the channel closes."""
        async for frame in self._socket:
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            try:
                self._received(*decode(frame.data))
            except InvalidInput as error:
                log.warning("%s: %s", self.origin, error)
                await self._socket.close(code=1008)
                break

    def _received(self, said: Said, parts: list[bytes]) -> None:
        call, method = said.call, self._methods.get(said.name)
        if method is None:
            raise InvalidInput(f"A page has asked for '{said.name[:99]}', which there is not.")
        try:
            value = method(self, said.arguments, parts)
        except InvalidInput as error:
            if not call:
                raise
            value = error
        except SwproxyError as error:
            value = error
        if isinstance(value, Later):
            value.promise.then(lambda promise: self.answer(call, promise.error or value.convert(promise.value)))
        elif inspect.isawaitable(value):
            self._run(self._answer_later(call, value))
        elif call:
            self.answer(call, value)

    async def _answer_later(self, call: int, work: Awaitable[Any]) -> None:
        try:
            value = await work
        except SwproxyError as error:
            value = error
        except Exception:
            log.exception("what the page %s asked for failed", self.client.url)
            value = SwproxyError("The proxy failed: see its log.")
        if call:
            self.answer(call, value)

    def _run(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("what the page %s asked for failed", self.client.url, exc_info=error)

    def close(self) -> None:
        """Gives up what is under way."""
        for task in self._tasks:
            task.cancel()

"""Who of the workers of an origin may use a database, and when (https://w3c.github.io/IndexedDB/).

The workers open the files of the databases themselves. Here are only the connection queues, the open connections and
the order of the transactions. Workers number what is theirs, and hear by its number when its time has come.
"""

import asyncio
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from swproxy.errors import InvalidStateError
from swproxy.ipc.channel import ChannelClosed
from swproxy.service_worker.registration import origin_of
from swproxy.service_worker.worker import ServiceWorker
from swproxy.workers.transactions import Transaction, TransactionSchedule

# Requests, connections, transactions and stores in their scopes that a worker may have, all together.
MAX_NUMBERS = 1 << 18
# Of so many databases it is remembered that somebody has looked at their files.
MAX_CHECKED = 10_000
# Seconds that workers have to let go of a database that is deleted by command: more than it takes to end one.
DELETE_PATIENCE = 10.0

Key = tuple[str, bytes]  # of a database: its origin, and a digest of its name, which may be long


class Request:
    """An entry of a connection queue (https://w3c.github.io/IndexedDB/#connection-queues).

    Args:
        scope: of the worker that it is from; "" if it is from none.
        tell: called with "turn", when those before it are done; and for one that wants the database for itself with
            "blocked", if some connections stay open, and with "exclusive".
    """

    __slots__ = ("database", "has_turn", "is_blocked", "is_exclusive", "scope", "tell", "wants_exclusive")

    def __init__(
        self, database: "Database", scope: str, tell: Callable[[str], None], *, wants_exclusive: bool = False
    ) -> None:
        self.database = database
        self.scope = scope
        self.tell = tell
        self.wants_exclusive = wants_exclusive
        self.has_turn = False
        self.is_blocked = False
        self.is_exclusive = False


class Connection:
    """An open connection to a database (https://w3c.github.io/IndexedDB/#connection), which a worker has."""

    __slots__ = ("client", "database", "id", "is_closing", "transactions")

    def __init__(self, client: "Client", id: int, database: "Database") -> None:  # noqa: A002
        self.client = client
        self.id = id
        self.database = database
        self.is_closing = False  # it was told to
        self.transactions: set[ConnectionTransaction] = set()


class ConnectionTransaction(Transaction):
    """A transaction of a connection that is not finished."""

    __slots__ = ("connection", "id")

    def __init__(self, connection: Connection, id: int, scope: list[int], *, is_writer: bool) -> None:  # noqa: A002
        super().__init__(scope, is_writer=is_writer)
        self.connection = connection
        self.id = id

    def start(self) -> None:
        self.connection.client.tell({"type": "start", "id": self.id})


Held = Request | Connection | ConnectionTransaction
OneHeld = TypeVar("OneHeld", Request, Connection, ConnectionTransaction)


class Client:
    """A process of a worker, and what it has by its number. The next process of the worker is another client.

    Args:
        deliver: tells the process something.
    """

    def __init__(self, worker: ServiceWorker, deliver: Callable[[ServiceWorker, dict[str, Any]], None]) -> None:
        self.worker = worker
        self.origin = origin_of(worker.script_url)
        self.has_ended = False
        self._deliver = deliver
        self._held: dict[int, Held] = {}
        self._stores = 0  # in the scopes of its transactions

    def tell(self, detail: dict[str, Any]) -> None:
        if not self.has_ended:
            self._deliver(self.worker, detail)

    def get(self, id: int, kind: type[OneHeld]) -> OneHeld | None:  # noqa: A002
        held = self._held.get(id)
        return held if isinstance(held, kind) else None

    def all(self) -> list[Held]:
        return list(self._held.values())

    def check(self, id: int, stores: int = 0) -> None:  # noqa: A002
        """Raises ChannelClosed if it has that number already, or too many of them."""
        if id in self._held:
            raise ChannelClosed("the worker uses a number for two things of its databases")
        if len(self._held) + self._stores + stores >= MAX_NUMBERS:
            raise ChannelClosed("the worker has too many requests and transactions of its databases")

    def add(self, id: int, held: Held) -> None:  # noqa: A002
        self._held[id] = held
        if isinstance(held, ConnectionTransaction):
            self._stores += len(held.scope)

    def remove(self, id: int) -> None:  # noqa: A002
        held = self._held.pop(id)
        if isinstance(held, ConnectionTransaction):
            self._stores -= len(held.scope)


class Database:
    """The connection queue, the open connections and the transactions of a database. Its version is in its file.

    Attributes:
        is_checked: somebody has found the file undamaged.
    """

    def __init__(self, key: Key, *, is_checked: bool) -> None:
        self.key = key
        self.is_checked = is_checked
        self.connections: dict[Connection, None] = {}
        self.schedule = TransactionSchedule()
        self._queue: OrderedDict[Request, None] = OrderedDict()
        self._unfired: set[Connection] = set()  # were told of a version change and have not fired the event yet

    @property
    def is_unused(self) -> bool:
        return not self._queue and not self.connections

    def join(self, request: Request) -> None:
        self._queue[request] = None
        self.proceed()

    def leave(self, request: Request) -> None:
        """The request is done, or was given up. ``proceed`` is to follow."""
        self._queue.pop(request, None)

    def want_exclusive(self, request: Request, detail: dict[str, Any]) -> None:
        """The part of "open a database connection" and "delete a database" that concerns other connections.

        One that still has to fire an event, because of a request that was given up, does not get another.
        """
        request.wants_exclusive = True
        for connection in self.connections:
            if connection not in self._unfired:
                self._unfired.add(connection)
                connection.client.tell({"type": "versionchange", "connection": connection.id, **detail})
        self.proceed()

    def has_fired(self, connection: Connection) -> None:
        self._unfired.discard(connection)
        self.proceed()

    def close(self, connection: Connection) -> None:
        """The connection is closed. ``proceed`` is to follow."""
        del self.connections[connection]
        self._unfired.discard(connection)

    def force_close(self) -> None:
        """Tells all connections to close, once."""
        for connection in self.connections:
            if not connection.is_closing:
                connection.is_closing = True
                connection.client.tell({"type": "close", "connection": connection.id})

    def proceed(self) -> None:
        """Tells the request at the head of the queue what it has waited for."""
        request = next(iter(self._queue), None)
        if request is None:
            return
        if not request.has_turn:
            request.has_turn = True
            request.tell("turn")
        if not request.wants_exclusive or request.is_exclusive:
            return
        if not self.connections:
            request.is_exclusive = True
            request.tell("exclusive")
        elif not self._unfired and not request.is_blocked:
            request.is_blocked = True
            request.tell("blocked")

    def holders(self) -> list[str]:
        """The scopes of the workers that it waits for."""
        connected = {connection.client.worker.scope for connection in self.connections}
        return sorted(connected or {next(iter(self._queue)).scope})


class Databases:
    """What workers do with the databases of their origins. All that a worker has ends with its process.

    Args:
        deliver: tells a worker's process something of its databases.
    """

    def __init__(self, deliver: Callable[[ServiceWorker, dict[str, Any]], None]) -> None:
        self._deliver = deliver
        self._clients: dict[int, Client] = {}  # of the workers that run
        self._databases: dict[Key, Database] = {}
        self._checked: OrderedDict[Key, None] = OrderedDict()
        self._endings: set[asyncio.Task[None]] = set()

    # From workers, which are not trusted. What comes of a number that is not known any more is ignored.

    def request(self, worker: ServiceWorker, id: int, name: str) -> None:  # noqa: A002
        """A request to open or delete a database joins its connection queue. ``name`` is as ``json_text`` has it.

        Raises:
            ChannelClosed: as all of these: no runtime of ours says that.
        """
        client = self._clients.get(worker.id)
        if client is None:
            client = self._clients[worker.id] = Client(worker, self._deliver)
        client.check(id)
        database = self._database(client.origin, name)

        def tell(type: str) -> None:  # noqa: A002
            more = {"checked": database.is_checked} if type == "turn" else {}
            client.tell({"type": type, "id": id, **more})

        request = Request(database, worker.scope, tell)
        client.add(id, request)
        database.join(request)

    def change_version(
        self,
        worker: ServiceWorker,
        id: int,  # noqa: A002
        old_version: int,
        new_version: int | None,
    ) -> None:
        """The request whose turn it is wants the database for itself; no new version: to delete it."""
        request = self._client(worker).get(id, Request)
        if request is None or not request.has_turn or request.wants_exclusive:
            raise ChannelClosed("the worker changes the version of a database when it is not its turn")
        request.database.want_exclusive(request, {"oldVersion": old_version, "newVersion": new_version})

    def version_change_fired(self, worker: ServiceWorker, connection: int) -> None:
        """The event was fired at the connection, or need not be, for it is closing."""
        found = self._client(worker).get(connection, Connection)
        if found is not None:
            found.database.has_fired(found)

    def done(self, worker: ServiceWorker, id: int, connection: bool, checked: bool) -> None:  # noqa: A002
        """The request is over, or given up.

        Args:
            connection: there is an open connection with its number now.
            checked: the worker has found the file undamaged.
        """
        client = self._client(worker)
        request = client.get(id, Request)
        if request is None:
            return
        if connection and not (request.has_turn and request.wants_exclusive == request.is_exclusive):
            raise ChannelClosed("the worker uses a database when it is not its turn")
        database = request.database
        client.remove(id)
        database.leave(request)
        if checked and request.has_turn:
            self._remember_checked(database)
        if connection:
            opened = Connection(client, id, database)
            client.add(id, opened)
            database.connections[opened] = None
        self._proceed(database)

    def close(self, worker: ServiceWorker, connection: int) -> None:
        """The connection is closed, and its file."""
        client = self._client(worker)
        found = client.get(connection, Connection)
        if found is not None:
            self._close(client, found)
            self._proceed(found.database)

    def transaction(
        self,
        worker: ServiceWorker,
        id: int,  # noqa: A002
        connection: int,
        stores: list[int],
        mode: Literal["readonly", "readwrite"],
    ) -> None:
        """A transaction was created: the worker hears when it may start.

        Args:
            stores: the scope; stores have the same numbers in all workers.
        """
        client = self._client(worker)
        found = client.get(connection, Connection)
        if found is None:
            raise ChannelClosed("the worker has no such connection to a database")
        client.check(id, len(stores))
        transaction = ConnectionTransaction(found, id, stores, is_writer=mode == "readwrite")
        client.add(id, transaction)
        found.transactions.add(transaction)
        found.database.schedule.add(transaction)

    def finish(self, worker: ServiceWorker, id: int) -> None:  # noqa: A002
        """The transaction is finished, or given up before it has started."""
        client = self._client(worker)
        transaction = client.get(id, ConnectionTransaction)
        if transaction is not None:
            self._finish(client, transaction)

    # From the proxy

    def worker_ended(self, worker: ServiceWorker, gone: Callable[[], Awaitable[None]]) -> None:
        """The worker has no process any more, or one that ends: it keeps what it has until then.

        Args:
            gone: waits until there is no process that could still write to the files.
        """
        client = self._clients.pop(worker.id, None)
        if client is not None:
            client.has_ended = True
            ending = asyncio.ensure_future(self._end(client, gone))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    async def delete(self, origin: str, name: str, remove: Callable[[], bool]) -> bool:
        """Deletes a database when all its connections are closed, which they are told to.

        Args:
            remove: deletes the files, in a thread: whether there were any.

        Returns:
            what ``remove`` does.

        Raises:
            InvalidStateError: workers do not close theirs.
            Exception: that of ``remove``.
        """
        database = self._database(origin, json_text(name))
        exclusive = asyncio.get_running_loop().create_future()

        def tell(type: str) -> None:  # noqa: A002
            if type == "turn":
                database.force_close()
            elif type == "exclusive" and not exclusive.done():
                exclusive.set_result(None)

        request = Request(database, "", tell, wants_exclusive=True)
        database.join(request)
        database.force_close()  # whoever waits in front of it may wait for them
        try:
            async with asyncio.timeout(DELETE_PATIENCE):
                await exclusive
        except BaseException as error:
            holders = database.holders()
            self._leave(database, request)
            if isinstance(error, TimeoutError):
                raise _still_in_use(holders) from None
            raise
        database.is_checked = False
        self._checked.pop(database.key, None)
        # The next one waits for the thread, even if nobody waits for this deletion any more.
        removing = asyncio.ensure_future(asyncio.to_thread(remove))
        removing.add_done_callback(lambda _: self._leave(database, request))
        return await asyncio.shield(removing)

    # Both

    def _client(self, worker: ServiceWorker) -> Client:
        """One that has nothing, for a worker that has never had anything."""
        return self._clients.get(worker.id) or Client(worker, self._deliver)

    def _database(self, origin: str, name: str) -> Database:
        key = (origin, hashlib.sha256(name.encode()).digest())
        database = self._databases.get(key)
        if database is None:
            database = self._databases[key] = Database(key, is_checked=key in self._checked)
        return database

    def _remember_checked(self, database: Database) -> None:
        database.is_checked = True
        self._checked[database.key] = None
        if len(self._checked) > MAX_CHECKED:
            self._checked.popitem(last=False)

    def _leave(self, database: Database, request: Request) -> None:
        database.leave(request)
        self._proceed(database)

    def _proceed(self, database: Database) -> None:
        database.proceed()
        if database.is_unused:
            self._databases.pop(database.key, None)

    def _close(self, client: Client, connection: Connection) -> None:
        for transaction in list(connection.transactions):
            self._finish(client, transaction)
        client.remove(connection.id)
        connection.database.close(connection)

    def _finish(self, client: Client, transaction: ConnectionTransaction) -> None:
        connection = transaction.connection
        client.remove(transaction.id)
        connection.transactions.remove(transaction)
        connection.database.schedule.remove(transaction)

    async def _end(self, client: Client, gone: Callable[[], Awaitable[None]]) -> None:
        """All at once: nobody is to hear that a connection blocks which is about to be closed, too."""
        await gone()
        touched: dict[Database, None] = {}
        for held in client.all():
            if isinstance(held, Request):
                held.database.leave(held)
                touched[held.database] = None
            elif isinstance(held, Connection):
                self._close(client, held)
                touched[held.database] = None
        for database in touched:
            self._proceed(database)


def json_text(name: str) -> str:
    """What JSON.stringify makes of a name. So workers send them, for they need not be Unicode."""
    paired = name.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    text = json.dumps(paired, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", text)


def _still_in_use(scopes: list[str]) -> InvalidStateError:
    named = " and ".join(scope or "another command" for scope in scopes)
    return InvalidStateError(
        f"The database is still in use after {DELETE_PATIENCE:g} seconds, by {named}: "
        "`swproxy stop SCOPE` ends a worker that does not let go."
    )

"""What workers ask of the proxy: the network, scripts, their registration, the clients, the log."""

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from swproxy.config import Settings
from swproxy.errors import InvalidInput, InvalidStateError, NetworkError, NotFoundError, ScriptError, SwproxyError
from swproxy.ipc import messages
from swproxy.ipc.channel import ChannelClosed
from swproxy.network.conditions import Conditions
from swproxy.network.content_security_policy import allows_eval
from swproxy.network.fetcher import Fetcher, Initiator
from swproxy.network.live_body import BodyReader, CompleteReader, LiveBody
from swproxy.network.script_loader import ScriptLoader
from swproxy.network.web_socket import Handshake, Send, WebSocketConnection, WebSocketConnector
from swproxy.service_worker.effects import FetchScript
from swproxy.service_worker.jobs import Job, JobType
from swproxy.service_worker.registration import ServiceWorkerRegistration, origin_of
from swproxy.service_worker.states import WorkerState
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage.bodies import BytesBody, CompleteBody, FileBody
from swproxy.storage.indexeddb import directory as indexeddb
from swproxy.storage.journal import Journal
from swproxy.storage.origins import directory_of
from swproxy.storage.profile import Profile
from swproxy.workers.databases import Databases
from swproxy.workers.descriptions import describe_registration
from swproxy.workers.dispatcher import ClientRequest
from swproxy.workers.lifecycle_driver import LifecycleDriver, settled
from swproxy.workers.locks import Locks
from swproxy.workers.manager import WorkerManager
from swproxy.workers.messaging import Messaging
from swproxy.workers.origin_stores import OriginStore, OriginStores
from swproxy.workers.process import WorkerProcess

log = logging.getLogger(__name__)


class Told:
    """What is done, at once, about something that workers say and get no answer to.

    Args:
        handler: takes the worker and what its other parameters say.
    """

    def __init__(self, handler: Callable[..., None]) -> None:
        self._handler = handler
        _, *parameters = inspect.signature(handler, eval_str=True).parameters.values()
        fields = [(parameter.name, parameter.annotation) for parameter in parameters]
        self._arguments = msgspec.defstruct("Arguments", fields, array_like=True, forbid_unknown_fields=True)

    def __call__(self, worker: ServiceWorker, arguments: list[Any]) -> None:
        """Raises ChannelClosed: no runtime of ours says that."""
        try:
            checked = msgspec.convert(arguments, self._arguments)
        except msgspec.ValidationError as error:
            raise ChannelClosed(f"the worker has said what makes no sense: {error}") from None
        self._handler(worker, *msgspec.structs.astuple(checked))


class PageObserver(Protocol):
    """The documents."""

    def state_changed(self, registration: ServiceWorkerRegistration, worker: ServiceWorker | None) -> None:
        """The registration's workers, or the state of one, have changed."""


class Host:
    """The proxy as its workers see it (``ManagerHost``). ``connect`` completes it."""

    manager: WorkerManager
    driver: LifecycleDriver
    pages: PageObserver
    messaging: Messaging

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        conditions: Conditions,
        fetcher: Fetcher,
        scripts: ScriptLoader,
        web_sockets: WebSocketConnector,
        journal: Journal,
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._conditions = conditions
        self._fetcher = fetcher
        self._scripts = scripts
        self._web_sockets = web_sockets
        self._journal = journal
        self.stores = OriginStores(profile, settings.quota, self._in_use)
        self._locks = Locks(partial(self._deliver, "locks"))
        self._databases = Databases(partial(self._deliver, "indexedDB"))
        self._methods: dict[str, Callable[..., Awaitable[Any]]] = {
            "skip_waiting": self._skip_waiting,
            "update": self._update,
            "unregister": self._unregister,
            "navigation_preload": self._navigation_preload,
            "broadcast": self._broadcast,
            "lock_request": self._locks.request,
            "lock_query": self._locks.query,
        }
        self._tells = {
            "lock_release": Told(self._locks.release),
            "db_request": Told(self._databases.request),
            "db_change_version": Told(self._databases.change_version),
            "db_version_change_fired": Told(self._databases.version_change_fired),
            "db_done": Told(self._databases.done),
            "db_close": Told(self._databases.close),
            "db_transaction": Told(self._databases.transaction),
            "db_finish": Told(self._databases.finish),
        }

    def connect(
        self,
        manager: WorkerManager,
        driver: LifecycleDriver,
        pages: PageObserver,
        messaging: Messaging,
        methods: Mapping[str, Callable[..., Awaitable[Any]]],
        tells: Mapping[str, Callable[..., None]],
    ) -> None:
        """Args:
        pages: told of what documents are to hear.
        methods: what workers may ask besides, by name.
        tells: what they may say besides.
        """
        self.manager = manager
        self.driver = driver
        self.pages = pages
        self.messaging = messaging
        self._methods |= methods
        self._tells |= {name: Told(handler) for name, handler in {**messaging.tells(), **tells}.items()}

    # Processes

    def start_message(self, worker: ServiceWorker, scratch: Path) -> messages.Start:
        """What a fresh process is told."""
        registration = self._registration(worker)
        origin = origin_of(worker.script_url)
        return messages.Start(
            worker_id=worker.id,
            script_url=worker.script_url,
            module=worker.type == "module",
            origin=origin,
            scripts={url: script.text for url, script in worker.script_resource_map.items()},
            registration=describe_registration(registration, worker),
            may_import=worker.may_import,
            online=not self._conditions.is_offline(origin),
            user_agent=self._settings.user_agent,
            caches_directory=str(directory_of(self._profile.caches, origin)),
            databases_directory=str(directory_of(self._profile.indexeddb, origin)),
            scratch_directory=str(scratch),
            quota=self._settings.quota,
            turn_budget=self._settings.turn_budget,
            memory_limit=self._settings.memory_limit,
            may_compile=allows_eval(worker.policies),
        )

    async def before_start(self, worker: ServiceWorker) -> None:
        """Tidies what an origin has stored if no process uses it; whoever starts meanwhile waits for that."""
        origin = origin_of(worker.script_url)
        await self.stores.before_start(origin, in_use=self._in_use(origin, worker))

    def _in_use(self, origin: str, worker: ServiceWorker | None = None) -> bool:
        """By a process; one that began to start before that of ``worker``, which is not forked yet."""
        for process in self.manager.remaining_processes():
            if process.worker is worker and not process.pid:
                return False
            if origin_of(process.worker.script_url) == origin:
                return True
        return False

    def worker_has_no_pending_events(self, worker: ServiceWorker) -> None:
        """The last event of a worker is over: its registration may have waited for that."""
        registration = self.driver.registration_of(worker)
        if registration is not None:
            self.driver.look_after(registration)

    def worker_ended(self, worker: ServiceWorker, reason: str, *, crashed: bool) -> None:
        """A process has ended, by itself or because we let it go."""
        self._locks.worker_ended(worker)
        self.messaging.worker_ended(worker)
        self._databases.worker_ended(worker, partial(self._gone, worker))
        event = "crashed" if crashed else "stopped"
        self._journal.write("worker", scope=worker.scope, worker=worker.id, event=event, reason=reason)
        if crashed:
            self.stores.mark_unclean(origin_of(worker.script_url))

    async def _gone(self, worker: ServiceWorker) -> None:
        """Nothing is left of those of its processes that have ended or are ending."""
        for process in self.manager.remaining_processes():
            if process.worker is worker and process.has_ended:
                await process.gone.wait()

    def update_failed(self, registration: ServiceWorkerRegistration, error: SwproxyError) -> None:
        """An update that nobody waits for: the log tells why the old version goes on."""
        place = (error.url, error.line, error.column, error.stack) if isinstance(error, ScriptError) else ()
        text = error.message if isinstance(error, ScriptError) else str(error)
        self._log(registration.scope, messages.Log("error", f"The update failed: {text}", *place))

    def state_changed(self, registration: ServiceWorkerRegistration, worker: ServiceWorker | None) -> None:
        """Tells the processes of a registration, and the log."""
        processes = self.manager.processes_of(registration)
        for process in processes:
            description = describe_registration(registration, process.worker)
            process.send(messages.RegistrationChanged(description, process.worker.may_import))
        self.pages.state_changed(registration, worker)
        if worker is not None:
            self._journal.write("worker", scope=worker.scope, worker=worker.id, event=worker.state.value, reason="")

    def online_changed(self) -> None:
        """Tells all processes whether they are online."""
        for process in self.manager.all_processes():
            online = not self._conditions.is_offline(origin_of(process.worker.script_url))
            process.send(messages.OnlineChanged(online))

    def log_worker(self, worker: ServiceWorker, line: messages.Log) -> None:
        """A console line or an error."""
        self._log(worker.scope, line)

    def _log(self, scope: str, line: messages.Log) -> None:
        self._journal.write(
            "console",
            scope=scope,
            level=line.level,
            text=line.text,
            url=line.url,
            line=line.line,
            column=line.column,
            stack=line.stack,
        )

    # Network

    async def fetch_for_worker(
        self, process: WorkerProcess, message: messages.Fetch, body: CompleteBody | BodyReader | None
    ) -> messages.FetchAnswer:
        """The answer to the worker's fetch(); ``body`` is the request's."""
        request = message.request
        client = process.client_request(request.id) if request.id is not None else None
        client_url, hidden = "", []
        if isinstance(client, ClientRequest):
            client_url, hidden = client.target.url, client.browser_headers
        initiator = Initiator(
            origin=origin_of(process.worker.script_url),
            url=process.worker.script_url,
            directory=process.directory,
            client_url=client_url,
            client_headers=hidden,
            policies=process.worker.policies,
        )
        upload: bytes | BodyReader | None
        if isinstance(body, BytesBody):
            upload = body.data
        elif isinstance(body, FileBody):
            upload = CompleteReader(body)
        else:
            upload = body
        try:
            response = await self._fetcher.fetch(request, initiator, upload)
        except NetworkError as error:
            return messages.FetchAnswer(message.id, None, str(error))
        if response.cookies and (event := process.events.get(request.id or 0)) is not None:
            event.cookies += response.cookies
        if isinstance(response.body, LiveBody):
            process.has_fetched(message.id, response.body)
        return messages.FetchAnswer(message.id, process.bodies.export_response(response))

    def connect_web_socket(
        self, worker: ServiceWorker, message: messages.WebSocketConnect, message_limit: int, send: Send
    ) -> WebSocketConnection:
        """See ``WorkerHost``."""
        handshake = Handshake(
            message.url, message.protocols, origin_of(worker.script_url), message_limit, worker.policies
        )
        return self._web_sockets.connect(message.id, handshake, send)

    async def load_script(self, worker: ServiceWorker, url: str) -> messages.ScriptAnswer:
        """The source of an import: https://w3c.github.io/ServiceWorker/#importscripts"""
        if not worker.may_import:
            return messages.ScriptAnswer(None, "it was not imported before or during the install event")
        if (reason := worker.bad_imports.get(url)) is not None:
            return messages.ScriptAnswer(None, reason)
        registration = self._registration(worker)
        effect = FetchScript(
            registration,
            url,
            top_level=False,
            no_cache=registration.update_via_cache == "none" or registration.is_stale(time.time()),
            module=worker.type == "module",
            local_script=worker.local_script,
            referrer=worker.script_url,
            cookie=worker.cookie,
            policies=worker.policies,
        )
        response = await self._scripts.load(effect)
        if response.resource is None:
            return messages.ScriptAnswer(None, str(response.error))
        registration.last_update_check_time = response.time
        worker.script_resource_map[url] = response.resource
        worker.used_scripts.add(url)
        worker.classic_scripts_imported = True
        return messages.ScriptAnswer(response.resource.text)

    def _registration(self, worker: ServiceWorker) -> ServiceWorkerRegistration:
        registration = self.driver.registration_of(worker)
        if registration is None:
            raise InvalidStateError(f"the registration of {worker.scope} is gone")
        return registration

    # Calls

    async def call(self, worker: ServiceWorker, method: str, arguments: list[Any]) -> Any:
        """Whatever else a script asks."""
        handler = self._methods.get(method)
        if handler is None:
            raise InvalidInput(f"there is no {method}")
        return await handler(worker, *arguments)

    def tell(self, worker: ServiceWorker, method: str, arguments: list[Any]) -> bool:
        """See ``WorkerHost``."""
        told = self._tells.get(method)
        if told is None:
            return False
        told(worker, arguments)
        return True

    async def _skip_waiting(self, worker: ServiceWorker) -> None:
        await self.driver.skip_waiting(worker)

    async def _update(self, worker: ServiceWorker) -> None:
        if worker.state in (WorkerState.PARSED, WorkerState.INSTALLING):
            raise InvalidStateError("A worker that is being installed cannot update its registration.")
        registration = self._registration(worker)
        job = self.driver.soft_update(registration)
        if job is None:
            raise InvalidInput("The registration has no worker to update.")
        await settled(job.promise)

    async def _unregister(self, worker: ServiceWorker) -> bool:
        job = self.driver.schedule(Job(JobType.UNREGISTER, worker.scope))
        return bool(await settled(job.promise))

    async def _navigation_preload(self, worker: ServiceWorker, operation: str, value: object) -> Any:
        return self.driver.navigation_preload(self._registration(worker), operation, value)

    async def _broadcast(self, worker: ServiceWorker, key: str, message: Any) -> None:
        origin = origin_of(worker.script_url)
        for process in self.manager.all_processes():
            if process.worker is not worker and origin_of(process.worker.script_url) == origin:
                process.send(messages.Deliver("broadcast", {"key": key, "message": message}))

    def _deliver(self, target: str, worker: ServiceWorker, detail: dict[str, Any]) -> None:
        process = self.manager.process_of(worker)
        if process is not None:
            process.send(messages.Deliver(target, detail))

    # Databases

    async def clear_site_data(self, origin: str) -> None:
        """https://w3c.github.io/webappsec-clear-site-data/#clear-dom: registrations, caches and databases."""
        await self.driver.clear(origin)
        try:
            if directory_of(self._profile.caches, origin).is_dir():
                await self.stores.use(origin, _delete_caches)
            directory = directory_of(self._profile.indexeddb, origin)
            for found in await asyncio.to_thread(indexeddb.find, directory):
                with contextlib.suppress(NotFoundError):  # its worker has just deleted it
                    await self.delete_database(origin, found.name)
        except (SwproxyError, OSError) as error:
            log.warning("cannot clear what %s has stored: %s", origin, error)

    async def delete_database(self, origin: str, name: str) -> None:
        """Deletes a database, whoever uses it.

        Raises:
            NotFoundError: there is none of that name.
            SwproxyError: a worker does not let go of it, or the files cannot be deleted.
        """
        directory = directory_of(self._profile.indexeddb, origin)
        if not await self._databases.delete(origin, name, partial(indexeddb.delete_database, directory, name)):
            raise NotFoundError(f"{origin} has no database named '{name}'.")


def _delete_caches(store: OriginStore) -> None:
    names = store.caches.keys()
    for name in names:
        store.caches.delete(name)

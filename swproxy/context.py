"""The composition root: everything is wired together here, and this is what the proxy and the control API use."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ada_url

from swproxy.config import Settings
from swproxy.errors import InvalidInput, NotFoundError, SecurityError, SwproxyError
from swproxy.network.conditions import Conditions
from swproxy.network.cors import is_loopback
from swproxy.network.fetcher import Fetcher
from swproxy.network.script_loader import ScriptLoader, local_file, local_script_url
from swproxy.network.sessions import FetchSettings
from swproxy.network.trust import TrustedAuthorities, trusted_authorities
from swproxy.network.web_socket import WebSocketConnector
from swproxy.pages.caches import PageCaches
from swproxy.pages.connections import Pages
from swproxy.pages.container import Container
from swproxy.pages.messages import Messages
from swproxy.pages.worker_clients import WorkerClients
from swproxy.service_worker.client import ClientMap
from swproxy.service_worker.effects import FetchScript
from swproxy.service_worker.jobs import Job, JobType
from swproxy.service_worker.lifecycle import Lifecycle
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration, origin_of
from swproxy.service_worker.worker import ServiceWorker
from swproxy.status import describe_pages, describe_registration
from swproxy.storage.database import Database
from swproxy.storage.journal import Journal
from swproxy.storage.origin_settings import PAGE_CLIENT, OriginSettings
from swproxy.storage.origins import origins_in
from swproxy.storage.profile import Profile
from swproxy.workers.dispatcher import FetchDispatcher
from swproxy.workers.host import Host
from swproxy.workers.lifecycle_driver import LifecycleDriver, settled
from swproxy.workers.manager import WorkerManager
from swproxy.workers.messaging import Messaging

log = logging.getLogger(__name__)

# Seconds between two looks at local scripts, and between two writes of the log.
WATCH_INTERVAL = 0.5
FLUSH_INTERVAL = 0.2
# Numbers are never given twice in a profile; this many are set aside for one run.
WORKER_IDS_PER_RUN = 1 << 20


@dataclass(frozen=True, slots=True)
class Registered:
    """What came of a registration. ``worker`` is the new version; None if nothing was to be installed."""

    registration: ServiceWorkerRegistration
    worker: ServiceWorker | None


class ServiceWorkerContext:
    """All of swproxy but the side that speaks to clients.

    Args:
        settings: of this run.
        profile: prepared, and taken by this process.
        was_clean: whether the last run ended by itself.

    Raises:
        ProfileError: the profile is not usable.
    """

    def __init__(self, settings: Settings, profile: Profile, *, was_clean: bool = True) -> None:
        self.settings = settings
        self.profile = profile
        self.conditions = Conditions(offline=settings.offline)
        self._network: tuple[bool, set[str]] = (settings.offline, set())
        self.journal = Journal(profile.log)
        self.origin_settings = OriginSettings(profile.origin_settings)
        self.registrations = RegistrationMap()
        self.clients = ClientMap()
        _empty(profile.scratch)
        self._database = Database(profile.database)
        for registration in self._database.load():
            self.registrations.set_registration(registration)
        self.authorities = trusted_authorities(settings.upstream_ca, profile.scratch)
        fetch_settings = _fetch_settings(settings, self.authorities)
        self.fetcher = Fetcher(fetch_settings, self.conditions)
        self._web_sockets = WebSocketConnector(fetch_settings, self.conditions)
        scripts = ScriptLoader(self.fetcher, profile.scratch)
        self._host = Host(
            settings,
            profile,
            self.conditions,
            self.fetcher,
            scripts,
            self._web_sockets,
            self.journal,
        )
        if not was_clean:
            for origin in {*origins_in(profile.caches), *origins_in(profile.indexeddb)}:
                self._host.stores.mark_unclean(origin)
        self.manager = WorkerManager(
            self._host,
            settings.limits(),
            profile.scratch,
            profile.log / "workers.log",
            internal_frames=settings.internal_frames,
        )
        self.clear_site_data = self._host.clear_site_data
        self.page_caches = PageCaches(self._host.stores, self.fetcher, profile.scratch)
        self.pages = Pages(
            self.registrations,
            self.clients,
            self.journal,
            self._look_after,
            # Not the hosts of registrations: which there are is no other site's business.
            None if settings.intercept_all else settings.intercept,
            remove_native=settings.remove_native_workers,
        )
        lifecycle = Lifecycle(
            self.registrations, self._database.reserve_worker_ids(WORKER_IDS_PER_RUN), self.is_trustworthy
        )
        self._driver = LifecycleDriver(
            lifecycle,
            self.manager,
            scripts,
            self._database,
            self.clients,
            self._host.state_changed,
            self._host.update_failed,
            self.pages.controller_changed,
        )
        messaging = Messaging(self.manager, self._driver.all_registrations)
        page_messages = Messages(self._driver.all_registrations, self.clients, self.pages, messaging)
        container = Container(self.registrations, self._driver, self.pages)
        self.pages.methods = {**container.methods(), **page_messages.methods(), **self.page_caches.methods()}
        worker_clients = WorkerClients(self.registrations, self.clients, self._driver, self.pages)
        self._host.connect(
            self.manager, self._driver, self.pages, messaging, worker_clients.methods(), page_messages.tells()
        )
        self.dispatcher = FetchDispatcher(
            self.registrations,
            self.clients,
            self.manager,
            self._driver,
            self.fetcher,
            profile.scratch,
            self.origin_settings,
        )
        self._registration_observers: list[Callable[[], None]] = []
        self._background: list[asyncio.Task[None]] = []
        self._local_scripts: dict[str, tuple[tuple[str, int, int], ...]] = {}

    async def start(self) -> None:
        """Warms the workers' parent up; activates what waited when the last run ended."""
        self.manager.start()
        self.conditions.observe(self._network_changed)
        self._background = [
            asyncio.ensure_future(self._watch_local_scripts()),
            asyncio.ensure_future(self._flush_journal()),
        ]
        for registration in self.registrations:
            if registration.waiting is not None:
                self._driver.look_after(registration)

    async def close(self) -> None:
        """Stops the workers; everything that was stored stays."""
        for task in self._background:
            task.cancel()
        self._driver.close()
        await self.manager.close()
        await self._host.stores.close()
        await self._web_sockets.close()
        await self.fetcher.close()
        self._database.close()
        self.journal.flush()

    def is_trustworthy(self, origin: str) -> bool:
        """https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy, where loopback is a choice."""
        if origin.startswith("https://"):
            return True
        return self.settings.allow_insecure_localhost and is_loopback(ada_url.URL(origin).hostname.strip("[]"))

    def has_page_client(self, origin: str) -> bool:
        """Whether the documents of an origin get the page client."""
        return (
            self.settings.page_client
            and self.origin_settings.get(PAGE_CLIENT, origin)
            and self.is_trustworthy(origin)
        )

    def _look_after(self, registration: ServiceWorkerRegistration) -> None:
        self._driver.look_after(registration)

    # Registrations

    async def register(
        self, scope: str, script: str, worker_type: str, update_via_cache: str, *, local: bool
    ) -> Registered:
        """https://w3c.github.io/ServiceWorker/#start-register-algorithm, and waits until the worker is there.

        Args:
            scope: a URL.
            script: a URL, or the absolute path of a file if ``local``.

        Raises:
            InvalidInput: it cannot be registered so; SecurityError: it must not.
            SwproxyError: the script cannot be had, or failed.
        """
        scope_url = _registrable_url(scope, "scope")
        local_script = None
        if local:
            local_script = script
            self._local_scripts[scope_url] = _signatures(Path(script))
            script = local_script_url(scope_url, Path(script))
        script_url = _registrable_url(script, "script")
        self._refuse_insecure_localhost(script_url)
        job = Job(JobType.REGISTER, scope_url, script_url, worker_type, update_via_cache, local_script=local_script)
        with _noting_who_goes_on(self.registrations.get_registration(scope_url)):
            self._driver.schedule(job)
            registration: ServiceWorkerRegistration = await settled(job.promise)
            for observer in self._registration_observers:
                observer()
            worker: ServiceWorker | None = await settled(job.installed)
        if worker is not None:
            await self._driver.try_activate(registration)
        return Registered(registration, worker)

    def _refuse_insecure_localhost(self, script_url: str) -> None:
        """Register refuses it, too; here it is said that this is a choice."""
        origin = origin_of(script_url)
        if not self.is_trustworthy(origin) and is_loopback(ada_url.URL(origin).hostname.strip("[]")):
            raise SecurityError(
                f"Service workers need HTTPS, and {origin} is not secure: "
                "`swproxy run --allow-insecure-localhost` lets it have them."
            )

    def observe_registrations(self, observer: Callable[[], None]) -> None:
        """Calls ``observer`` after a scope was registered."""
        self._registration_observers.append(observer)

    async def update(self, scope: str, *, skip_waiting: bool) -> Registered:
        """Fetches the script again, past all caches, and installs what has changed.

        Raises:
            NotFoundError: nothing is registered there.
            SwproxyError: the script cannot be had, or failed.
        """
        registration = self.registration(scope)
        job = self._driver.soft_update(registration, force=True)
        worker: ServiceWorker | None = None
        if job is not None:
            with _noting_who_goes_on(registration):
                await settled(job.promise)
                worker = await settled(job.installed)
        if skip_waiting and (waiting := registration.waiting) is not None:
            waiting.skip_waiting = True
            worker = waiting
        await self._driver.try_activate(registration)
        return Registered(registration, worker)

    async def unregister(self, scope: str) -> None:
        """https://w3c.github.io/ServiceWorker/#unregister-algorithm

        Raises:
            NotFoundError: nothing is registered there.
        """
        registration = self.registration(scope)
        job = self._driver.schedule(Job(JobType.UNREGISTER, registration.scope))
        await settled(job.promise)

    def registration(self, scope: str) -> ServiceWorkerRegistration:
        """The registration of exactly this scope.

        Raises:
            NotFoundError: there is none.
        """
        with contextlib.suppress(ValueError):
            scope = ada_url.URL(scope).href
        found = self.registrations.get_registration(scope)
        if found is None:
            known = ", ".join(sorted(item.scope for item in self.registrations)) or "none"
            raise NotFoundError(f"No service worker is registered for {scope}. Registered scopes: {known}.")
        return found

    async def start_worker(self, scope: str) -> ServiceWorker:
        """Starts the process of the newest version that is installed.

        Raises:
            SwproxyError: it does not start.
        """
        registration = self.registration(scope)
        worker = registration.active or registration.waiting
        if worker is None:
            raise NotFoundError(f"The registration of {registration.scope} has no worker yet.")
        failure = await self.manager.run_service_worker(worker)
        if failure is not None:
            raise failure
        return worker

    def stop_workers(self, scope: str) -> list[ServiceWorker]:
        """Stops the processes of a registration, whatever they do: those that were running.

        Raises:
            NotFoundError: nothing is registered there.
        """
        running = [worker for worker in self.registration(scope).workers() if self.manager.running(worker)]
        for worker in running:
            self.manager.terminate(worker, "stopped by command")
        return running

    async def delete_database(self, origin: str, name: str) -> None:
        """Deletes a database of IndexedDB: workers that use it lose it.

        Args:
            origin: serialized.

        Raises:
            NotFoundError: there is none of that name.
            SwproxyError: a worker does not let go of it, or the files cannot be deleted.
        """
        await self._host.delete_database(origin, name)

    def status(self) -> dict[str, Any]:
        """What there is, for people and programs."""
        return {
            "offline": self.conditions.offline,
            "offline_origins": self.conditions.offline_origins(),
            "settings": self.origin_settings.all(),
            "registrations": [
                describe_registration(registration, self.clients, self.manager)
                for registration in sorted(self.registrations, key=lambda item: item.scope)
            ],
            "pages": describe_pages(self.clients),
        }

    # In the background

    def _network_changed(self) -> None:
        self._host.online_changed()
        self._web_sockets.cut(self.conditions.is_offline)
        cutting = asyncio.ensure_future(self.fetcher.cut(self.conditions.is_offline))
        self._background.append(cutting)
        cutting.add_done_callback(self._background.remove)
        before, self._network = self._network, (self.conditions.offline, set(self.conditions.offline_origins()))
        offline, named = self._network
        changed = before[1] ^ named if offline == before[0] else set()
        if changed:
            offline = changed <= named
        self.journal.write(
            "network",
            state="offline" if offline else "online",
            origins=sorted(changed),
            offline_origins=sorted(named),
        )

    async def _flush_journal(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_INTERVAL)
            self.journal.flush()

    async def _watch_local_scripts(self) -> None:
        while True:
            for registration in list(self.registrations):
                path = registration.local_script
                if path is None:
                    continue
                seen = _signatures(Path(path), _local_imports(registration))
                if self._local_scripts.get(registration.scope) != seen:
                    self._local_scripts[registration.scope] = seen
                    self._driver.update_in_background(registration, force=True)
            await asyncio.sleep(WATCH_INTERVAL)


@contextlib.contextmanager
def _noting_who_goes_on(registration: ServiceWorkerRegistration | None) -> Iterator[None]:
    """A new version has failed: that is not the end of the old one."""
    try:
        yield
    except SwproxyError as error:
        if registration is not None and registration.active is not None:
            error.add_note(f"worker {registration.active.id} goes on")
        raise


def _signatures(script: Path, imports: Iterable[Path] = ()) -> tuple[tuple[str, int, int], ...]:
    """A local script, all scripts in its directory and its imports, with what tells that one has changed."""
    paths = {script, *imports}
    with contextlib.suppress(OSError):
        paths.update(path for path in script.parent.iterdir() if path.suffix in (".js", ".mjs", ".cjs"))
    found = []
    for path in sorted(paths):
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)


def _local_imports(registration: ServiceWorkerRegistration) -> Iterator[Path]:
    """The files that the newest worker of a local script has imported; they may be below its directory."""
    newest = registration.get_newest_worker()
    for url in newest.script_resource_map if newest is not None else ():
        effect = FetchScript(registration, url, False, True, False, registration.local_script)
        if (path := local_file(effect)) is not None:
            yield path


def _empty(directory: Path) -> None:
    """What is left there is of processes that are gone."""
    for path in directory.iterdir():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _registrable_url(url: str, what: str) -> str:
    """The parsed URL without fragment, as Start Register demands it."""
    try:
        parsed = ada_url.URL(url)
    except ValueError:
        raise InvalidInput(f"The {what} '{url}' is not a URL: give it whole, as https://site.example/.") from None
    if parsed.protocol not in ("http:", "https:"):
        raise InvalidInput(f"The {what} '{url}' has the scheme '{parsed.protocol}': service workers need https.")
    if parsed.username or parsed.password:
        raise SecurityError(f"The {what} '{url}' has credentials in it.")
    path = parsed.pathname.lower()
    if "%2f" in path or "%5c" in path:
        raise InvalidInput(f"The path of the {what} '{url}' has %2f or %5c in it, which is not allowed.")
    parsed.hash = ""
    return str(parsed.href)


def _fetch_settings(settings: Settings, authorities: TrustedAuthorities) -> FetchSettings:
    upstream = next((mode for mode in settings.mode if mode.startswith("upstream:")), None)
    return FetchSettings(
        authorities=authorities,
        insecure=settings.insecure,
        connect_timeout=settings.connect_timeout,
        upstream_proxy=None if upstream is None else upstream.removeprefix("upstream:").partition("@")[0],
        upstream_auth=str(settings.options.get("upstream_auth", "")),
        user_agent=settings.user_agent,
        resolve=settings.resolve,
    )

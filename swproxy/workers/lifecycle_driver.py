"""Runs the lifecycle's algorithms: performs their effects, one job of a scope after the other."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from swproxy.errors import AbortError, NetworkError, ProfileError, SwproxyError
from swproxy.network.script_loader import ScriptLoader
from swproxy.service_worker import effects
from swproxy.service_worker.client import ClientMap
from swproxy.service_worker.jobs import Job, JobPromise, JobQueues
from swproxy.service_worker.lifecycle import Lifecycle, Steps
from swproxy.service_worker.navigation_preload import manage_navigation_preload
from swproxy.service_worker.registration import ServiceWorkerRegistration
from swproxy.service_worker.states import WorkerState
from swproxy.service_worker.worker import ServiceWorker
from swproxy.storage.database import Database
from swproxy.workers.manager import WorkerManager

log = logging.getLogger(__name__)

# Seconds that a navigation waits until a new version is installed, and then until it has taken over.
INSTALLATION_PATIENCE = 30.0
TAKEOVER_PATIENCE = 2.0

StateObserver = Callable[[ServiceWorkerRegistration, ServiceWorker | None], None]
UpdateFailureObserver = Callable[[ServiceWorkerRegistration, SwproxyError], None]


class LifecycleDriver:
    """Between the pure lifecycle and the world.

    Args:
        on_state: told of every change of a worker's state.
        on_update_failure: told why an update failed that nobody waits for.
        on_controller_change: told that the clients of a registration have another active worker.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        manager: WorkerManager,
        scripts: ScriptLoader,
        database: Database,
        clients: ClientMap,
        on_state: StateObserver,
        on_update_failure: UpdateFailureObserver,
        on_controller_change: Callable[[ServiceWorkerRegistration], None] = lambda _: None,
    ) -> None:
        self._lifecycle = lifecycle
        self._manager = manager
        self._scripts = scripts
        self._database = database
        self._clients = clients
        self._on_state = on_state
        self._on_update_failure = on_update_failure
        self._on_controller_change = on_controller_change
        self._queues = JobQueues(self._run_job)
        self._tasks: set[asyncio.Task[None]] = set()
        self._activated: dict[int, asyncio.Event] = {}
        self._jobs: dict[Job, asyncio.Task[None]] = {}  # those that are running
        self._unfinished: set[Job] = set()
        self._dispatches: dict[int, asyncio.Event] = {}
        self._activations: dict[str, asyncio.Task[None]] = {}
        self._clearing: set[ServiceWorkerRegistration] = set()

    def schedule(self, job: Job) -> Job:
        """https://w3c.github.io/ServiceWorker/#schedule-job-algorithm"""
        self._queues.schedule_job(job)
        return job

    def soft_update(self, registration: ServiceWorkerRegistration, *, force: bool = False) -> Job | None:
        """https://w3c.github.io/ServiceWorker/#soft-update-algorithm"""
        job = self._lifecycle.soft_update(registration, force_bypass_cache=force)
        return None if job is None else self.schedule(job)

    def update(self, registration: ServiceWorkerRegistration, *, referrer: str, cookie: str) -> Job | None:
        """https://w3c.github.io/ServiceWorker/#update; see ``Job``. None if the registration is gone."""
        job = self._lifecycle.soft_update(registration, referrer=referrer, cookie=cookie)
        return None if job is None else self.schedule(job)

    def update_in_background(self, registration: ServiceWorkerRegistration, *, force: bool = False) -> None:
        """Soft Update that nobody waits for."""
        job = self.soft_update(registration, force=force)
        if job is not None:
            self._report_failure(registration, job)

    async def update_on_reload(self, registration: ServiceWorkerRegistration) -> None:
        """Installs the script, changed or not, and returns when the new version is active.

        Or when there is none, or not soon enough: the navigation that waits for it goes on with what there is.
        """
        job = self._lifecycle.soft_update(registration, force_bypass_cache=True, force_install=True)
        if job is None:
            return
        self._report_failure(registration, self.schedule(job))
        with contextlib.suppress(SwproxyError, TimeoutError):
            async with asyncio.timeout(INSTALLATION_PATIENCE):
                worker = await settled(job.installed)
            async with asyncio.timeout(TAKEOVER_PATIENCE):
                await self.until_activated(worker)

    def _report_failure(self, registration: ServiceWorkerRegistration, job: Job) -> None:
        """Of a job that nobody else hears of. That the network is away is no news."""

        def installed(promise: JobPromise) -> None:
            if promise.error is not None and not isinstance(promise.error, NetworkError):
                self._on_update_failure(registration, promise.error)

        job.installed.then(installed)

    async def clear(self, origin: str) -> None:
        """Clears all registrations of an origin at once, and breaks off what is being done with them."""
        error = AbortError(f"The registrations of {origin} were cleared.")
        for job in self._queues.abort(origin, error):
            self._jobs[job].cancel()
        for registration in self.all_registrations():
            if registration.origin == origin:
                self._clearing.discard(registration)
                await self._perform(self._lifecycle.clear_at_once(registration))
                self._clients.release(registration, everyone=True)

    def _run_job(self, job: Job) -> None:
        self._unfinished.add(job)
        task = self._jobs[job] = self._spawn(self._job(job))
        task.add_done_callback(lambda _: self._job_ended(job))

    def _job_ended(self, job: Job) -> None:
        """It may have been cancelled before it began."""
        del self._jobs[job]
        self._finish_job(job)

    def _finish_job(self, job: Job) -> None:
        if job in self._unfinished:
            self._unfinished.remove(job)
            self._queues.finish_job(job)

    async def _job(self, job: Job) -> None:
        registration = self._lifecycle.registrations.get_registration(job.scope)
        try:
            await self._perform(self._lifecycle.run_job(job))
        except SwproxyError as error:
            job.reject(error)
        except Exception:
            log.exception("the %s job of %s failed", job.type, job.scope)
            job.reject(SwproxyError(f"The {job.type} of {job.scope} failed: see the proxy's log."))
        finally:
            self._finish_job(job)
        current = self._lifecycle.registrations.get_registration(job.scope)
        if current is not None and not any(current.workers()):
            self._lifecycle.registrations.remove(current)  # it has come to nothing
        if registration is not None and registration.unregistered:
            self._clearing.add(registration)
            self.look_after(registration)
        if current is not None:
            self.look_after(current)

    async def _perform(self, steps: Steps) -> None:
        result: Any = None
        try:
            while True:
                result = await self._effect(steps.send(result))
        except StopIteration:
            pass

    async def _effect(self, effect: effects.Effect) -> Any:
        match effect:
            case effects.FetchScript():
                return await self._scripts.load(effect)
            case effects.RunServiceWorker():
                try:
                    return await self._manager.run_service_worker(effect.worker)
                except SwproxyError as error:
                    return error
                except asyncio.CancelledError:
                    self._manager.terminate(effect.worker)
                    raise
            case effects.DispatchLifecycleEvent():
                try:
                    await self._manager.dispatch_event(
                        effect.worker, effect.type, on_dispatch=partial(self._dispatched, effect.worker)
                    )
                except SwproxyError as error:
                    return error
            case effects.TerminateServiceWorker():
                self._manager.terminate(effect.worker)
            case effects.HasClients():
                return bool(self._clients.using(effect.registration))
            case effects.Store():
                try:
                    self._database.store(effect.registration)
                except ProfileError as error:
                    log.error("the registration of %s is not stored: %s", effect.registration.scope, error)
                    return error
            case effects.Forget():
                self._database.forget(effect.registration.scope)
                self._clients.release(effect.registration)
            case effects.StateChanged():
                worker = effect.worker
                if worker is not None and worker.state is not WorkerState.ACTIVATING:
                    self._activated.pop(worker.id, asyncio.Event()).set()
                self._on_state(effect.registration, worker)
            case effects.ControllerChange():
                self._on_controller_change(effect.registration)
        return None

    async def until_activated(self, worker: ServiceWorker) -> None:
        """Waits while the worker is activating, or waiting for that."""
        while worker.state in (WorkerState.INSTALLED, WorkerState.ACTIVATING):
            await self._activated.setdefault(worker.id, asyncio.Event()).wait()

    def look_after(self, registration: ServiceWorkerRegistration) -> None:
        """Try Activate, or Try Clear Registration for one that is unregistered."""
        if registration in self._clearing:
            self._spawn(self._try_clear(registration))
        elif registration.waiting is not None:
            self._activation(registration)

    def _activation(self, registration: ServiceWorkerRegistration) -> asyncio.Task[None]:
        """Try Activate: one at a time for a scope."""
        task = self._activations.get(registration.scope)
        if task is None or task.done():  # what it has looked at may have changed since
            tried = registration.waiting
            task = self._activations[registration.scope] = self._spawn(self._try_activate(registration))
            task.add_done_callback(lambda task: self._activated_or_not(registration, tried, task))
        return task

    async def _try_activate(self, registration: ServiceWorkerRegistration) -> None:
        try:
            await self._perform(self._lifecycle.try_activate(registration))
        except Exception:
            log.exception("the activation of %s failed", registration.scope)
            await self._perform(self._lifecycle.finish_activation(registration))

    def _activated_or_not(
        self, registration: ServiceWorkerRegistration, tried: ServiceWorker | None, task: asyncio.Task[None]
    ) -> None:
        if self._activations.get(registration.scope) is task:
            del self._activations[registration.scope]
        if registration.waiting not in (None, tried):
            self._activation(registration)  # another one came meanwhile

    async def try_activate(self, registration: ServiceWorkerRegistration) -> None:
        """https://w3c.github.io/ServiceWorker/#try-activate-algorithm; returns when nothing more happens now."""
        if registration.waiting is not None or registration.scope in self._activations:
            await asyncio.shield(self._activation(registration))

    async def skip_waiting(self, worker: ServiceWorker) -> None:
        """https://w3c.github.io/ServiceWorker/#service-worker-global-scope-skipwaiting

        Returns when the worker has its activate event, as browsers do, if it can be activated now.
        """
        worker.skip_waiting = True
        registration = self.registration_of(worker)
        if registration is None or registration.waiting is not worker:
            return
        dispatched = self._dispatches.setdefault(worker.id, asyncio.Event())
        trying = asyncio.ensure_future(self.try_activate(registration))
        waiting = asyncio.ensure_future(dispatched.wait())
        try:
            await asyncio.wait((trying, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            self._dispatches.pop(worker.id, None)

    def _dispatched(self, worker: ServiceWorker) -> None:
        """A worker has got an event of its lifecycle."""
        if (dispatched := self._dispatches.pop(worker.id, None)) is not None:
            dispatched.set()

    async def _try_clear(self, registration: ServiceWorkerRegistration) -> None:
        await self._perform(self._lifecycle.try_clear_registration(registration))
        if not any(registration.workers()):
            self._clearing.discard(registration)

    def navigation_preload(
        self, registration: ServiceWorkerRegistration, operation: str, value: object = None
    ) -> dict[str, Any] | None:
        """``manage_navigation_preload``, which see, and stores what has changed.

        Raises:
            ProfileError: that is not possible, so nothing has.
        """
        before = registration.navigation_preload_enabled, registration.navigation_preload_header_value
        result = manage_navigation_preload(registration, operation, value)
        now = registration.navigation_preload_enabled, registration.navigation_preload_header_value
        if now != before and not registration.unregistered:
            try:
                self._database.store(registration)
            except ProfileError:
                registration.navigation_preload_enabled, registration.navigation_preload_header_value = before
                raise
        return result

    def registration_of(self, worker: ServiceWorker) -> ServiceWorkerRegistration | None:
        """The registration that has the worker; also one that is unregistered but not yet cleared."""
        current = self._lifecycle.registrations.get_registration(worker.scope)
        candidates = [*self._clearing] if current is None else [current, *self._clearing]
        return next((item for item in candidates if worker in item.workers()), current)

    def registration(self, id: int) -> ServiceWorkerRegistration | None:  # noqa: A002
        """By its number; also one that is unregistered but not yet cleared."""
        return next((each for each in self.all_registrations() if each.id == id), None)

    def all_registrations(self) -> list[ServiceWorkerRegistration]:
        """Those of the map, and those that are unregistered but not yet cleared."""
        return [*self._lifecycle.registrations, *self._clearing]

    def origins_being_cleared(self) -> set[str]:
        """Of registrations that are unregistered and still have clients or events."""
        return {registration.origin for registration in self._clearing}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the lifecycle failed", exc_info=error)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


async def settled(promise: JobPromise) -> Any:
    """What the job's promise settles with.

    Raises:
        SwproxyError: it is rejected with that.
    """
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def settle(promise: JobPromise) -> None:
        if future.done():
            return
        if promise.error is not None:
            future.set_exception(promise.error)
        else:
            future.set_result(promise.value)

    promise.then(settle)
    return await future

"""Appendix A of the specification: what happens to registrations and their workers.

Each algorithm is a generator under its own name: it yields effects and is sent their results.
"""

import itertools
import re
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import urljoin, urlsplit

from swproxy.errors import InvalidInput, ScriptError, SecurityError, SwproxyError
from swproxy.service_worker.effects import (
    ControllerChange,
    DispatchLifecycleEvent,
    Effect,
    FetchScript,
    Forget,
    HasClients,
    RunServiceWorker,
    ScriptResponse,
    StateChanged,
    Store,
    TerminateServiceWorker,
)
from swproxy.service_worker.jobs import Job, JobType
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration, origin_of
from swproxy.service_worker.states import WorkerState, lifecycle_transition
from swproxy.service_worker.worker import ServiceWorker

Steps = Generator[Effect, Any, None]

# https://mimesniff.spec.whatwg.org/#javascript-mime-type
JAVASCRIPT_MIME_TYPES = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
    }
)
# A line that begins as only those of modules do.
_MODULE = re.compile(r"^\s*(?:import(?:\s+\w|\s*[{*\"'.])|export\s*[\w{*])", re.MULTILINE)


class Lifecycle:
    """The algorithms over one registration map.

    Args:
        registrations: the map.
        first_worker_id: workers are numbered from here on.
        is_trustworthy: whether an origin is potentially trustworthy.
    """

    def __init__(
        self, registrations: RegistrationMap, first_worker_id: int, is_trustworthy: Callable[[str], bool]
    ) -> None:
        self.registrations = registrations
        self._worker_ids = itertools.count(first_worker_id)
        self._is_trustworthy = is_trustworthy

    def run_job(self, job: Job) -> Steps:
        """https://w3c.github.io/ServiceWorker/#run-job-algorithm; the caller invokes Finish Job afterwards."""
        match job.type:
            case JobType.REGISTER:
                yield from self.register(job)
            case JobType.UPDATE:
                yield from self.update(job)
            case JobType.UNREGISTER:
                yield from self.unregister(job)
        job.finish_installation(None)  # if nobody has done so: there was nothing to install

    def register(self, job: Job) -> Steps:
        """https://w3c.github.io/ServiceWorker/#register-algorithm"""
        origin = origin_of(job.script_url)
        if not self._is_trustworthy(origin):
            job.reject(SecurityError(f"Service workers need HTTPS, and {origin} is not secure."))
            return
        if origin_of(job.scope) != origin:
            job.reject(
                SecurityError(
                    f"The origin of the scope ({origin_of(job.scope)}) is not that of the script ({origin}): "
                    "a worker can only have a scope on its own origin."
                )
            )
            return
        registration = self.registrations.get_registration(job.scope)
        if registration is not None:
            newest = registration.get_newest_worker()
            if (
                newest is not None
                and job.script_url == newest.script_url
                and job.worker_type == newest.type
                and job.update_via_cache == registration.update_via_cache
                and job.local_script == registration.local_script
            ):
                job.resolve(registration)
                return
        else:
            registration = ServiceWorkerRegistration(job.scope, job.update_via_cache)
            self.registrations.set_registration(registration)
        yield from self.update(job)

    def update(self, job: Job) -> Steps:
        """https://w3c.github.io/ServiceWorker/#update-algorithm"""
        registration = self.registrations.get_registration(job.scope)
        if registration is None:
            job.reject(InvalidInput(f"There is no registration for the scope {job.scope}."))
            return
        newest = registration.get_newest_worker()
        if job.type is JobType.UPDATE and newest is not None and newest.script_url != job.script_url:
            job.reject(InvalidInput(f"The scope {job.scope} has another script by now: {newest.script_url}."))
            return

        response: ScriptResponse = yield FetchScript(
            registration,
            job.script_url,
            top_level=True,
            no_cache=self._no_cache(registration, job, newest, imported=False),
            module=job.worker_type == "module",
            local_script=job.local_script,
            referrer=job.referrer,
            cookie=job.cookie,
        )
        error = response.error or _check_script_response(job, registration, response)
        if job.type is JobType.UPDATE and isinstance(response.error, SecurityError):
            error = InvalidInput(str(response.error))  # browsers tell a redirect so
        if error is not None:
            job.reject(error)
            self._drop_if_new(registration, newest)
            return
        assert response.resource is not None
        registration.last_update_check_time = response.time
        resources = {job.script_url: response.resource}
        bad_imports: dict[str, str] = {}

        has_updated_resources = (
            newest is None
            or job.force_install
            or newest.script_url != job.script_url
            or newest.type != job.worker_type
            or newest.script_resource_map[job.script_url].body != response.resource.body
        )
        if not has_updated_resources and newest is not None:
            # For a module worker these are its static imports, which belong to its script graph.
            for url, stored in newest.script_resource_map.items():
                if url == job.script_url:
                    continue
                imported: ScriptResponse = yield FetchScript(
                    registration,
                    url,
                    top_level=False,
                    no_cache=self._no_cache(registration, job, newest, imported=True),
                    module=job.worker_type == "module",
                    local_script=job.local_script,
                    referrer=job.referrer,
                    cookie=job.cookie,
                )
                if imported.resource is None:
                    bad_imports[url] = str(imported.error)
                    continue  # bad responses are ignored in the comparison
                resources[url] = imported.resource
                if imported.resource.body != stored.body:
                    has_updated_resources = True
        if not has_updated_resources:
            registration.update_via_cache = job.update_via_cache
            yield Store(registration)
            job.resolve(registration)
            return

        worker = ServiceWorker(
            next(self._worker_ids), job.script_url, job.worker_type, job.scope, resources, job.local_script
        )
        worker.skip_waiting = job.force_install
        worker.policies, worker.bad_imports, worker.cookie = response.policies, bad_imports, job.cookie
        worker.used_scripts.add(job.script_url)
        failure = yield RunServiceWorker(worker)
        if failure is not None:
            yield TerminateServiceWorker(worker)
            _note_a_module(job, worker, failure)
            job.reject(failure)
            self._drop_if_new(registration, newest)
            return
        yield from self.install(job, worker, registration)

    @staticmethod
    def _no_cache(
        registration: ServiceWorkerRegistration, job: Job, newest: ServiceWorker | None, *, imported: bool
    ) -> bool:
        mode = registration.update_via_cache if newest is not None else job.update_via_cache
        return job.force_bypass_cache or (mode == "none" if imported else mode != "all")

    def _drop_if_new(self, registration: ServiceWorkerRegistration, newest: ServiceWorker | None) -> None:
        if newest is None:
            self.registrations.remove(registration)

    def soft_update(
        self,
        registration: ServiceWorkerRegistration,
        *,
        force_bypass_cache: bool = False,
        force_install: bool = False,
        referrer: str = "",
        cookie: str = "",
    ) -> Job | None:
        """https://w3c.github.io/ServiceWorker/#soft-update-algorithm: the job to schedule, if any."""
        newest = registration.get_newest_worker()
        if newest is None or registration.unregistered:
            return None
        return Job(
            JobType.UPDATE,
            registration.scope,
            newest.script_url,
            newest.type,
            registration.update_via_cache,
            force_bypass_cache,
            registration.local_script,
            referrer,
            cookie,
            force_install,
        )

    def install(self, job: Job, worker: ServiceWorker, registration: ServiceWorkerRegistration) -> Steps:
        """https://w3c.github.io/ServiceWorker/#installation-algorithm"""
        newest = registration.get_newest_worker()
        registration.update_via_cache = job.update_via_cache
        registration.installing = worker
        worker.state = lifecycle_transition(worker.state, WorkerState.INSTALLING)
        job.resolve(registration)
        yield StateChanged(registration, worker)

        failure: SwproxyError | None = None
        if not worker.should_skip_event("install"):
            failure = yield DispatchLifecycleEvent(worker, "install")
        if failure is not None:
            registration.installing = None
            yield from self._discard(job, worker, registration, newest, failure)
            return

        for url in set(worker.script_resource_map) - worker.used_scripts:
            del worker.script_resource_map[url]
        if (waiting := registration.waiting) is not None:
            yield TerminateServiceWorker(waiting)
            waiting.state = lifecycle_transition(waiting.state, WorkerState.REDUNDANT)
            yield StateChanged(registration, waiting)
        registration.waiting = worker
        registration.installing = None
        worker.state = lifecycle_transition(worker.state, WorkerState.INSTALLED)
        failure = yield Store(registration)
        if failure is not None:
            registration.waiting = None
            yield from self._discard(job, worker, registration, newest, failure)
            return
        yield StateChanged(registration, worker)
        job.finish_installation(worker)
        # Finish Job and Try Activate are the driver's: the next job need not wait for the activation.

    def _discard(
        self,
        job: Job,
        worker: ServiceWorker,
        registration: ServiceWorkerRegistration,
        newest: ServiceWorker | None,
        failure: SwproxyError,
    ) -> Steps:
        """The end of an installation that has failed."""
        worker.state = lifecycle_transition(worker.state, WorkerState.REDUNDANT)
        yield TerminateServiceWorker(worker)
        self._drop_if_new(registration, newest)
        yield StateChanged(registration, worker)
        job.finish_installation(failure)

    def try_activate(self, registration: ServiceWorkerRegistration) -> Steps:
        """https://w3c.github.io/ServiceWorker/#try-activate-algorithm"""
        waiting, active = registration.waiting, registration.active
        if waiting is None:
            return
        if active is not None:
            if active.state is WorkerState.ACTIVATING or not active.has_no_pending_events():
                return
            if not waiting.skip_waiting and (yield HasClients(registration)):
                return
            if registration.waiting is not waiting:
                return
        yield from self.activate(registration)

    def activate(self, registration: ServiceWorkerRegistration) -> Steps:
        """https://w3c.github.io/ServiceWorker/#activation-algorithm"""
        worker = registration.waiting
        if worker is None:
            return
        previous = registration.active
        # In one step: whoever looks meanwhile sees the old worker or the new one.
        registration.active, registration.waiting = worker, None
        worker.state = lifecycle_transition(worker.state, WorkerState.ACTIVATING)
        if previous is not None:
            yield TerminateServiceWorker(previous)
            previous.state = lifecycle_transition(previous.state, WorkerState.REDUNDANT)
            yield StateChanged(registration, previous)
        yield Store(registration)
        yield StateChanged(registration, worker)
        yield ControllerChange(registration)
        if not worker.should_skip_event("activate"):
            yield DispatchLifecycleEvent(worker, "activate")  # whatever comes of it
        yield from self.finish_activation(registration)

    def finish_activation(self, registration: ServiceWorkerRegistration) -> Steps:
        """The last steps of Activate, which come whatever happened in the others."""
        worker = registration.active
        if worker is not None and worker.state is WorkerState.ACTIVATING:
            worker.state = lifecycle_transition(worker.state, WorkerState.ACTIVATED)
            yield StateChanged(registration, worker)
            if not registration.unregistered:
                yield Store(registration)

    def unregister(self, job: Job) -> Steps:
        """https://w3c.github.io/ServiceWorker/#unregister-algorithm"""
        registration = self.registrations.get_registration(job.scope)
        if registration is None:
            job.resolve(False)
            return
        self.registrations.remove(registration)
        registration.unregistered = True
        yield Forget(registration)
        job.resolve(True)
        yield from self.try_clear_registration(registration)

    def try_clear_registration(self, registration: ServiceWorkerRegistration) -> Steps:
        """https://w3c.github.io/ServiceWorker/#try-clear-registration-algorithm"""
        if all(worker.has_no_pending_events() for worker in registration.workers()) and not (
            yield HasClients(registration)
        ):
            yield from self.clear_registration(registration)

    def clear_at_once(self, registration: ServiceWorkerRegistration) -> Steps:
        """Unregister and Clear Registration, whoever uses it: clients go on without a controller."""
        self.registrations.remove(registration)
        registration.unregistered = True
        yield Forget(registration)
        yield from self.clear_registration(registration)
        yield ControllerChange(registration)

    def clear_registration(self, registration: ServiceWorkerRegistration) -> Steps:
        """https://w3c.github.io/ServiceWorker/#clear-registration-algorithm"""
        workers = list(registration.workers())
        registration.installing = registration.waiting = registration.active = None
        for worker in workers:
            yield TerminateServiceWorker(worker)
            if worker.state is not WorkerState.REDUNDANT:
                worker.state = lifecycle_transition(worker.state, WorkerState.REDUNDANT)
            yield StateChanged(registration, worker)


def _note_a_module(job: Job, worker: ServiceWorker, failure: SwproxyError) -> None:
    """The engine's SyntaxErrors do not say that the script may be of the other type."""
    if job.worker_type != "classic" or not isinstance(failure, ScriptError):
        return
    script = worker.script_resource_map.get(failure.url)
    if failure.message.startswith("SyntaxError") and script is not None and _MODULE.search(script.text):
        failure.add_note("a script that imports or exports is a module: register it with --type module")


def _check_script_response(
    job: Job, registration: ServiceWorkerRegistration, response: ScriptResponse
) -> SwproxyError | None:
    """The part of Update that looks at the top-level script's response."""
    if response.mime_type not in JAVASCRIPT_MIME_TYPES:
        shown = f"'{response.mime_type}'" if response.mime_type else "no MIME type"
        return SecurityError(
            f"The script {job.script_url} has {shown}: a service worker script needs a JavaScript MIME type."
        )
    if response.service_worker_allowed is None:
        max_scope: str | None = urlsplit(job.script_url).path.rpartition("/")[0] + "/"
    else:
        allowed = urljoin(job.script_url, response.service_worker_allowed)
        max_scope = urlsplit(allowed).path if origin_of(allowed) == origin_of(job.script_url) else None
    if max_scope is None or not urlsplit(registration.scope).path.startswith(max_scope):
        return SecurityError(
            f"The scope {registration.scope} is outside of the path {max_scope or '(none)'} that the script "
            f"{job.script_url} may have: move the script up, or send the header Service-Worker-Allowed with it."
        )
    return None

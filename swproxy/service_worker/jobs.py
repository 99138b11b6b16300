"""https://w3c.github.io/ServiceWorker/#dfn-job: what is to be done with a scope, one after the other"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from swproxy.errors import SwproxyError
from swproxy.service_worker.registration import origin_of

# Jobs of an origin that are not done.
JOB_LIMIT = 256


class JobType(StrEnum):
    REGISTER = "register"
    UPDATE = "update"
    UNREGISTER = "unregister"


class JobPromise:
    """The job's promise, without an event loop: whoever waits is called back, once."""

    def __init__(self) -> None:
        self.settled = False
        self.value: Any = None
        self.error: SwproxyError | None = None
        self._callbacks: list[Callable[[JobPromise], None]] = []

    def resolve(self, value: Any) -> None:
        self._settle(value, None)

    def reject(self, error: SwproxyError) -> None:
        self._settle(None, error)

    def _settle(self, value: Any, error: SwproxyError | None) -> None:
        if self.settled:
            return
        self.settled, self.value, self.error = True, value, error
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def then(self, callback: Callable[["JobPromise"], None]) -> None:
        if self.settled:
            callback(self)
        else:
            self._callbacks.append(callback)


@dataclass(eq=False, slots=True)
class Job:
    """https://w3c.github.io/ServiceWorker/#dfn-job

    ``force_install`` makes a new version of a script that has not changed, too, and the version skips waiting.
    ``referrer`` is the URL of the client that asks, ``cookie`` what its browser sends to the origin.
    ``promise`` is the job promise. ``installed`` settles later: with the worker once its install event has
    succeeded, with None if nothing was to be installed; it rejects if the installation failed.
    """

    type: JobType
    scope: str
    script_url: str = ""
    worker_type: str = "classic"
    update_via_cache: str = "imports"
    force_bypass_cache: bool = False
    local_script: str | None = None
    referrer: str = ""
    cookie: str = ""
    force_install: bool = False
    promise: JobPromise = field(default_factory=JobPromise)
    installed: JobPromise = field(default_factory=JobPromise)
    equivalent_jobs: list["Job"] = field(default_factory=list)

    def is_equivalent(self, other: "Job") -> bool:
        """https://w3c.github.io/ServiceWorker/#dfn-job-equivalent"""
        if self.type is not other.type or self.scope != other.scope:
            return False
        if self.type is JobType.UNREGISTER:
            return True
        return (
            self.script_url == other.script_url
            and self.worker_type == other.worker_type
            and self.update_via_cache == other.update_via_cache
            and self.local_script == other.local_script
            and self.force_install == other.force_install
        )

    def resolve(self, value: Any) -> None:
        """https://w3c.github.io/ServiceWorker/#resolve-job-promise-algorithm"""
        self.promise.resolve(value)
        for job in self.equivalent_jobs:
            job.promise.resolve(value)

    def reject(self, error: SwproxyError) -> None:
        """https://w3c.github.io/ServiceWorker/#reject-job-promise-algorithm"""
        self.promise.reject(error)
        self.installed.reject(error)
        for job in self.equivalent_jobs:
            job.promise.reject(error)
            job.installed.reject(error)

    def finish_installation(self, outcome: Any) -> None:
        """Settles ``installed`` of this job and its equivalents: with an error, or a worker or None."""
        for job in (self, *self.equivalent_jobs):
            if isinstance(outcome, SwproxyError):
                job.installed.reject(outcome)
            else:
                job.installed.resolve(outcome)


class JobQueues:
    """https://w3c.github.io/ServiceWorker/#dfn-scope-to-job-queue-map"""

    def __init__(self, run_job: Callable[[Job], None]) -> None:
        self._queues: dict[str, deque[Job]] = {}
        self._counts: Counter[str] = Counter()  # by origin
        self._run_job = run_job

    def schedule_job(self, job: Job) -> None:
        """https://w3c.github.io/ServiceWorker/#schedule-job-algorithm

        A job is rejected if its origin has too many already.
        """
        origin = origin_of(job.scope)
        if self._counts[origin] >= JOB_LIMIT:
            message = f"{JOB_LIMIT} jobs of {origin} are not done yet: no {job.type} of {job.scope} before some are."
            job.reject(SwproxyError(message))
            return
        self._counts[origin] += 1
        queue = self._queues.setdefault(job.scope, deque())
        if not queue:
            queue.append(job)
            self._run_job(job)
            return
        last = queue[-1]
        if job.is_equivalent(last) and not last.promise.settled:
            last.equivalent_jobs.append(job)
        else:
            queue.append(job)

    def abort(self, origin: str, error: SwproxyError) -> list[Job]:
        """Rejects all jobs of an origin's scopes: those that are running, which the caller has to stop."""
        queues = [queue for scope, queue in self._queues.items() if origin_of(scope) == origin]
        for queue in queues:
            for job in queue:
                job.reject(error)
            while len(queue) > 1:
                self._counts[origin] -= 1 + len(queue.pop().equivalent_jobs)
        return [queue[0] for queue in queues]

    def finish_job(self, job: Job) -> None:
        """https://w3c.github.io/ServiceWorker/#finish-job-algorithm"""
        queue = self._queues[job.scope]
        assert queue[0] is job
        queue.popleft()
        origin = origin_of(job.scope)
        self._counts[origin] -= 1 + len(job.equivalent_jobs)
        if self._counts[origin] == 0:
            del self._counts[origin]
        if queue:
            self._run_job(queue[0])
        else:
            del self._queues[job.scope]

"""The lifecycle as tables of events: what is asked of the world, and what is answered."""

from collections.abc import Callable
from typing import Any

import pytest

from swproxy.errors import InvalidInput, NetworkError, ProfileError, ScriptError, SecurityError, SwproxyError
from swproxy.service_worker import effects
from swproxy.service_worker.jobs import Job, JobType
from swproxy.service_worker.lifecycle import Lifecycle, Steps
from swproxy.service_worker.registration import RegistrationMap, ServiceWorkerRegistration
from swproxy.service_worker.states import WorkerState
from swproxy.service_worker.worker import ScriptResource

SCOPE = "https://a.test/app/"
SCRIPT = "https://a.test/app/sw.js"


class World:
    """Answers the effects of one algorithm and writes them down, as a transcript.

    Args:
        answers: effect type -> answer, or a function of the effect.
    """

    def __init__(self, **answers: Any) -> None:
        self.transcript: list[str] = []
        self.answers = answers

    def play(self, steps: Steps) -> None:
        answer: Any = None
        try:
            while True:
                effect = steps.send(answer)
                self.transcript.append(self._describe(effect))
                answer = self.answers.get(type(effect).__name__)
                if callable(answer):
                    answer = answer(effect)
        except StopIteration:
            pass

    @staticmethod
    def _describe(effect: effects.Effect) -> str:
        match effect:
            case effects.FetchScript(url=url, no_cache=no_cache):
                return f"fetch {url}{' no-cache' if no_cache else ''}"
            case effects.RunServiceWorker(worker=worker):
                return f"run {worker.id}"
            case effects.DispatchLifecycleEvent(worker=worker, type=type_):
                return f"{type_} {worker.id}"
            case effects.TerminateServiceWorker(worker=worker):
                return f"terminate {worker.id}"
            case effects.StateChanged(worker=worker) if worker is not None:
                return f"{worker.id} {worker.state}"
        return type(effect).__name__.lower()


def script(text: str = "code", mime_type: str = "text/javascript", **options: Any) -> effects.ScriptResponse:
    return effects.ScriptResponse(1000.0, ScriptResource(text.encode(), text), mime_type, **options)


def sources(**files: str) -> Callable[[effects.FetchScript], effects.ScriptResponse]:
    """Answers fetches by the last part of the URL; others fail."""

    def answer(effect: effects.FetchScript) -> effects.ScriptResponse:
        name = effect.url.rpartition("/")[2].removesuffix(".js")
        if name not in files:
            return effects.ScriptResponse(1000.0, error=NetworkError("not found"))
        return script(files[name])

    return answer


@pytest.fixture
def lifecycle() -> Lifecycle:
    return Lifecycle(RegistrationMap(), 1, lambda origin: origin.startswith("https://"))


def register(lifecycle: Lifecycle, world: World, **changes: Any) -> Job:
    """Runs a register job."""
    job = Job(**{"type": JobType.REGISTER, "scope": SCOPE, "script_url": SCRIPT} | changes)
    world.play(lifecycle.run_job(job))
    return job


def installed(lifecycle: Lifecycle, text: str = "code", *, activate: bool = True) -> ServiceWorkerRegistration:
    """A registration with one worker."""
    world = World(FetchScript=script(text))
    register(lifecycle, world)
    registration = lifecycle.registrations.get_registration(SCOPE)
    assert registration is not None
    if activate:
        world.play(lifecycle.try_activate(registration))
    return registration


def test_a_first_registration(lifecycle: Lifecycle) -> None:
    """Fetch, run, install, store; then activate."""
    world = World(FetchScript=script())
    job = register(lifecycle, world)
    assert job.promise.error is None
    assert world.transcript == [
        f"fetch {SCRIPT} no-cache",
        "run 1",
        "1 installing",
        "install 1",
        "store",
        "1 installed",
    ]
    world.transcript.clear()
    registration = job.promise.value
    world.play(lifecycle.try_activate(registration))
    assert world.transcript == ["store", "1 activating", "controllerchange", "activate 1", "1 activated", "store"]
    assert registration.active is job.installed.value
    assert registration.waiting is None


def test_the_same_script_again_does_nothing(lifecycle: Lifecycle) -> None:
    """register() of an unchanged script URL resolves without a fetch."""
    registration = installed(lifecycle)
    world = World()
    job = register(lifecycle, world)
    assert world.transcript == []
    assert job.promise.value is registration
    assert job.installed.value is None


FAILURES: list[tuple[str, dict[str, Any], dict[str, Any], type[SwproxyError]]] = [
    ("insecure", {"scope": "http://a.test/", "script_url": "http://a.test/sw.js"}, {}, SecurityError),
    ("another origin", {"scope": "https://b.test/"}, {}, SecurityError),
    ("unreachable", {}, {"FetchScript": effects.ScriptResponse(0, error=NetworkError("x"))}, NetworkError),
    ("wrong MIME type", {}, {"FetchScript": script(mime_type="text/html")}, SecurityError),
    ("no MIME type", {}, {"FetchScript": script(mime_type="")}, SecurityError),
    ("above its path", {"scope": "https://a.test/"}, {"FetchScript": script()}, SecurityError),
    (
        "allowed elsewhere only",
        {},
        {"FetchScript": script(service_worker_allowed="/other/")},
        SecurityError,
    ),
    (
        "allowed on another origin",
        {},
        {"FetchScript": script(service_worker_allowed="https://b.test/")},
        SecurityError,
    ),
    ("throws", {}, {"FetchScript": script(), "RunServiceWorker": ScriptError("Error: no")}, ScriptError),
]


@pytest.mark.parametrize(
    ("changes", "answers", "error"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_failed_registrations_leave_nothing(
    lifecycle: Lifecycle, changes: dict[str, Any], answers: dict[str, Any], error: type[SwproxyError]
) -> None:
    """The job is rejected with the right error, and the scope is free again."""
    world = World(**answers)
    job = register(lifecycle, world, **changes)
    assert isinstance(job.promise.error, error)
    assert isinstance(job.installed.error, error)
    assert list(lifecycle.registrations) == []
    assert "store" not in world.transcript


def test_service_worker_allowed_widens_the_scope(lifecycle: Lifecycle) -> None:
    """The header lets a script have a scope above its own path."""
    job = register(lifecycle, World(FetchScript=script(service_worker_allowed="/")), scope="https://a.test/")
    assert job.promise.error is None


def test_a_rejected_install(lifecycle: Lifecycle) -> None:
    """The registration promise resolves, as the specification wants it; the installation fails and leaves nothing."""
    world = World(FetchScript=script(), DispatchLifecycleEvent=ScriptError("Error: not today"))
    job = register(lifecycle, world)
    assert job.promise.error is None
    assert isinstance(job.installed.error, ScriptError)
    assert list(lifecycle.registrations) == []
    assert world.transcript[-2:] == ["terminate 1", "1 redundant"]


def test_an_update_waits_for_the_events_of_the_old_worker(lifecycle: Lifecycle) -> None:
    """The new version waits while the active one has events, and takes over when they are over."""
    registration = installed(lifecycle)
    old = registration.active
    assert old is not None
    world = World(FetchScript=script("new code"))
    job = lifecycle.soft_update(registration)
    assert job is not None
    world.play(lifecycle.run_job(job))
    new = registration.waiting
    assert new is not None
    old.pending_events = 1
    world.play(lifecycle.try_activate(registration))
    assert registration.waiting is new
    old.pending_events = 0
    world.play(lifecycle.try_activate(registration))
    assert registration.active is new
    assert old.state is WorkerState.REDUNDANT
    assert "terminate 1" in world.transcript


def test_an_update_waits_for_clients_unless_it_skips_waiting(lifecycle: Lifecycle) -> None:
    """A page that uses the registration keeps the new version waiting; skipWaiting() does not care."""
    registration = installed(lifecycle)
    world = World(FetchScript=script("new code"), HasClients=True)
    job = lifecycle.soft_update(registration)
    assert job is not None
    world.play(lifecycle.run_job(job))
    world.play(lifecycle.try_activate(registration))
    assert registration.waiting is not None
    registration.waiting.skip_waiting = True
    world.play(lifecycle.try_activate(registration))
    assert registration.waiting is None


def test_an_unchanged_script_is_not_installed_again(lifecycle: Lifecycle) -> None:
    """Byte for byte the same: nothing runs."""
    registration = installed(lifecycle)
    world = World(FetchScript=script())
    job = lifecycle.soft_update(registration)
    assert job is not None
    world.play(lifecycle.run_job(job))
    assert world.transcript == [f"fetch {SCRIPT} no-cache", "store"]
    assert registration.waiting is None


def test_an_unchanged_script_is_installed_again_by_force(lifecycle: Lifecycle) -> None:
    """It is fetched past all caches, and the new version does not wait for clients."""
    registration = installed(lifecycle)
    world = World(FetchScript=script(), HasClients=True)
    job = lifecycle.soft_update(registration, force_bypass_cache=True, force_install=True)
    assert job is not None
    world.play(lifecycle.run_job(job))
    assert world.transcript[:3] == [f"fetch {SCRIPT} no-cache", "run 2", "2 installing"]
    world.play(lifecycle.try_activate(registration))
    assert registration.active is job.installed.value
    assert registration.active.id == 2


@pytest.mark.parametrize(
    ("imported", "updates"), [("same", False), ("changed", True), (None, False)], ids=["same", "changed", "gone"]
)
def test_imported_scripts_are_compared_too(lifecycle: Lifecycle, imported: str | None, updates: bool) -> None:
    """A changed import makes a new version; one that cannot be had does not."""
    registration = installed(lifecycle)
    assert registration.active is not None
    registration.active.script_resource_map["https://a.test/lib.js"] = ScriptResource(b"same", "same")
    files = {"sw": "code"} | ({} if imported is None else {"lib": imported})
    world = World(FetchScript=sources(**files))
    job = lifecycle.soft_update(registration)
    assert job is not None
    world.play(lifecycle.run_job(job))
    assert (registration.waiting is not None) is updates
    assert "fetch https://a.test/lib.js" in world.transcript


def test_what_a_new_worker_is_given(lifecycle: Lifecycle) -> None:
    """The policies of its script, its client's cookies, and which imports were asked for in vain."""
    registration = installed(lifecycle)
    assert registration.active is not None
    for name in ("gone", "lib"):
        registration.active.script_resource_map[f"https://a.test/{name}.js"] = ScriptResource(b"", "")
    policies = (("referrer-policy", "origin"),)

    def fetched(effect: effects.FetchScript) -> effects.ScriptResponse:
        return script(policies=policies) if effect.top_level else sources(lib="new")(effect)

    job = lifecycle.soft_update(registration, cookie="a=1")
    assert job is not None
    world = World(FetchScript=fetched)
    world.play(lifecycle.run_job(job))
    worker = registration.waiting
    assert worker is not None
    assert (worker.policies, worker.cookie) == (policies, "a=1")
    assert worker.bad_imports == {"https://a.test/gone.js": "not found"}


def test_update_via_cache(lifecycle: Lifecycle) -> None:
    """'all' lets the HTTP cache answer, 'none' does so for no script, 'imports' for imported ones."""
    for mode, main, imported in (("imports", True, False), ("all", False, False), ("none", True, True)):
        registration = installed(lifecycle)
        assert registration.active is not None
        registration.update_via_cache = mode
        registration.active.script_resource_map["https://a.test/lib.js"] = ScriptResource(b"x", "x")
        world = World(FetchScript=sources(sw="code", lib="x"))
        job = lifecycle.soft_update(registration)
        assert job is not None
        world.play(lifecycle.run_job(job))
        assert world.transcript[0].endswith("no-cache") is main, mode
        assert world.transcript[1].endswith("no-cache") is imported, mode


def test_a_failed_update_leaves_the_old_worker(lifecycle: Lifecycle) -> None:
    """The active worker stays, and the registration with it."""
    registration = installed(lifecycle)
    old = registration.active
    world = World(FetchScript=script("new"), DispatchLifecycleEvent=ScriptError("Error: no"))
    job = lifecycle.soft_update(registration)
    assert job is not None
    world.play(lifecycle.run_job(job))
    assert registration.active is old
    assert lifecycle.registrations.get_registration(SCOPE) is registration


def test_a_second_waiting_worker_replaces_the_first(lifecycle: Lifecycle) -> None:
    """The worker that waited becomes redundant."""
    registration = installed(lifecycle, activate=False)
    first = registration.waiting
    assert first is not None
    world = World(FetchScript=script("newer"))
    job = lifecycle.soft_update(registration)
    assert job is not None
    world.play(lifecycle.run_job(job))
    assert first.state is WorkerState.REDUNDANT
    assert registration.waiting is not first


def test_a_failing_activate_event_activates_all_the_same(lifecycle: Lifecycle) -> None:
    """Neither an error nor a crash in the activate event keeps the worker from being activated."""
    registration = installed(lifecycle, activate=False)
    world = World(DispatchLifecycleEvent=ScriptError("Error: no"))
    world.play(lifecycle.try_activate(registration))
    assert registration.active is not None
    assert registration.active.state is WorkerState.ACTIVATED


def test_a_registration_that_cannot_be_stored(lifecycle: Lifecycle) -> None:
    """A full disk: the installation has failed, and what was active stays so; an activation goes on in memory."""
    full = ProfileError("full")
    world = World(FetchScript=script(), Store=full)
    job = register(lifecycle, world)
    assert job.installed.error is full
    assert world.transcript[-3:] == ["store", "terminate 1", "1 redundant"]
    assert list(lifecycle.registrations) == []
    registration = installed(lifecycle)
    active = registration.active
    assert register(lifecycle, World(FetchScript=script("new"), Store=full), type=JobType.UPDATE).installed.error
    assert (registration.waiting, registration.active) == (None, active)
    job = register(lifecycle, World(FetchScript=script("newer")), type=JobType.UPDATE)
    World(Store=full).play(lifecycle.try_activate(registration))
    assert registration.active is job.installed.value
    assert job.installed.value.state is WorkerState.ACTIVATED


def test_unregister(lifecycle: Lifecycle) -> None:
    """The registration is forgotten at once, its workers are cleared when their events are over."""
    registration = installed(lifecycle)
    worker = registration.active
    assert worker is not None
    worker.pending_events = 1
    world = World()
    job = Job(JobType.UNREGISTER, SCOPE)
    world.play(lifecycle.run_job(job))
    assert job.promise.value is True
    assert world.transcript == ["forget"]
    assert lifecycle.registrations.get_registration(SCOPE) is None
    worker.pending_events = 0
    world.play(lifecycle.try_clear_registration(registration))
    assert worker.state is WorkerState.REDUNDANT
    again = Job(JobType.UNREGISTER, SCOPE)
    world.play(lifecycle.run_job(again))
    assert again.promise.value is False


def test_update_of_what_is_not_registered(lifecycle: Lifecycle) -> None:
    """The job is rejected with a TypeError."""
    job = Job(JobType.UPDATE, SCOPE, SCRIPT)
    World().play(lifecycle.run_job(job))
    assert isinstance(job.promise.error, InvalidInput)
    assert job.promise.error.name == "TypeError"

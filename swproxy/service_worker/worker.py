"""https://w3c.github.io/ServiceWorker/#service-worker-concept"""

from dataclasses import dataclass, field

from swproxy.service_worker.states import RunningStatus, WorkerState


@dataclass(frozen=True, slots=True)
class ScriptResource:
    """One script as it came: its bytes, for comparison, and their text."""

    body: bytes
    text: str


@dataclass(eq=False, slots=True)
class ServiceWorker:
    """A version of a site's worker: its scripts, its lifecycle, and whether it has a process.

    ``local_script`` is the file that stands for the script URL, if the script does not come from the network.
    ``policies`` are the fields of the script's header that bind it, names in lower case. ``bad_imports`` are the URLs
    of scripts that were asked for before it ran and cannot be had, with the reasons. ``cookie`` is what the browser
    that has registered it sends to the origin.

    Its registration owns it; ``workers.manager`` alone changes ``running_status`` and ``pending_events``.
    """

    id: int
    script_url: str
    type: str  # "classic" or "module"
    scope: str
    script_resource_map: dict[str, ScriptResource]
    local_script: str | None = None
    state: WorkerState = WorkerState.PARSED
    running_status: RunningStatus = RunningStatus.STOPPED
    used_scripts: set[str] = field(default_factory=set)
    classic_scripts_imported: bool = False
    skip_waiting: bool = False
    event_types: frozenset[str] | None = None  # None until the script was run for the first time
    all_fetch_listeners_are_empty: bool = False
    pending_events: int = 0
    policies: tuple[tuple[str, str], ...] = ()
    bad_imports: dict[str, str] = field(default_factory=dict)
    cookie: str = ""

    @property
    def may_import(self) -> bool:
        """Whether importScripts() may still go to the network."""
        return self.state in (WorkerState.PARSED, WorkerState.INSTALLING)

    def should_skip_event(self, name: str) -> bool:
        """https://w3c.github.io/ServiceWorker/#should-skip-event-algorithm"""
        return self.event_types is not None and name not in self.event_types

    def has_no_pending_events(self) -> bool:
        """https://w3c.github.io/ServiceWorker/#service-worker-has-no-pending-events-algorithm"""
        return self.pending_events == 0

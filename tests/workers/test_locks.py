"""Web Locks: the lock manager alone, and between running workers."""

from running_workers import Workers

from swproxy.workers.locks import LockManager, LockRequest

A = "https://site.test/a/"
B = "https://site.test/b/"
FOREIGN = "https://other.test/"


class Transcript:
    """A lock manager and what it did, request by request."""

    def __init__(self) -> None:
        self.manager = LockManager()
        self.lines: list[str] = []
        self._ids = 0

    def request(
        self, label: str, mode: str = "exclusive", *, name: str = "x", if_available: bool = False, steal: bool = False
    ) -> None:
        """Asks as the client that the label begins with; its number is the number of requests so far."""
        self._ids += 1
        request = LockRequest(
            client_id=label[0],
            id=self._ids,
            name=name,
            mode=mode,
            settle=lambda granted: self.lines.append(f"{label} {'granted' if granted else 'refused'}"),
            stolen=lambda: self.lines.append(f"{label} stolen"),
        )
        self.manager.request_a_lock(request, if_available=if_available, steal=steal)


def test_shared_locks_are_held_together_and_an_exclusive_one_alone() -> None:
    """A request waits for its turn: a shared one does not overtake an exclusive one that waits."""
    t = Transcript()
    t.request("a1", "shared")
    t.request("a2", "shared")
    t.request("b3")
    t.request("a4", "shared")
    t.request("a5", name="y")
    assert t.lines == ["a1 granted", "a2 granted", "a5 granted"]
    t.manager.release("a", 1)
    t.manager.release("a", 2)
    assert t.lines[3:] == ["b3 granted"]
    t.manager.release("b", 3)
    assert t.lines[4:] == ["a4 granted"]


def test_if_available_does_not_wait() -> None:
    """Neither for a lock that is held, nor behind one that waits."""
    t = Transcript()
    t.request("a1", "shared")
    t.request("a2", if_available=True)
    t.request("a3", "shared", if_available=True)
    t.request("a4")
    t.request("a5", "shared", if_available=True)
    assert t.lines == ["a1 granted", "a2 refused", "a3 granted", "a5 refused"]


def test_steal_breaks_the_locks_of_the_name_and_overtakes_requests() -> None:
    """The old holder's release changes nothing any more."""
    t = Transcript()
    t.request("a1")
    t.request("b2")
    t.request("b3", steal=True)
    assert t.lines == ["a1 granted", "a1 stolen", "b3 granted"]
    t.manager.release("a", 1)
    assert t.manager.snapshot() == {
        "held": [{"name": "x", "mode": "exclusive", "clientId": "b"}],
        "pending": [{"name": "x", "mode": "exclusive", "clientId": "b"}],
    }


def test_a_client_that_ends_leaves_nothing() -> None:
    """Its locks are released, its requests aborted, and the next in line gets its turn."""
    t = Transcript()
    t.request("a1")
    t.request("a2")
    t.request("b3")
    t.manager.terminate("a")
    assert t.lines == ["a1 granted", "a2 refused", "b3 granted"]


def test_an_aborted_request_gives_way() -> None:
    """Those that waited only for it are granted."""
    t = Transcript()
    t.request("a1", "shared")
    t.request("b2")
    t.request("a3", "shared")
    t.manager.release("b", 2)
    assert t.lines == ["a1 granted", "b2 refused", "a3 granted"]


HOLD = """
  navigator.locks.request("%s", () => {
    console.log("held");
    return new Promise(() => {});
  }).catch((error) => console.log(error.name));
"""


async def test_a_lock_keeps_the_other_workers_of_the_origin_out(workers: Workers) -> None:
    """It is free again when the process that holds it ends; other origins have locks of their own."""
    holder = await workers.register(A, HOLD % "l\\ud800ck")
    assert await workers.printed(A) == ["held"]
    await workers.register(FOREIGN, HOLD % "l\\ud800ck")
    assert await workers.printed(FOREIGN) == ["held"]
    await workers.register(
        B,
        """
        const name = "l\\ud800ck";
        navigator.locks.request(name, { mode: "shared" }, (lock) => console.log(lock.name === name, lock.mode));
        navigator.locks.query().then(({ held, pending }) => console.log(
          held.length, held[0].name === name, held[0].mode, pending.length, pending[0].mode,
          held[0].clientId === pending[0].clientId,
        ));
        """,
    )
    assert await workers.printed(B) == ["1 true exclusive 1 shared false"]
    workers.context.manager.terminate(holder)
    assert (await workers.printed(B, 2))[1] == "true shared"


async def test_a_lock_can_be_stolen_from_another_worker(workers: Workers) -> None:
    """The holder's promise is rejected with an AbortError."""
    await workers.register(A, HOLD % "treasure")
    assert await workers.printed(A) == ["held"]
    await workers.register(B, 'navigator.locks.request("treasure", { steal: true }, () => console.log("mine"))')
    assert await workers.printed(B) == ["mine"]
    assert (await workers.printed(A, 2))[1] == "AbortError"

"""navigator.storage and navigator.permissions."""

from collections.abc import Callable
from typing import Any

RunJs = Callable[..., Any]


def test_estimate_counts_the_caches(run_js: RunJs) -> None:
    """Against the quota; what is empty has no details."""
    before, after = run_js("""
        const before = await navigator.storage.estimate();
        const cache = await caches.open("v1");
        await cache.put("/a", new Response("x".repeat(100_000)));
        return [before, await navigator.storage.estimate()];
    """)
    assert before["usage"] == 0
    assert before["usageDetails"] == {}
    assert after["quota"] == before["quota"] > 100_000
    assert after["usage"] == after["usageDetails"]["caches"] >= 100_000


def test_nothing_is_persistent_storage(run_js: RunJs) -> None:
    """persist() is for windows."""
    script = "return [await navigator.storage.persisted(), 'persist' in navigator.storage]"
    assert run_js(script) == [False, False]


def test_brands_of_storage(run_js: RunJs) -> None:
    """A foreign object is a rejection, as for every operation that returns a promise."""
    script = "return StorageManager.prototype.estimate.call({}).catch((error) => `${error.name}`)"
    assert run_js(script) == "TypeError"


def test_permissions_are_denied(run_js: RunJs) -> None:
    """There is nobody to ask."""
    script = """
        const status = await navigator.permissions.query({ name: "push" });
        return [status instanceof PermissionStatus, status.name, status.state, status.onchange];
    """
    assert run_js(script) == [True, "push", "denied", None]


def test_unknown_permissions_are_type_errors(run_js: RunJs) -> None:
    """Also a missing name."""
    script = """
        const failure = (value) => navigator.permissions.query(value).catch((error) => error.name);
        return [await failure({ name: "x" }), await failure({}), await failure()];
    """
    assert run_js(script) == ["TypeError"] * 3

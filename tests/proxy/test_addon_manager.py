"""From mitmproxy's events to the hooks of addons, looked up once."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import exceptions, hooks
from mitmproxy.flow import Flow
from mitmproxy.proxy import server_hooks
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook, HttpResponseHook
from mitmproxy.test import taddons, tflow

from swproxy.proxy.addon_manager import LeanAddonManager


class Addon:
    """Writes down which of its hooks were called, with what."""

    def __init__(self, name: str, calls: list[tuple[Any, ...]]) -> None:
        self.name = name
        self.calls = calls

    def request(self, flow: Flow) -> None:
        self.calls.append((self.name, "request", flow))


class AsyncAddon(Addon):
    async def request(self, flow: Flow) -> None:  # type: ignore[override]
        self.calls.append((self.name, "begins", flow))
        await asyncio.sleep(0)
        self.calls.append((self.name, "ends", flow))


class Failing(Addon):
    """Raises in its hook."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(name, [])
        self.error = error

    def request(self, flow: Flow) -> None:
        raise self.error


@pytest.fixture
async def manager() -> LeanAddonManager:
    return LeanAddonManager(taddons.context(loadcore=False).master)


@pytest.fixture
def calls() -> list[tuple[Any, ...]]:
    return []


async def test_hooks_are_called_in_the_order_of_the_addons(
    manager: LeanAddonManager, calls: list[tuple[Any, ...]]
) -> None:
    """With what the event has; an addon without that hook is passed over."""
    flow = tflow.tflow()
    manager.add(Addon("a", calls), object(), Addon("b", calls))
    await manager.trigger_event(HttpRequestHook(flow))
    await manager.trigger_event(HttpResponseHook(flow))
    assert calls == [("a", "request", flow), ("b", "request", flow)]


async def test_one_hook_ends_before_the_next_begins(manager: LeanAddonManager, calls: list[tuple[Any, ...]]) -> None:
    """Those that are coroutines are awaited."""
    manager.add(AsyncAddon("a", calls), Addon("b", calls))
    await manager.trigger_event(HttpRequestHook(tflow.tflow()))
    assert [call[:2] for call in calls] == [("a", "begins"), ("a", "ends"), ("b", "request")]


async def test_an_event_with_other_fields(manager: LeanAddonManager) -> None:
    """They are the hook's arguments, whatever the kind of event."""
    heard = []

    class Listening:
        def configure(self, updated: set[str]) -> None:
            heard.append(updated)

        def client_connected(self, client: object) -> None:
            heard.append(client)  # type: ignore[arg-type]

        def running(self) -> None:
            heard.append(set())

    client = tflow.tclient_conn()
    manager.add(Listening())
    await manager.trigger_event(hooks.ConfigureHook({"mode"}))
    await manager.trigger_event(server_hooks.ClientConnectedHook(client))
    await manager.trigger_event(hooks.RunningHook())
    assert heard == [{"mode"}, client, set()]


async def test_an_addon_that_comes_later_is_asked_too(
    manager: LeanAddonManager, calls: list[tuple[Any, ...]]
) -> None:
    """What was looked up before it came is looked up again."""
    event = HttpRequestHook(tflow.tflow())
    manager.add(Addon("a", calls))
    await manager.trigger_event(event)
    manager.add(Addon("b", calls))
    await manager.trigger_event(event)
    assert [call[0] for call in calls] == ["a", "a", "b"]


@pytest.mark.parametrize(
    "goes", [lambda manager, addon: manager.remove(addon), lambda manager, addon: manager.clear()]
)
async def test_an_addon_that_went_is_asked_no_more(
    manager: LeanAddonManager, calls: list[tuple[Any, ...]], goes: Callable[[LeanAddonManager, Addon], None]
) -> None:
    """Whether it was removed alone or with all."""
    event = HttpRequestHook(tflow.tflow())
    addon = Addon("a", calls)
    manager.add(addon)
    await manager.trigger_event(event)
    goes(manager, addon)
    await manager.trigger_event(event)
    assert len(calls) == 1


async def test_addons_of_addons(manager: LeanAddonManager, calls: list[tuple[Any, ...]]) -> None:
    """After the one that they belong to."""
    outer = Addon("outer", calls)
    outer.addons = [Addon("inner", calls)]  # type: ignore[attr-defined]
    manager.add(outer)
    await manager.trigger_event(HttpRequestHook(tflow.tflow()))
    assert [call[0] for call in calls] == ["outer", "inner"]


async def test_what_only_looks_like_a_hook_is_passed_over(
    manager: LeanAddonManager, calls: list[tuple[Any, ...]]
) -> None:
    """A module that was imported under the name of one, for example."""
    module = Addon("module", calls)
    module.request = logging  # type: ignore[assignment, method-assign]
    manager.add(module, Addon("a", calls))
    await manager.trigger_event(HttpRequestHook(tflow.tflow()))
    assert [call[0] for call in calls] == ["a"]


async def test_a_hook_that_fails_stops_nobody(
    manager: LeanAddonManager, calls: list[tuple[Any, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    """The log has which hook it was, and why."""
    manager.add(Failing("failing", ZeroDivisionError("oh")), Addon("a", calls))
    await manager.trigger_event(HttpRequestHook(tflow.tflow()))
    assert len(calls) == 1
    (record,) = caplog.records
    assert record.getMessage() == "the hook request failed"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_a_halt_keeps_the_event_from_the_rest(manager: LeanAddonManager, calls: list[tuple[Any, ...]]) -> None:
    """As mitmproxy promises to addons."""
    manager.add(Addon("a", calls), Failing("halting", exceptions.AddonHalt()), Addon("b", calls))
    await manager.trigger_event(HttpRequestHook(tflow.tflow()))
    assert [call[0] for call in calls] == ["a"]


async def test_a_wrong_option_is_for_the_caller(manager: LeanAddonManager) -> None:
    """Who set it must hear of it."""
    manager.add(Failing("failing", exceptions.OptionsError("no")))
    with pytest.raises(exceptions.OptionsError, match="no"):
        await manager.trigger_event(HttpRequestHook(tflow.tflow()))


async def test_flows_that_changed_are_told(manager: LeanAddonManager, calls: list[tuple[Any, ...]]) -> None:
    """An update follows an event of a flow's life, after its hooks; other events have none."""

    class Updated(Addon):
        def update(self, flows: list[Flow]) -> None:
            self.calls.append((self.name, "update", flows))

    flow = tflow.tflow()
    manager.add(Updated("a", calls))
    await manager.handle_lifecycle(HttpRequestHook(flow))
    await manager.handle_lifecycle(server_hooks.ClientConnectedHook(tflow.tclient_conn()))
    assert calls == [("a", "request", flow), ("a", "update", [flow])]


async def test_nobody_waits_for_updates(manager: LeanAddonManager, calls: list[tuple[Any, ...]]) -> None:
    """Then the event's hooks are all there is."""
    manager.add(Addon("a", calls))
    await manager.handle_lifecycle(HttpRequestHook(tflow.tflow()))
    assert len(calls) == 1

"""Who is offline."""

from swproxy.network.conditions import Conditions


def test_everyone() -> None:
    """Offline for all origins, from the start or later."""
    conditions = Conditions(offline=True)
    assert conditions.is_offline("https://a.test")
    conditions.set_offline(False)
    assert not conditions.is_offline("https://a.test")


def test_single_origins() -> None:
    """Only those that were named; another port is another origin."""
    conditions = Conditions()
    conditions.set_offline(True, "https://b.test")
    conditions.set_offline(True, "https://a.test:8443")
    assert conditions.offline_origins() == ["https://a.test:8443", "https://b.test"]
    assert [conditions.is_offline(origin) for origin in ("https://b.test", "https://a.test")] == [True, False]
    conditions.set_offline(False, "https://b.test")
    conditions.set_offline(False, "https://never.test")
    assert conditions.offline_origins() == ["https://a.test:8443"]


def test_turning_everyone_on_or_off_forgets_single_origins() -> None:
    """Otherwise one would stay offline that nobody thinks of any more."""
    conditions = Conditions()
    for offline in (True, False):
        conditions.set_offline(True, "https://a.test")
        conditions.set_offline(offline)
        assert conditions.offline_origins() == []
        assert conditions.is_offline("https://a.test") is offline


def test_observers_hear_of_each_change() -> None:
    """After it was made."""
    conditions = Conditions()
    heard: list[tuple[bool, list[str]]] = []
    conditions.observe(lambda: heard.append((conditions.offline, conditions.offline_origins())))
    conditions.set_offline(True, "https://a.test")
    conditions.set_offline(True)
    assert heard == [(False, ["https://a.test"]), (True, [])]

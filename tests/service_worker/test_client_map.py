"""The map of all clients."""

from swproxy.service_worker.client import ClientMap, Presence, ServiceWorkerClient

SITE = "https://a.test"


def client_of(clients: ClientMap, url: str, peer: str = "browser") -> ServiceWorkerClient:
    client = ServiceWorkerClient(url, peer, None)
    clients.add(client)
    return client


def test_who_is_at_a_url() -> None:
    """The client of that browser which is there now, else one that was created there; the most recent of several."""
    clients = ClientMap()
    page, other = client_of(clients, f"{SITE}/page#a"), client_of(clients, f"{SITE}/other")
    client_of(clients, f"{SITE}/page", "another browser")
    client_of(clients, "https://b.test/page")
    assert clients.find("browser", f"{SITE}/page") is page
    assert clients.find("browser", f"{SITE}/pa") is None
    assert clients.find("browser", f"{SITE}/") is None
    assert clients.find("browser", "https://c.test/") is None
    clients.moved(page, f"{SITE}/elsewhere#b")
    assert clients.find("browser", f"{SITE}/elsewhere") is page
    assert clients.find("browser", f"{SITE}/page") is page
    clients.moved(other, f"{SITE}/page")
    assert clients.find("browser", f"{SITE}/page") is other
    clients.moved(page, "https://b.test/page")
    assert page.current_url == f"{SITE}/elsewhere#b"
    newest = client_of(clients, f"{SITE}/page")
    assert clients.find("browser", f"{SITE}/page") is newest
    other.be_active()
    assert clients.find("browser", f"{SITE}/page") is other
    clients.see(newest)
    assert clients.find("browser", f"{SITE}/page") is newest


def test_who_was_active_last() -> None:
    """Those that are surely there come first: what is found by its URL, or navigated to, was active."""
    clients = ClientMap()
    page, other = client_of(clients, f"{SITE}/page"), client_of(clients, f"{SITE}/other")
    client_of(clients, f"{SITE}/page", "another browser")
    assert clients.most_recent("browser", SITE) is other
    assert clients.find("browser", page.url) is page
    assert clients.most_recent("browser", SITE) is page
    newest = client_of(clients, f"{SITE}/new")
    assert clients.most_recent("browser", SITE) is newest
    newest.type = "worker"
    assert clients.most_recent("browser", SITE, only_windows=True) is page
    other.is_delivered = True
    assert clients.most_recent("browser", SITE) is other
    clients.see(page)
    assert clients.most_recent("browser", SITE) is page
    clients.freeze(page)
    assert clients.most_recent("browser", SITE) is other
    assert clients.most_recent("browser", "https://c.test") is None


def test_clients_that_come_and_go() -> None:
    """Each is known by its number and its origin, until it is discarded or forgotten."""
    clients = ClientMap(capacity=2)
    first, second, foreign = (client_of(clients, url) for url in (f"{SITE}/1", f"{SITE}/2", "https://b.test/"))
    clients.rename(second, "2" * 32)
    assert clients.get("2" * 32) is second
    assert clients.of_origin(SITE) == [first, second]
    clients.rename(foreign, "2" * 32)
    assert clients.get("2" * 32) is second
    clients.discard(second)
    clients.discard(second)
    assert clients.of_origin(SITE) == [first]
    clients.lose_sight(first)
    for _ in range(2):
        clients.lose_sight(client_of(clients, "https://c.test/"))
    assert clients.of_origin(SITE) == []
    assert clients.find("browser", f"{SITE}/1") is None
    clients.see(first)
    assert clients.of_origin(SITE) == [first]
    assert first.presence is Presence.OPEN
    clients.discard(first)
    clients.discard(foreign)
    assert list(clients._by_origin) == ["https://c.test"]
    assert len(list(clients)) == 2

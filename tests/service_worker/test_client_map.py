"""The map of all clients."""

from swproxy.service_worker.client import ClientMap, Presence, ServiceWorkerClient

SITE = "https://a.test"


def client_of(clients: ClientMap, url: str, peer: str = "browser") -> ServiceWorkerClient:
    client = ServiceWorkerClient(url, peer, None)
    clients.add(client)
    return client


def test_who_has_sent_a_request() -> None:
    """The newest client of that browser with the URL, else of the origin; those that are there come first."""
    clients = ClientMap()
    page, other = client_of(clients, f"{SITE}/page#a"), client_of(clients, f"{SITE}/other")
    client_of(clients, f"{SITE}/page", "another browser")
    client_of(clients, "https://b.test/page")
    assert clients.find("browser", f"{SITE}/page") is page
    assert clients.find("browser", f"{SITE}/") is other
    clients.see(page)
    assert clients.find("browser", f"{SITE}/") is page
    assert clients.find("browser", "https://c.test/") is None


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

"""The map of clients."""

from swproxy.service_worker.client import ClientMap, Presence, ServiceWorkerClient

PAGE = "https://a.test/data.json"


def lost(clients: ClientMap, peer: str = "browser", url: str = PAGE) -> ServiceWorkerClient:
    """A client that nobody sees."""
    client = ServiceWorkerClient(url, peer, None)
    clients.lose_sight(client)
    clients.add(client)
    return client


def test_a_document_that_gets_the_script_later() -> None:
    """It is the last one of its browser and URL that was lost sight of, and is waited for; each one once."""
    clients = ClientMap()
    first, second = lost(clients), lost(clients)
    lost(clients, peer="another")
    lost(clients, url=f"{PAGE}?other")
    seen = lost(clients)
    clients.see(seen)
    frozen = lost(clients)
    clients.freeze(frozen)
    assert clients.expect("browser", PAGE) is second
    assert second.presence is Presence.RESERVED
    assert clients.expect("browser", PAGE) is first
    new = clients.expect("browser", PAGE)
    assert new not in (first, second, seen, frozen)
    assert clients.get(new.id) is new

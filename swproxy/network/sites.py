"""https://html.spec.whatwg.org/#sites"""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

import publicsuffix2


@lru_cache(maxsize=1024)
def is_same_site(one: str, other: str) -> bool:
    """Whether two serialized origins (or URLs) are of the same site; "null" is of none but itself."""
    first, second = urlsplit(one), urlsplit(other)
    if first.scheme != second.scheme or not first.hostname or not second.hostname:
        return False
    return first.hostname == second.hostname or (
        (domain := _registrable_domain(first.hostname)) != "" and domain == _registrable_domain(second.hostname)
    )


def _registrable_domain(host: str) -> str:
    """https://url.spec.whatwg.org/#host-registrable-domain, or nothing."""
    host = host.rstrip(".")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return ""
    suffix: str | None = publicsuffix2.get_tld(host, strict=True)
    if suffix is None:
        suffix = host.rpartition(".")[2]  # of no known one, the last label
    if host == suffix:
        return ""
    return f"{host.removesuffix('.' + suffix).rpartition('.')[2]}.{suffix}"

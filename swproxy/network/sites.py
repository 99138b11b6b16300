"""https://html.spec.whatwg.org/#sites"""

import ipaddress
from functools import cache, lru_cache
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=1024)
def is_same_site(one: str, other: str) -> bool:
    """Whether two serialized origins are of the same site; "null" is of none."""
    first, second = urlsplit(one), urlsplit(other)
    if first.scheme != second.scheme or not first.hostname or not second.hostname:
        return False
    return first.hostname == second.hostname or (
        (domain := _registrable_domain(first.hostname)) != "" and domain == _registrable_domain(second.hostname)
    )


def _registrable_domain(host: str) -> str:
    """https://url.spec.whatwg.org/#host-registrable-domain, or nothing."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _public_suffixes().privatesuffix(host.rstrip(".")) or ""
    return ""


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()

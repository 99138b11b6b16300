"""Sessions of aiohttp, as the settings say how the network is reached."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from swproxy.network.resolver import MappedResolver
from swproxy.network.trust import TrustedAuthorities, trusted_authorities

MAX_HEADERS = 1 << 10
# What navigator.languages has, for requests that no client's language comes with.
LANGUAGES = "en-US,en;q=0.9"


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """How requests reach the network; times in seconds. ``resolve`` is as in ``Settings``."""

    authorities: TrustedAuthorities = field(default_factory=trusted_authorities)
    insecure: bool = False
    connect_timeout: float = 10.0
    upstream_proxy: str | None = None
    upstream_auth: str = ""  # "name:password"
    user_agent: str = ""
    resolve: Mapping[str, str] = field(default_factory=dict)


def tls_context(settings: FetchSettings) -> ssl.SSLContext:
    """Trusts whom the settings name, or everybody."""
    context = settings.authorities.context()
    if settings.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def new_session(
    settings: FetchSettings, tls: ssl.SSLContext, *, force_close: bool = False, **options: Any
) -> aiohttp.ClientSession:
    """A session without cookies, that adds no header by itself; needs a running loop.

    Args:
        force_close: no connection is used again.
        options: further ones of ``ClientSession``.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=tls,
            limit=0,
            limit_per_host=0,
            force_close=force_close,
            resolver=MappedResolver(settings.resolve),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout),
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        max_line_size=1 << 16,
        max_field_size=1 << 16,
        max_headers=MAX_HEADERS,
        trust_env=False,
        proxy=settings.upstream_proxy,
        proxy_auth=_basic_auth(settings.upstream_auth),
        **options,
    )


def _basic_auth(credentials: str) -> aiohttp.BasicAuth | None:
    name, _, password = credentials.partition(":")
    return aiohttp.BasicAuth(name, password, "utf-8") if credentials else None


def reason_of(error: Exception) -> str:
    """Why a request failed, in the words of the system where it has some."""
    if isinstance(error, asyncio.TimeoutError):
        return "no connection in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted ({error.certificate_error}): see swproxy run --upstream-ca"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"its answer is not HTTP as it should be ({error.message.partition(':')[0].strip()})"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection before its answer was there"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.strerror:
        number = error.os_error.errno or 0
        is_of_system = number > 0 and not isinstance(error.os_error, ssl.SSLError)  # below 0 it is the resolver's
        return os.strerror(number) if is_of_system else error.os_error.strerror
    return str(error) or type(error).__name__

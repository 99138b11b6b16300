"""Content Security Policy (https://w3c.github.io/webappsec-csp/, 2025): the page client passes, and nothing else new.

Two things have to pass every policy of a response:

- The script, which is external and inserted by the parser. It passes with the page's own nonce, if the policy has
  one; else its URL becomes a source; and under ``'strict-dynamic'``, where URLs do not count, its hash. A hash goes
  nowhere else, and a nonce nowhere at all: either would switch off ``'unsafe-inline'``.
- The channel, a WebSocket and requests under ``/.swproxy/``. It passes if the policy names the page's own origin;
  else its URLs become sources.

What is added goes to ``script-src-elem`` and ``connect-src`` alone, made from the lists that they would fall back to,
so that it allows no worker, image or frame. Report-only policies are treated in the same way: no report tells of what
is not the site's.

All else stays. The client compiles no strings, writes to no sink of ``require-trusted-types-for``, makes no Trusted
Types policies and no workers. It has the page's origin and scheme, which ``upgrade-insecure-requests`` leaves alone.

A policy in a ``meta`` element comes after the script, and has no say over it. Over the channel it has, from where the
parser meets it: a channel is free of it if the script opens it before it returns to the parser. One that is opened
again later has to pass the ``connect-src`` of those policies, too; where it does not, the client has to do without.

The policies of a 304 are to be treated as those of the 200 before it: the browser puts them in their place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from swproxy.page_client.insertion import SCRIPT_PATH, Field

# What the channel's URLs begin with.
CHANNEL_PATH = "/.swproxy/"

_ENFORCED = b"content-security-policy"
_REPORT_ONLY = b"content-security-policy-report-only"
_INTEGRITY = (b"integrity-policy", b"integrity-policy-report-only")
# https://w3c.github.io/webappsec-csp/#directive-fallback-list
_SCRIPT_LISTS = ("script-src-elem", "script-src", "default-src")
_CONNECT_LISTS = ("connect-src", "default-src")
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_-]+={0,2})'", re.IGNORECASE)
# What a host-source can say: of addresses it matches one only, and it has no IPv6.
_HOST = re.compile(r"(?![\d.]+\Z)[a-z0-9.-]+|127\.0\.0\.1")
_BLOCKS_SCRIPTS = re.compile(rb"blocked-destinations\s*=\s*\([^)]*\bscript\b")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a response needs so that the page client passes.

    Attributes:
        fields: the response's, with the policies changed where they have to be.
        nonce: of our tag; empty for none.
        integrity: likewise.
        can_run: False if the document is sandboxed and runs no scripts: it needs no insertion.
    """

    fields: list[Field]
    nonce: str
    integrity: str
    can_run: bool


def allow_page_client(fields: Sequence[Field], origin: str, integrity: str) -> Allowance:
    """Lets the page client through all policies of a response.

    Args:
        fields: the header of the response.
        origin: of the document's URL, for example ``https://example.com:8443``.
        integrity: of the script as it is served, ``sha256-`` and base64.
    """
    policies = [policy for name, value in fields if name.lower() == _ENFORCED for policy in _parsed(value)]
    observed = [policy for name, value in fields if name.lower() == _REPORT_ONLY for policy in _parsed(value)]
    client = _Client(origin, _nonce_for(policies) or _nonce_for(observed), integrity)
    is_checked = any(name.lower() in _INTEGRITY and _BLOCKS_SCRIPTS.search(value) for name, value in fields)
    needs_integrity = is_checked or any(client.needs_hash(policy) for policy in policies + observed)
    rewritten = [
        (name, client.rewritten(value) if name.lower() in (_ENFORCED, _REPORT_ONLY) else value)
        for name, value in fields
    ]
    can_run = all(_has(policy.get("sandbox", ["allow-scripts"]), "allow-scripts") for policy in policies)
    return Allowance(rewritten, client.nonce, integrity if needs_integrity else "", can_run)


def has_opaque_origin(fields: Sequence[Field]) -> bool:
    """Whether a policy of a response sandboxes its document into an origin of its own."""
    policies = [policy for name, value in fields if name.lower() == _ENFORCED for policy in _parsed(value)]
    return any("sandbox" in policy and not _has(policy["sandbox"], "allow-same-origin") for policy in policies)


# The directives of a policy: names in lower case, and the tokens of the values.
_Policy = dict[str, list[str]]


def _parsed(value: bytes) -> list[_Policy]:
    """https://w3c.github.io/webappsec-csp/#parse-serialized-policy, for each policy of a list."""
    return [_parsed_policy(text) for text in value.decode("latin-1").split(",")]


def _parsed_policy(text: str) -> _Policy:
    policy: _Policy = {}
    for directive in text.split(";"):
        tokens = directive.split()
        if tokens and directive.isascii():
            policy.setdefault(tokens[0].lower(), tokens[1:])
    return policy


def _list_of(policy: _Policy, names: Sequence[str]) -> list[str] | None:
    """The source list that counts, of those that one falls back to after the other."""
    return next((policy[name] for name in names if name in policy), None)


def _has(sources: Sequence[str], *keywords: str) -> bool:
    return any(source.lower() in keywords for source in sources)


def _nonces(sources: Sequence[str]) -> list[str]:
    return [match[1] for source in sources if (match := _NONCE.fullmatch(source))]


def _nonce_for(policies: Sequence[_Policy]) -> str:
    """The nonce that our tag takes over: of the first policy that lets nothing else pass, or else of the first.

    A tag has one nonce. Policies with another one get a source.
    """
    lists = [sources for policy in policies if (sources := _list_of(policy, _SCRIPT_LISTS)) is not None]
    lists.sort(key=lambda sources: not _has(sources, "'strict-dynamic'"))
    return next((nonces[0] for sources in lists if not _allows_self(sources) and (nonces := _nonces(sources))), "")


def _allows_self(sources: Sequence[str]) -> bool:
    """Whether a script of the page's own origin passes by its URL."""
    return _has(sources, "'self'", "*", "https:") and not _has(sources, "'strict-dynamic'")


@dataclass(frozen=True, slots=True)
class _Client:
    """The page client of an origin. ``nonce`` is its tag's."""

    origin: str
    nonce: str
    integrity: str

    def needs_hash(self, policy: _Policy) -> bool:
        sources = _list_of(policy, _SCRIPT_LISTS)
        return sources is not None and self._script_sources(sources) == [f"'{self.integrity}'"]

    def rewritten(self, value: bytes) -> bytes:
        """A header's value, in which policies that need no change stay as they are."""
        return ",".join(map(self._rewritten_policy, value.decode("latin-1").split(","))).encode("latin-1")

    def _rewritten_policy(self, text: str) -> str:
        policy = _parsed_policy(text)
        for names, missing in ((_SCRIPT_LISTS, self._script_sources), (_CONNECT_LISTS, self._channel_sources)):
            sources = _list_of(policy, names)
            if sources is not None and (added := missing(sources)):
                text = _with_directive(text, names[0], [*(s for s in sources if s.lower() != "'none'"), *added])
        return text

    def _script_sources(self, sources: list[str]) -> list[str]:
        """What a list for scripts lacks."""
        if _allows_self(sources) or (self.nonce and self.nonce in _nonces(sources)):
            return []
        if _has(sources, "'strict-dynamic'"):
            return [f"'{self.integrity}'"]
        return [self._source(SCRIPT_PATH)]

    def _channel_sources(self, sources: list[str]) -> list[str]:
        """What a list for connections lacks."""
        if _has(sources, "'self'", "*"):
            return []
        source = self._source(CHANNEL_PATH)
        if source == "'self'":
            return [source]
        return [source, "wss" + source.removeprefix("https")]

    def _source(self, path: str) -> str:
        """A URL as a source; the whole origin if a source cannot name its host."""
        host = urlsplit(self.origin).hostname or ""
        return self.origin + path if _HOST.fullmatch(host) else "'self'"


def _with_directive(text: str, name: str, sources: list[str]) -> str:
    """A policy in which a directive has these sources. Only the first of a name counts, so a new one goes first."""
    changed = f"{name} {' '.join(sources)}"
    directives = text.split(";")
    for index, directive in enumerate(directives):
        if directive.split()[:1] and directive.split()[0].lower() == name and directive.isascii():
            directives[index] = f" {changed}" if index else changed
            return ";".join(directives)
    return f"{changed};{text}"

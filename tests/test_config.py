"""The settings of a run: the defaults, then the file, then the command line."""

import inspect
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from swproxy import __version__
from swproxy.config import Settings, load_settings, warning_of_old_mitmproxy
from swproxy.errors import InvalidInput
from swproxy.storage.profile import default_directory
from swproxy.workers.limits import Limits

# key -> (as text of TOML, its value); every key of Settings that --set takes.
VALUES: dict[str, tuple[str, Any]] = {
    "profile": ('"/some/where"', "/some/where"),
    "listen_host": ('"::1"', "::1"),
    "listen_port": ("9090", 9090),
    "mode": ('["socks5", "reverse:https://site.test"]', ["socks5", "reverse:https://site.test"]),
    "offline": ("true", True),
    "intercept": ('["a.test", "*.b.test"]', ["a.test", "*.b.test"]),
    "intercept_all": ("true", True),
    "insecure": ("true", True),
    "upstream_ca": ('"ca.pem"', "ca.pem"),
    "allow_insecure_localhost": ("true", True),
    "page_client": ("false", False),
    "remove_native_workers": ("true", True),
    "hard_reload_bypasses": ("false", False),
    "resolve": ('{"site.test:443" = "127.0.0.1:8443"}', {"site.test:443": "127.0.0.1:8443"}),
    "connect_timeout": ("2.5", 2.5),
    "user_agent": ('"Test/1"', "Test/1"),
    "idle_timeout": ("1", 1.0),
    "turn_budget": ("0.5", 0.5),
    "start_timeout": ("2", 2.0),
    "lifecycle_event_timeout": ("3", 3.0),
    "fetch_event_timeout": ("4", 4.0),
    "extended_timeout": ("5", 5.0),
    "memory_limit": ("1_000_000", 1_000_000),
    "quota": ("0x100", 256),
    "internal_frames": ("true", True),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "swproxy.toml"


def settings(*assignments: str, **overrides: Any) -> Settings:
    """Those of a command line."""
    return load_settings(None, overrides, list(assignments))


def refused(*assignments: str, file: Path | None = None, **overrides: Any) -> str:
    """The sentence that a person gets."""
    with pytest.raises(InvalidInput) as caught:
        load_settings(file, overrides, list(assignments))
    return str(caught.value)


def test_the_table_of_this_test_is_complete() -> None:
    """Nobody adds a setting without a line here."""
    assert set(VALUES) | {"options"} == set(Settings.__struct_fields__)


@pytest.mark.parametrize("key", VALUES)
def test_every_key_is_read_from_the_file(key: str, file: Path) -> None:
    """With its type, and no other key changes."""
    text, value = VALUES[key]
    file.write_text(f"{key} = {text}\n")
    assert load_settings(file, {}, []) == msgspec.structs.replace(Settings(), **{key: value})


@pytest.mark.parametrize("key", VALUES)
def test_every_key_is_taken_by_set(key: str) -> None:
    """As in the file; hyphens will do for underscores."""
    text, value = VALUES[key]
    expected = msgspec.structs.replace(Settings(), **{key: value})
    assert settings(f"{key}={text}") == expected
    assert settings(f"{key.replace('_', '-')} = {text}") == expected


def test_the_defaults() -> None:
    """Local, online, verified, and no host is decrypted that has no scope."""
    defaults = load_settings(None, {}, [])
    assert defaults == Settings()
    assert (defaults.listen_host, defaults.listen_port, defaults.mode) == ("127.0.0.1", 8080, ["regular"])
    assert not any((defaults.offline, defaults.insecure, defaults.intercept_all, defaults.intercept))
    assert f"swproxy/{__version__}" in defaults.user_agent


def test_the_command_line_wins_over_the_file(file: Path) -> None:
    """An option over the file, --set over both."""
    file.write_text('listen_port = 1\nlisten_host = "a.test"\nuser_agent = "file"')
    loaded = load_settings(file, {"listen_port": 2, "listen_host": "b.test"}, ["listen_port=3"])
    assert (loaded.listen_port, loaded.listen_host, loaded.user_agent) == (3, "b.test", "file")


def test_an_option_that_was_not_given_changes_nothing(file: Path) -> None:
    """None is not a value."""
    file.write_text("offline = true")
    assert load_settings(file, {"offline": None, "profile": None}, []).offline


def test_set_takes_text_without_quotes() -> None:
    """Shells eat them."""
    assert settings("user_agent=Test/1 (a, b)").user_agent == "Test/1 (a, b)"
    assert settings("listen_host=::1").listen_host == "::1"


@pytest.mark.parametrize("text", ["2024", "2024-05-01", "true", "1.0"])
def test_a_text_may_look_like_something_else(text: str) -> None:
    """A profile can be called 2024."""
    assert settings(f"profile={text}").profile == text


def test_a_value_may_have_an_equals_sign() -> None:
    """The name ends at the first one."""
    assert settings("user_agent=a=b").user_agent == "a=b"


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("1", True), ("false", False), ("0", False)]
)
def test_spellings_of_yes_and_no(text: str, value: bool) -> None:
    """Those of TOML, of Python, and numbers."""
    assert settings(f"offline={text}").offline is value


# Options of mitmproxy


def test_other_names_are_options_of_mitmproxy() -> None:
    """With their value as TOML has it; without a file or with one, where --set wins."""
    assert settings("anticache=true", "body-size-limit=3m").options == {"anticache": True, "body_size_limit": "3m"}


def test_set_adds_to_the_options_of_the_file(file: Path) -> None:
    """It does not replace the table."""
    file.write_text("[options]\nanticache = true\nanticomp = true\n")
    assert load_settings(file, {}, ["anticomp=false"]).options == {"anticache": True, "anticomp": False}


# What is refused


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("listen_port=soon", "Expected `int`, got `str` - at `$.listen_port`"),
        ("turn_budget=soon", "Expected `float`, got `str` - at `$.turn_budget`"),
        ("memory_limit=1.5", "Expected `int`, got `float` - at `$.memory_limit`"),
        ("offline=perhaps", "Expected `bool`, got `str` - at `$.offline`"),
        ("intercept=a.test", "Expected `array`, got `str` - at `$.intercept`"),
        ("intercept=[1]", "Expected `str`, got `int` - at `$.intercept[0]`"),
        ("mode=[]", "mode is empty: without it the proxy listens nowhere"),
        ("listen_port=70000", "Expected `int` <= 65535 - at `$.listen_port`"),
        ("memory_limit=-5", "Expected `int` >= 1 - at `$.memory_limit`"),
        ("quota=0", "Expected `int` >= 1 - at `$.quota`"),
        ("idle_timeout=-1", "Expected `float` >= 0.001 - at `$.idle_timeout`"),
        ("turn_budget=0", "Expected `float` >= 0.001 - at `$.turn_budget`"),
        ("connect_timeout=inf", "Expected `float` <= 1000000000.0 - at `$.connect_timeout`"),
        ("start_timeout=nan", "Expected `float` >= 0.001 - at `$.start_timeout`"),
    ],
)
def test_a_wrong_value_is_named(assignment: str, complaint: str) -> None:
    """One sentence: which key, what it should be, what it is."""
    assert refused(assignment) == f"A setting is not valid: {complaint}."


@pytest.mark.parametrize("pattern", ["http://foo/", "foo:443", "*", "*.", "a.*.test", "a b", "", "b\xfccher.test"])
def test_intercept_takes_what_can_be_a_host(pattern: str) -> None:
    """As it stands in a TLS handshake: another pattern would never match, and nobody would know."""
    assert refused(intercept=[pattern]) == (
        f"A setting is not valid: intercept names hosts, as site.example or *.site.example, which '{pattern}' is not."
    )


@pytest.mark.parametrize("pattern", ["localhost", "*.a.test", "a_b.test", "A.test.", "127.0.0.1", "::1", "[::1]"])
def test_hosts_that_intercept_takes(pattern: str) -> None:
    """Names and addresses."""
    assert settings(intercept=[pattern]).intercept == [pattern]


@pytest.mark.parametrize("key", Settings.__struct_fields__)
def test_every_key_is_documented(key: str) -> None:
    """In the docstring, to which the README sends its readers."""
    assert f"\n    {key}: " in (inspect.getdoc(Settings) or "")


@pytest.mark.parametrize(
    ("entry", "culprit"),
    [
        ("'site.test' = '127.0.0.1:1'", "site.test"),
        ("':443' = '127.0.0.1:1'", ":443"),
        ("'site.test:443' = '127.0.0.1'", "127.0.0.1"),
        ("'site.test:443' = '127.0.0.1:'", "127.0.0.1:"),
        ("'site.test:443' = '127.0.0.1:https'", "127.0.0.1:https"),
        ("'site.test:443' = '127.0.0.1:65536'", "127.0.0.1:65536"),
    ],
)
def test_resolve_wants_ports_on_both_sides(entry: str, culprit: str) -> None:
    """Found at the start: at a request it would be too late to say so."""
    complaint = f"resolve maps 'host:port' to 'address:port', which '{culprit}' is not"
    assert refused(f"resolve={{{entry}}}") == f"A setting is not valid: {complaint}."


def test_resolve_takes_ipv6() -> None:
    """In brackets."""
    assert settings("resolve={'site.test:443' = '[::1]:8443'}").resolve == {"site.test:443": "[::1]:8443"}


@pytest.mark.parametrize("assignment", ["offline", "listen_port 9090", ""])
def test_set_wants_an_equals_sign(assignment: str) -> None:
    """The sentence shows what was given."""
    assert refused(assignment) == f"--set takes name=value, not '{assignment}'."


def test_the_file_is_named_with_its_wrong_value(file: Path) -> None:
    """There may be several files."""
    file.write_text('listen_port = "soon"')
    assert refused(file=file) == (
        f"A setting in {file} is not valid: Expected `int`, got `str` - at `$.listen_port`."
    )


def test_an_unknown_key_in_the_file_is_refused(file: Path) -> None:
    """It is a typing error: options of mitmproxy have a table of their own."""
    file.write_text("ofline = true")
    message = refused(file=file)
    assert message == f"A setting in {file} is not valid: Object contains unknown field `ofline`."


@pytest.mark.parametrize("value", ["5", '"ab"', "[1]", "true"])
def test_options_that_are_no_table(value: str, file: Path) -> None:
    """As any other wrong type."""
    file.write_text(f"options = {value}")
    assert "Expected `object`, got" in refused(file=file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Its name, and what the system says."""
    path = tmp_path / "missing.toml"
    assert refused(file=path) == f"Cannot read {path}: No such file or directory."


def test_a_file_that_is_a_directory(tmp_path: Path) -> None:
    """The same."""
    assert refused(file=tmp_path) == f"Cannot read {tmp_path}: Is a directory."


@pytest.mark.parametrize("content", [b"offline = ", b"offline = true\noffline = true", b"\xff\xfe"])
def test_a_file_that_is_not_toml(content: bytes, file: Path) -> None:
    """Also if it is not even text."""
    file.write_bytes(content)
    assert refused(file=file).startswith(f"{file} is not valid TOML: ")


# What is made of them


def test_a_profile_is_an_absolute_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With ~ as shells have it; none is the default one."""
    monkeypatch.setenv("HOME", "/Users/me")
    monkeypatch.chdir(tmp_path)
    assert Settings(profile="~/sw").profile_directory() == Path("/Users/me/sw")
    assert Settings(profile="sw").profile_directory() == tmp_path / "sw"
    assert Settings().profile_directory() == default_directory()


def test_the_limits_of_workers() -> None:
    """Each setting arrives at the limit that it names."""
    assert Settings(
        idle_timeout=1,
        turn_budget=2,
        start_timeout=3,
        lifecycle_event_timeout=4,
        fetch_event_timeout=5,
        extended_timeout=6,
        memory_limit=7,
        quota=8,
    ).limits() == Limits(idle=1, turn=2, start=3, lifecycle_event=4, fetch_event=5, extended=6, memory=7, quota=8)


@pytest.mark.parametrize("version", [(3, 12, 0), (3, 13, 1), (4, 0, 0)])
def test_new_interpreters_need_no_warning(version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Their mitmproxy has no known holes."""
    monkeypatch.setattr(sys, "version_info", version)
    assert warning_of_old_mitmproxy() is None


def test_an_old_interpreter_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the matter is, and what to do."""
    monkeypatch.setattr(sys, "version_info", (3, 11, 9))
    warning = warning_of_old_mitmproxy()
    assert warning is not None
    assert "mitmproxy is 11.0.2" in warning
    assert "use Python 3.12 or newer" in warning

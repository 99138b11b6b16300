"""What is set for single origins."""

import json
from pathlib import Path

import pytest
from disks import fill

from swproxy.errors import InvalidInput, ProfileError
from swproxy.storage.origin_settings import (
    BYPASS_FOR_NETWORK,
    DEFAULTS,
    PAGE_CLIENT,
    UPDATE_ON_RELOAD,
    OriginSettings,
)

A, B = "https://a.test", "https://b.test"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "origins.json"


def test_the_defaults(path: Path) -> None:
    """Hold for every origin, and there is no file."""
    settings = OriginSettings(path)
    assert {name: settings.get(name, A) for name in DEFAULTS} == DEFAULTS
    assert settings.all() == {}
    assert not path.exists()


def test_what_is_set_survives(path: Path) -> None:
    """For that origin, and no other."""
    settings = OriginSettings(path)
    settings.set(UPDATE_ON_RELOAD, B, True)
    settings.set(PAGE_CLIENT, A, False)
    settings.set(BYPASS_FOR_NETWORK, A, True)
    for each in (settings, OriginSettings(path)):
        assert each.all() == {A: {PAGE_CLIENT: False, BYPASS_FOR_NETWORK: True}, B: {UPDATE_ON_RELOAD: True}}
        assert (each.get(PAGE_CLIENT, A), each.get(PAGE_CLIENT, B)) == (False, True)
    assert [file.name for file in path.parent.iterdir()] == ["origins.json"]


def test_what_is_as_the_default_is_not_kept(path: Path) -> None:
    """Nothing is left of an origin that has had something else."""
    settings = OriginSettings(path)
    for value in (False, True):
        settings.set(PAGE_CLIENT, A, value)
    settings.set(UPDATE_ON_RELOAD, B, False)
    assert settings.all() == {}
    assert json.loads(path.read_text()) == {}


def test_an_unknown_name(path: Path) -> None:
    """The sentence says which there are."""
    with pytest.raises(
        InvalidInput, match=r"^There is no setting 'x': it is one of update-on-reload, bypass-for-net"
    ):
        OriginSettings(path).set("x", A, True)


def test_a_name_of_another_version(path: Path) -> None:
    """Stays as it is."""
    path.write_text('{"https://a.test": {"later": true}}')
    settings = OriginSettings(path)
    settings.set(PAGE_CLIENT, A, False)
    assert OriginSettings(path).all() == {A: {"later": True, PAGE_CLIENT: False}}


@pytest.mark.parametrize("text", ["", "[]", '{"https://a.test": 1}', "\xff"])
def test_a_damaged_file(path: Path, text: str) -> None:
    """Is named, with what to do."""
    path.write_text(text, "latin-1")
    with pytest.raises(ProfileError, match=r"^Cannot read .*origins\.json \(.*\): remove it, and set again"):
        OriginSettings(path)


def test_a_full_disk(small_disk: Path) -> None:
    """Nothing has changed then, in the file neither."""
    path = small_disk / "origins.json"
    settings = OriginSettings(path)
    settings.set(PAGE_CLIENT, A, False)
    fill(small_disk)
    with pytest.raises(ProfileError, match="free some space"):
        settings.set(BYPASS_FOR_NETWORK, "https://" + "a" * 5000 + ".test", True)
    for each in (settings, OriginSettings(path)):
        assert each.all() == {A: {PAGE_CLIENT: False}}

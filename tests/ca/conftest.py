"""A machine, and the CA of a profile."""

from pathlib import Path

import pytest
from trust_machine import foreign_certificate, new_authority, new_machine

from swproxy.ca.authority import Authority
from swproxy.ca.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return new_machine(tmp_path)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return new_authority(tmp_path / "ca")


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """The certificate of a CA that is not ours."""
    return foreign_certificate(tmp_path / "foreign.pem")

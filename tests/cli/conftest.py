"""The program from outside."""

from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import CommandLine
from proxy_process import ProxyProcess


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """On the profile that ``running`` has."""
    return CommandLine(tmp_path / "profile")


@pytest.fixture
def running(start_proxy: Callable[..., ProxyProcess]) -> ProxyProcess:
    """A proxy."""
    return start_proxy()

"""Fixtures of all tests."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Helpers beside the tests, and the PKI beside the package, are imported by name.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import helpers  # noqa: E402


@pytest.fixture
def run_js(tmp_path: Path) -> Callable[..., Any]:
    """Runs the body of an async function in a worker; returns what it returns."""
    return lambda body, **options: helpers.evaluate(tmp_path, body, **options)

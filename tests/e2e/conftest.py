"""The whole program between real clients and a real origin."""

from collections.abc import Callable

import pytest
from proxy_process import ProxyProcess


@pytest.fixture
def proxy(start_proxy: Callable[..., ProxyProcess]) -> ProxyProcess:
    return start_proxy()

"""What the runtime is made of: where it starts, what is loaded when, and which folder may call which operation."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from swproxy.web.cache import ops as cache_ops
from swproxy.web.clients import ops as clients_ops
from swproxy.web.console import ops as console_ops
from swproxy.web.fetch import ops as fetch_ops
from swproxy.web.html import ops as html_ops
from swproxy.web.service_worker import ops as service_worker_ops
from swproxy.web.timers import ops as timers_ops
from swproxy.web.url import ops as url_ops

# Loads everything that every worker has.
ENTRY = "html/global.js"

# folder -> the modules whose operations its scripts may call
GRANTS: dict[str, tuple[Any, ...]] = {
    "cache": (cache_ops,),
    "clients": (clients_ops,),
    "fetch": (fetch_ops,),
    "html": (html_ops, console_ops),
    "service_worker": (service_worker_ops,),
    "timers": (timers_ops,),
    "url": (url_ops,),
}

# Interfaces that few workers use: the global loads the file when it is first read.
LAZY = {
    "AbortController": "abort/abort_signal.js",
    "AbortSignal": "abort/abort_signal.js",
    "CustomEvent": "events/custom_event.js",
    "ErrorEvent": "events/error_event.js",
    "PromiseRejectionEvent": "events/promise_rejection_event.js",
}


def functions() -> dict[str, Callable[..., Any]]:
    """All operations by name."""
    return {
        name: function
        for modules in GRANTS.values()
        for module in modules
        for name, function in vars(module).items()
        if name.startswith("op_")
    }


@cache
def operations(folder: str) -> dict[str, int]:
    """The operations that the scripts of a folder may call, with their number of arguments."""
    return {
        name: len(inspect.signature(function).parameters) - 1
        for module in GRANTS.get(folder, ())
        for name, function in vars(module).items()
        if name.startswith("op_")
    }

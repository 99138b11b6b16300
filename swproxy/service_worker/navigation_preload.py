"""https://w3c.github.io/ServiceWorker/#navigation-preload-manager"""

import re
from typing import Any

from swproxy.errors import InvalidInput, InvalidStateError
from swproxy.service_worker.registration import ServiceWorkerRegistration

# https://fetch.spec.whatwg.org/#header-value, each character a byte; what is to be trimmed is no part of it.
_HEADER_VALUE = re.compile(r"(?![\t ])[^\0\r\n\u0100-\U0010ffff]*(?<![\t ])")


def manage_navigation_preload(
    registration: ServiceWorkerRegistration, operation: str, value: object = None
) -> dict[str, Any] | None:
    """What the promise of a NavigationPreloadManager's method is fulfilled with.

    Args:
        operation: "enable", "disable", "set" (setHeaderValue) or "state" (getState).
        value: the header value, normalized, for "set".

    Raises:
        InvalidStateError: there is no active worker.
        InvalidInput: the value is no header value, or there is no such operation.
    """
    if operation == "state":
        return {
            "enabled": registration.navigation_preload_enabled,
            "headerValue": registration.navigation_preload_header_value,
        }
    if operation == "set" and not (isinstance(value, str) and _HEADER_VALUE.fullmatch(value)):
        raise InvalidInput("What was given to setHeaderValue() is not a valid HTTP header value.")
    if registration.active is None:
        raise InvalidStateError("The registration has no active worker.")
    match operation:
        case "enable" | "disable":
            registration.navigation_preload_enabled = operation == "enable"
        case "set":
            registration.navigation_preload_header_value = str(value)
        case _:
            raise InvalidInput(f"there is no {operation}")
    return None

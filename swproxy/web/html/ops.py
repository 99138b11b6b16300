"""The host half of the HTML parts of a worker's global scope (https://html.spec.whatwg.org/#workers)."""

import base64
import os
from typing import Any

from swproxy.errors import ScriptError
from swproxy.realm.engine import EngineBusy
from swproxy.web import manifest
from swproxy.web.infra.forgiving_base64 import forgiving_base64_decode


def op_lazy_interfaces(realm: Any) -> dict[str, str]:
    return manifest.LAZY


def op_import_script(realm: Any, url: str) -> dict[str, Any]:
    """Runs a script for importScripts().

    What came of it is in ``state``: "done"; "threw", with its ``text``; or "busy": promise jobs are running, and
    the engine does not run the script from here, so that the caller has to evaluate the ``text``.
    """
    source = realm.script(url)
    try:
        rejection = realm.engine.evaluate(source, url)
    except EngineBusy:
        return {"state": "busy", "text": source}
    except ScriptError as error:
        return {"state": "threw", "text": error.message}
    if rejection is not None:
        realm.report_later("rejection", rejection)
    return {"state": "done", "text": ""}


def op_atob(realm: Any, data: str) -> str | None:
    """The bytes as characters, None for failure."""
    decoded = forgiving_base64_decode(data)
    return None if decoded is None else decoded.decode("latin-1")


def op_btoa(realm: Any, data: str) -> str:
    return base64.b64encode(data.encode("latin-1")).decode()


def op_navigator(realm: Any) -> dict[str, Any]:
    return {
        "userAgent": realm.start.user_agent,
        "appVersion": realm.start.user_agent.removeprefix("Mozilla/"),
        "platform": "Linux x86_64",
        "languages": ["en-US", "en"],
        "hardwareConcurrency": os.cpu_count() or 1,
    }

"""Gives the engine the JavaScript under ``swproxy/web``.

The files are ES modules. The engine links ES modules only from outside of a running script, but rare parts of
the platform are loaded at their first use, from within one; so each file becomes a function of the modules
that it imports, in the same lines. What a file may write:

- ``import { a, b as c } from "../fetch/body.js"``: names only, at the top;
- ``import { op_x } from "host:ops"``: host functions, those that ``manifest.py`` grants to the folder;
- ``export`` before a function, class or const declaration;
- ``load("../fetch/body.js")``: the module's exports, loaded now if they are not yet there.
"""

import posixpath
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from swproxy.realm.engine import RUNTIME_LINE, Engine, Operation
from swproxy.web import manifest

WEB = Path(manifest.__file__).parent

_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|class|const) +(\w+))", re.MULTILINE)
_LOAD = re.compile(r'\bload\("([^"]+)"\)')
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class RuntimeSourceError(Exception):
    """A file under ``web`` is not written in the form described above."""


@cache
def module_source(path: str) -> str:
    """The file ``path`` (relative to ``web``) as an expression: a function from (load, host) to its exports."""
    source = (WEB / path).read_text("utf-8")
    folder = posixpath.dirname(path)
    granted = manifest.operations(folder)

    def absolute(specifier: str) -> str:
        if not specifier.startswith("."):
            raise RuntimeSourceError(f"{path}: cannot import {specifier!r}")
        return posixpath.normpath(posixpath.join(folder, specifier))

    def binding(name: str) -> str:
        parameters = ", ".join(f"a{number}" for number in range(granted[name]))
        arguments = ", ".join([f'"{name}"', parameters] if parameters else [f'"{name}"'])
        return f"const {name} = ({parameters}) => host({arguments});"

    def imported(match: re.Match[str]) -> str:
        names = match[1].replace(" as ", ": ")
        if match[2] == "host:ops":
            wanted = [name.strip() for name in match[1].split(",") if name.strip()]
            if missing := [name for name in wanted if name not in granted]:
                raise RuntimeSourceError(f"{path}: the manifest does not grant {', '.join(missing)} to {folder}/")
            return "".join(map(binding, wanted)) + "\n" * match[0].count("\n")
        if match[2] == "swproxy:bootstrap":
            return f'const {{{names}}} = load("{match[2]}");'
        return f'const {{{names}}} = load("{absolute(match[2])}");'

    exports = [match[2] for match in _EXPORT.finditer(source)]
    body = _LOAD.sub(lambda match: f'load("{absolute(match[1])}")', source)
    body = _EXPORT.sub(r"\1", _IMPORT.sub(imported, body))
    if bad := _LEFT_OVER.search(body):
        raise RuntimeSourceError(f"{path}: {bad[0]}")
    return f'(function (load, host) {{ "use strict"; {body}\nreturn {{ {", ".join(exports)} }}; }})'


class WebRuntime:
    """The platform in one engine."""

    def __init__(self, operations: dict[str, Operation], *, internal_frames: bool = False) -> None:
        self._next_line = RUNTIME_LINE
        operations = {**operations, "op_runtime_source": self._source}
        self.engine = Engine(operations, internal_frames=internal_frames)
        self.engine.turn({"kind": "load", "path": manifest.ENTRY})

    def _source(self, path: str) -> dict[str, Any]:
        source = module_source(path)
        line = self._next_line
        self._next_line += source.count("\n") + 2
        return {"source": source, "line": line}


def bind(realm: object, functions: Iterable[Callable[..., Any]]) -> dict[str, Operation]:
    """The host functions by name, with their first parameter, the realm, filled in."""

    def bound(function: Callable[..., Any]) -> Operation:
        return lambda *values: function(realm, *values)

    return {function.__name__: bound(function) for function in functions}

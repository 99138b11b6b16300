"""The page client's script: the modules under ``script``, made into one classic script.

The modules import names only, at the top, with the braces that the formatter writes; all their top-level names are
different. So they need nothing but to stand in the right order within one function.
"""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import brotli

_SCRIPTS = Path(__file__).parent / "script"
_ENTRY = "main.js"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class ScriptSourceError(Exception):
    """A module is not written in the form described above."""


@dataclass(frozen=True, slots=True)
class Script:
    """The script as it is served.

    Attributes:
        body: UTF-8.
        encoded: the same in each content coding that it is served with, the shortest first.
        version: of its contents: letters and digits.
        integrity: ``sha256-`` and base64.
    """

    body: bytes
    encoded: dict[str, bytes]
    version: str
    integrity: str


@cache
def page_script() -> Script:
    """Put together at the first use."""
    body = _bundle().encode()
    digest = hashlib.sha256(body).digest()
    encoded = {"br": brotli.compress(body), "gzip": gzip.compress(body, 9, mtime=0)}
    return Script(body, encoded, digest.hex()[:16], f"sha256-{base64.b64encode(digest).decode()}")


def _bundle() -> str:
    sources: dict[str, str] = {}

    def add(name: str) -> None:
        if name in sources:
            return
        source = (_SCRIPTS / name).read_text("utf-8")
        sources[name] = ""  # an import in a circle finds what is there when it runs
        for needed in _IMPORT.findall(source):
            add(needed)
        del sources[name]
        sources[name] = _EXPORT.sub("", _IMPORT.sub("", source))
        if bad := _LEFT_OVER.search(sources[name]):
            raise ScriptSourceError(f"{name}: {bad[0]}")

    add(_ENTRY)
    return f'(() => {{\n"use strict";\n{_without_comments("".join(sources.values()))}}})();\n'


def _without_comments(source: str) -> str:
    """Without comments and indentation: what need not travel. A comment after code must have no quotation marks."""
    source = re.sub(r"^\s*/\*\*.*?\*/\n", "", source, flags=re.MULTILINE | re.DOTALL)
    source = re.sub(r"(?<=\S)[ ]+//[ ][^\"'`\n]*$", "", source, flags=re.MULTILINE)
    lines = (line.strip() for line in source.split("\n"))
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"

"""The project's own JavaScript: its format, what the linter says, and the rules of swproxy/web/README.md.

What a file may import, and which operations it may call, is tested in realm/test_runtime.py.
"""

import ast
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from swproxy.web import manifest

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
WEB = ROOT / "swproxy" / "web"
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (*(ROOT / "swproxy" / name for name in ("web", "demo", "page_client")), TESTS)
    for path in folder.rglob("*")
    if path.suffix in (".js", ".mjs") and "node_modules" not in path.parts
)
RUNTIME = {path.relative_to(WEB).as_posix(): path.read_text("utf-8") for path in sorted(WEB.rglob("*.js"))}

# Where the built-in functions are taken, before any script of a site runs.
TAKES_BUILT_INS = {"infra/bootstrap.js", "infra/primordials.js"}
BUILT_INS = [
    *("Array", "ArrayBuffer", "AsyncDisposableStack", "AsyncIterator", "Atomics", "BigInt", "BigInt64Array"),
    *("BigUint64Array", "Boolean", "DOMException", "DataView", "Date", "DisposableStack", "Error", "EvalError"),
    *("FinalizationRegistry", "Float16Array", "Float32Array", "Float64Array", "Function", "Int16Array", "Int32Array"),
    *("Int8Array", "InternalError", "Iterator", "JSON", "Map", "Math", "Number", "Object", "Promise", "Proxy"),
    *("RangeError", "ReferenceError", "Reflect", "RegExp", "Set", "SharedArrayBuffer", "String", "SuppressedError"),
    *("Symbol", "SyntaxError", "TypeError", "URIError", "Uint16Array", "Uint32Array", "Uint8Array"),
    *("Uint8ClampedArray", "WeakMap", "WeakRef", "WeakSet"),
    *("decodeURI", "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "eval", "isFinite", "isNaN"),
    *("parseFloat", "parseInt", "unescape"),
]
# What other files take from the global object themselves.
BUILT_INS_ELSEWHERE: dict[str, set[str]] = {
    # Is there before global.js takes it away.
    "webidl/types.js": {"SharedArrayBuffer"},
    # Puts its own in the place of the engine's, before any script of a site runs.
    "html/worker_global_scope.js": {"FinalizationRegistry"},
}
# All of these ask for Symbol.iterator, which a site can replace.
ITERATES = {
    "ForOfStatement": "for...of",
    "ArrayPattern": "array destructuring",
    "ArrayExpression > SpreadElement": "spread in an array",
    "CallExpression > SpreadElement": "spread in a call",
    "NewExpression > SpreadElement": "spread in a call",
    "YieldExpression[delegate=true]": "yield*",
}


def run_tool(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs what npm has installed under tests; node is on the PATH, or in the virtual environment."""
    path = f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}"
    return subprocess.run(
        [str(TESTS / "node_modules" / ".bin" / name), *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_format() -> None:
    """All files are as prettier writes them."""
    result = run_tool("prettier", "--check", "--config", str(TESTS / ".prettierrc.json"), *FILES)
    assert result.returncode == 0, result.stdout + result.stderr


def test_lint() -> None:
    """eslint finds nothing."""
    result = run_tool("eslint", "--config", str(TESTS / "eslint.config.js"), "--max-warnings=0", *FILES)
    assert result.returncode == 0, result.stdout + result.stderr


@cache
def lint_runtime() -> dict[str, list[dict[str, Any]]]:
    """What files of the runtime use of what they should not: file -> messages of the linter."""
    rules = {
        "no-restricted-globals": ["error", *BUILT_INS],
        "no-restricted-syntax": ["error", *({"selector": key, "message": text} for key, text in ITERATES.items())],
    }
    result = run_tool(
        "eslint",
        *("--config", str(TESTS / "eslint.config.js"), "--format", "json"),
        *("--rule", json.dumps(rules), "swproxy/web"),
    )
    assert result.stdout, result.stderr
    files = json.loads(result.stdout)
    found = {Path(file["filePath"]).relative_to(WEB).as_posix(): file["messages"] for file in files}
    assert found.keys() == RUNTIME.keys()
    return found


def broken(rule: str) -> dict[str, list[dict[str, Any]]]:
    """The files that break a rule, with the messages."""
    found = {file: [one for one in messages if one["ruleId"] == rule] for file, messages in lint_runtime().items()}
    return {file: messages for file, messages in found.items() if messages}


def test_built_ins_come_from_primordials() -> None:
    """A site that replaces a built-in function breaks itself and not the runtime."""
    found: dict[str, set[str]] = {}
    for file, messages in broken("no-restricted-globals").items():
        if file not in TAKES_BUILT_INS:
            found[file] = {message["message"].split("'")[1] for message in messages}
    assert found == BUILT_INS_ELSEWHERE


def test_nothing_asks_for_iterators() -> None:
    """Neither for...of nor spread nor array destructuring."""
    found = [
        f"{file}:{message['line']}: {message['message']}"
        for file, messages in broken("no-restricted-syntax").items()
        for message in messages
    ]
    assert found == []


def test_imports_have_no_cycle() -> None:
    """A cycle of imports does not work: one of the files would see the other half-made."""
    pattern = re.compile(r'^import \{[^}]*\} from "(\.[^"]+)";', re.MULTILINE)
    graph = {
        file: [os.path.normpath(Path(file).parent / specifier) for specifier in pattern.findall(source)]
        for file, source in RUNTIME.items()
    }
    finished: set[str] = set()

    def visit(file: str, way: list[str]) -> None:
        assert file not in way, " > ".join([*way, file])
        if file not in finished:
            for imported in graph[file]:
                visit(imported, [*way, file])
            finished.add(file)

    for file in graph:
        visit(file, [])
    assert finished == set(RUNTIME)


def test_every_operation_is_granted() -> None:
    """A host function that no folder may call is dead."""
    defined = {
        node.name
        for path in WEB.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("op_")
    }
    assert defined == manifest.functions().keys()


@pytest.mark.parametrize("folder", sorted({file.partition("/")[0] for file in RUNTIME} & manifest.GRANTS.keys()))
def test_each_grant_is_used(folder: str) -> None:
    """Of each module that is granted to a folder, its own or another's, the folder's scripts call something."""
    sources = "".join(source for file, source in RUNTIME.items() if file.startswith(f"{folder}/"))
    for module in manifest.GRANTS[folder]:
        names = [name for name in vars(module) if name.startswith("op_")]
        assert any(re.search(rf"\b{name}\b", sources) for name in names), module.__name__


def test_grants_name_folders_with_scripts() -> None:
    """What has no scripts calls nothing."""
    assert manifest.GRANTS.keys() <= {file.partition("/")[0] for file in RUNTIME}

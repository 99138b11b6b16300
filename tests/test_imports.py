"""Who may import what: the rules of the design, as one table."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# package (or module) of swproxy -> what it may import besides itself and the standard library: packages, modules or
# names of swproxy, and libraries. The longest name that fits a module is the one that counts.
ALLOWED: dict[str, set[str]] = {
    # The model and what all speak: pure.
    "errors": set(),
    "service_worker": {"errors", "ipc.messages", "msgspec"},
    "ipc.messages": {"errors", "service_worker", "msgspec"},
    "ipc": {"errors", "msgspec"},
    # What the proxy process has.
    "storage": {"errors", "service_worker", "msgspec", "platformdirs"},
    "storage.cache_storage": {"errors", "storage", "msgspec", "diskcache"},
    "network": {
        "errors",
        "ipc.messages",
        "service_worker",
        "storage.bodies",
        "ada_url",
        "aiohttp",
        "certifi",
        "msgspec",
        "publicsuffixlist",
        "yarl",
    },
    "ca": {"errors", "storage.profile", "cryptography"},
    "config": {"errors", "storage.profile", "workers.limits", "msgspec"},
    "workers": {"config", "errors", "ipc", "network", "service_worker", "storage", "ada_url", "msgspec"},
    "pages": {"errors", "ipc", "network", "service_worker", "storage", "workers", "ada_url", "aiohttp", "msgspec"},
    "status": {"service_worker", "workers"},
    "context": {"config", "errors", "network", "pages", "service_worker", "status", "storage", "workers", "ada_url"},
    "page_client": {"errors", "backports", "brotli", "compression", "webencodings"},
    "control": {"context", "errors", "service_worker", "storage.profile", "ada_url", "aiohttp", "msgspec"},
    "proxy": {"context", "errors", "page_client", "service_worker", "ada_url", "aiohttp", "mitmproxy"},
    # What a worker process has.
    "realm": {"errors", "ipc", "storage", "web.manifest", "ada_url", "dukpy", "msgspec"},
    "web": {
        *("errors", "ipc.messages", "realm", "network.cors", "network.integrity"),
        *("ada_url", "brotli", "cryptography", "msgspec", "webencodings"),
        # The stores come as handles of the realm. These are kinds of bodies and records, and the type of a handle.
        "storage.bodies",
        *(f"storage.cache_storage.{name}" for name in ("Entry", "Put", "Query", "StoredRequest", "StoredResponse")),
        "storage.cache_storage.RequestResponseList",
        # The worker has its databases open itself.
        "storage.indexeddb",
    },
    # The leaves.
    "demo": {"ca.leaf", "aiohttp"},
    "cli": {
        *("ca", "config", "control.client", "demo", "errors", "proxy.run", "service_worker", "storage"),
        *("ada_url", "click", "rich"),
    },
}

# What the design does not say, or not yet: "proxy imports context and the model", and it also starts the proxy
# (run.py, stock.py) and moves bodies. An entry that is not needed any more has to go.
BEYOND_THE_DESIGN: dict[str, set[str]] = {
    "proxy": {
        *(
            "ca.authority",
            "config",
            "control.server",
            "ipc.messages",
            "network.cors",
            "network.live_body",
            "network.resolver",
            "network.wire",
        ),
        *("network.trust", "storage.bodies", "storage.profile", "workers.dispatcher"),
    },
}

# library -> the only package or module that imports it
EXCLUSIVE = {"mitmproxy": "proxy", "dukpy": "realm", "diskcache": "storage.cache_storage"}

PURE = ("errors", "service_worker", "ipc.messages")
# The driver passes time and results in.
IMPURE = {
    *("_thread", "asyncio", "concurrent", "ctypes", "datetime", "http", "io", "logging", "mmap", "multiprocessing"),
    *("os", "pathlib", "random", "sched", "select", "selectors", "shutil", "signal", "socket", "socketserver"),
    *("sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request"),
}

# module -> what must not even come along with it
NEVER: dict[str, set[str]] = {
    "realm.main": {"proxy", "context", "control", "cli", "network.fetcher", "mitmproxy", "aiohttp"},
    "realm.fork_server": {"proxy", "context", "control", "cli", "network.fetcher", "mitmproxy", "aiohttp"},
    "web.manifest": {"proxy", "context", "control", "cli", "network.fetcher", "mitmproxy", "aiohttp"},
    "proxy.run": {"realm", "web", "cli", "dukpy"},
    "proxy.stock": {"realm", "web", "cli", "dukpy"},
}


def module_name(path: Path) -> str:
    """``swproxy/a/b.py`` as ``a.b``, ``swproxy/a/__init__.py`` as ``a``."""
    parts = path.relative_to(ROOT / "swproxy").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "swproxy").rglob("*.py"))}


@cache
def imports(path: Path) -> list[str]:
    """All names that a file imports, also within functions; those of swproxy without ``swproxy.``."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name.removeprefix("swproxy.") for name in found]


def within(name: str, package: str) -> bool:
    """Whether a dotted name is the package or something in it."""
    return name == package or name.startswith(f"{package}.")


def is_ours_or_a_library(name: str) -> bool:
    return name != "__version__" and name.partition(".")[0] not in sys.stdlib_module_names


def rule_for(module: str) -> str | None:
    return max((package for package in ALLOWED if within(module, package)), key=len, default=None)


def forbidden(module: str, rules: dict[str, set[str]]) -> Iterator[str]:
    package = rule_for(module)
    assert package is not None
    for name in imports(MODULES[module]):
        if not is_ours_or_a_library(name) or within(name, package):
            continue
        if not any(within(name, allowed) for allowed in rules[package]):
            yield name


# "" is swproxy/__init__.py, which has only the version.
@pytest.mark.parametrize("module", [module for module in MODULES if module])
def test_imports_only_what_is_allowed(module: str) -> None:
    """Each module has a row in the table, and imports nothing else."""
    assert rule_for(module) is not None, "the table has no row for it"
    rules = {package: names | BEYOND_THE_DESIGN.get(package, set()) for package, names in ALLOWED.items()}
    assert list(forbidden(module, rules)) == []


def test_the_table_allows_no_more_than_is_used() -> None:
    """Libraries, and what is beyond the design: an entry goes with its last import."""
    for package, allowed in ALLOWED.items():
        modules = [module for module in MODULES if module and rule_for(module) == package]
        assert modules, package
        used = [name for module in modules for name in imports(MODULES[module])]
        ours = {name.partition(".")[0] for name in MODULES}
        libraries = {name for name in allowed if name.partition(".")[0] not in ours}
        if package in PURE:
            libraries.discard("msgspec")  # allowed to each of them, whoever needs it
        for entry in libraries | BEYOND_THE_DESIGN.get(package, set()):
            assert any(within(name, entry) for name in used), (package, entry)


@pytest.mark.parametrize("library", EXCLUSIVE)
def test_one_importer(library: str) -> None:
    """Some libraries have one place in the whole project."""
    importers = {module for module, path in MODULES.items() if any(within(name, library) for name in imports(path))}
    assert importers
    assert [module for module in importers if not within(module, EXCLUSIVE[library])] == []


@pytest.mark.parametrize("package", PURE)
def test_the_model_is_pure(package: str) -> None:
    """No I/O, no event loop, and no clock of its own."""
    for module, path in MODULES.items():
        if within(module, package):
            impure = [name for name in imports(path) if any(within(name, library) for library in IMPURE)]
            assert impure == [], module


def test_who_imports_proxy_and_cli() -> None:
    """``proxy`` only ``cli``, and ``cli`` nobody. The addon for stock mitmproxy composes and does nothing else."""
    for package, importers in (("proxy", ("proxy", "cli")), ("cli", ("cli",))):
        for module, path in MODULES.items():
            if any(within(name, package) for name in imports(path)):
                assert any(within(module, importer) for importer in importers), module
    for path in (ROOT / "addons").glob("*.py"):
        assert all(within(name, "proxy") for name in imports(path)), path.name


@pytest.mark.parametrize("start", NEVER)
def test_what_must_not_come_along(start: str) -> None:
    """A worker process never loads the proxy's libraries, and the proxy process has no JavaScript engine."""
    reached: dict[str, str] = {}
    waiting = [(start, start)]
    while waiting:
        name, way = waiting.pop()
        # "a.b.C" loads a, a.b and, if that is a module, a.b.C.
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            part = ".".join(parts[:end])
            if part in reached or not is_ours_or_a_library(part):
                continue
            reached[part] = way
            if part in MODULES:
                waiting += [(imported, f"{way} > {part}") for imported in imports(MODULES[part])]
    assert {name: reached[name] for name in NEVER[start] if name in reached} == {}


def test_names_that_say_nothing() -> None:
    """No module is called after being used."""
    empty = {"common", "handler", "handlers", "helper", "helpers", "misc", "util", "utils"}
    names = [
        path for path in (ROOT / "swproxy").rglob("*") if path.suffix in (".py", ".js", "") and path.stem in empty
    ]
    assert names == []

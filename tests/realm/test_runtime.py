"""How the files under ``web`` become what the engine runs."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swproxy.realm import runtime
from swproxy.realm.runtime import RuntimeSourceError, WebRuntime, bind, module_source
from swproxy.web import manifest

JAVASCRIPT = sorted(path.relative_to(runtime.WEB).as_posix() for path in runtime.WEB.rglob("*.js"))
MODULES = [path for path in JAVASCRIPT if path != "infra/bootstrap.js"]

Transform = Callable[[str], str]


@pytest.fixture
def transformed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transform:
    """What becomes of the source of ``folder/file.js``, to which op_none, op_one and op_two are granted."""
    monkeypatch.setattr(runtime, "WEB", tmp_path)
    monkeypatch.setattr(manifest, "operations", lambda folder: {"op_none": 0, "op_one": 1, "op_two": 2})
    (tmp_path / "folder").mkdir()

    def transform(source: str) -> str:
        (tmp_path / "folder" / "file.js").write_text(source)
        return module_source.__wrapped__("folder/file.js")

    return transform


def body(source: str) -> str:
    """A transformed source without what is around every module."""
    found = re.fullmatch(r'\(function \(load, host\) \{ "use strict"; (.*)\nreturn \{ .*\}; \}\)', source, re.DOTALL)
    assert found is not None
    return found[1]


FORMS: list[tuple[str, str, str]] = [
    ("names", 'import { a, b } from "./other.js";', 'const { a, b } = load("folder/other.js");'),
    ("renamed", 'import { a as b } from "../x/y.js";', 'const { a: b } = load("x/y.js");'),
    ("for its effect", 'import {} from "../x/y.js";', 'const {} = load("x/y.js");'),
    ("bootstrap", 'import { z } from "swproxy:bootstrap";', 'const { z } = load("swproxy:bootstrap");'),
    ("load", 'f(load("./other.js").a);', 'f(load("folder/other.js").a);'),
    ("load from above", 'load("../x/../y.js")', 'load("y.js")'),
    ("not load", 'reload("./other.js")', 'reload("./other.js")'),
    ("operation", 'import { op_none } from "host:ops";', 'const op_none = () => host("op_none");'),
    (
        "operations",
        'import { op_one, op_two } from "host:ops";',
        'const op_one = (a0) => host("op_one", a0);const op_two = (a0, a1) => host("op_two", a0, a1);',
    ),
    ("function", "export function f() {}", "function f() {}"),
    ("async function", "export async function f() {}", "async function f() {}"),
    ("generator", "export function* f() {}", "function* f() {}"),
    ("class", "export class C {}", "class C {}"),
    ("const", "export const c = 1;", "const c = 1;"),
    ("text like an import", 'const s = ` import { a } from "x";`;', 'const s = ` import { a } from "x";`;'),
]


@pytest.mark.parametrize(
    ("source", "expected"), [row[1:] for row in FORMS], ids=[row[0].replace(" ", "-") for row in FORMS]
)
def test_forms(transformed: Transform, source: str, expected: str) -> None:
    """What a file may write, and what it means to the engine."""
    assert body(transformed(source)) == expected


def test_lines_stay_where_they_are(transformed: Transform) -> None:
    """Whatever the imports look like, so that stacks show the file's own lines."""
    source = 'import {\n  op_one,\n  op_two,\n} from "host:ops";\nimport {\n  a,\n} from "./x.js";\nmark();\n'
    for text in (source, transformed(source)):
        assert text.split("\n").index("mark();") == 7


def test_exports(transformed: Transform) -> None:
    """All of them, and nothing else, are what the module gives."""
    source = "export const a = 1;\nconst hidden = 2;\nexport class B {}\nexport async function c() {}\n  export;\n"
    assert "\nreturn { a, B, c }; })" in transformed(source)
    assert "return {  }; })" in transformed("")


REFUSED: list[tuple[str, str, str]] = [
    ("default import", 'import x from "./x.js";', 'import x from "./x.js";'),
    ("namespace", 'import * as x from "./x.js";', "import * as x"),
    ("effect only", 'import "./x.js";', 'import "./x.js";'),
    ("single quotes", "import { x } from './x.js';", "import { x }"),
    ("default export", "export default class {}", "export default class {}"),
    ("export list", "const a = 1;\nexport { a };", "export { a };"),
    ("let", "export let a = 1;", "export let a = 1;"),
    ("bare", 'import { x } from "lib";', "cannot import 'lib'"),
    ("URL", 'import { x } from "https://a.test/x.js";', "cannot import 'https://a.test/x.js'"),
    ("bare load", 'load("lib")', "cannot import 'lib'"),
    ("not granted", 'import { op_one, op_other } from "host:ops";', "does not grant op_other to folder/"),
]


@pytest.mark.parametrize(
    ("source", "reason"), [row[1:] for row in REFUSED], ids=[row[0].replace(" ", "-") for row in REFUSED]
)
def test_what_a_file_must_not_write(transformed: Transform, source: str, reason: str) -> None:
    """The error names the file and what is wrong in it."""
    with pytest.raises(RuntimeSourceError) as caught:
        transformed(source)
    assert str(caught.value).startswith("folder/file.js: ")
    assert reason in str(caught.value)


# The real files


@pytest.mark.parametrize("path", MODULES)
def test_every_file_is_well_written(path: str) -> None:
    """Its imports exist, export what is wanted of them, and it calls only what is granted to its folder."""
    module_source(path)
    source = (runtime.WEB / path).read_text()
    for names, specifier in re.findall(r'^import \{([^}]*)\} from "(\.[^"]+)";', source, re.MULTILINE):
        target = (runtime.WEB / path).parent / specifier
        exported = {match[2] for match in runtime._EXPORT.finditer(target.read_text())}
        wanted = {name.partition(" as ")[0].strip() for name in names.split(",") if name.strip()}
        assert wanted <= exported, specifier
    for specifier in runtime._LOAD.findall(source):
        assert ((runtime.WEB / path).parent / specifier).is_file(), specifier


def test_lazy_interfaces_are_where_the_manifest_says() -> None:
    """Each file exists and defines the interface."""
    for name, path in manifest.LAZY.items():
        assert re.search(rf"\b{name}\b", (runtime.WEB / path).read_text()), (name, path)


def test_grants_are_needed() -> None:
    """No folder may call what none of its files calls."""
    for folder in manifest.GRANTS:
        sources = "".join((runtime.WEB / path).read_text() for path in MODULES if path.rpartition("/")[0] == folder)
        idle = [name for name in manifest.operations(folder) if not re.search(rf"\b{name}\b", sources)]
        own = [name for name in idle if manifest.functions()[name].__module__.split(".")[-2] == folder]
        assert own == [], folder


def test_every_operation_takes_the_realm_first() -> None:
    """And what a script sends by position; ``bind`` fills the realm in."""
    for name, function in manifest.functions().items():
        first = next(iter(function.__annotations__))
        assert first == "realm", name


def test_bind() -> None:
    """Each function gets the realm, and no two the same one."""

    def op_first(realm: Any, *values: Any) -> Any:
        return ("first", realm, *values)

    def op_second(realm: Any) -> Any:
        return ("second", realm)

    bound = bind("realm", [op_first, op_second])
    assert bound["op_first"](1, 2) == ("first", "realm", 1, 2)
    assert bound["op_second"]() == ("second", "realm")


def test_a_module_is_loaded_once() -> None:
    """However often, and by whomever, it is imported."""
    asked: list[str] = []

    class Watched(WebRuntime):
        def _source(self, path: str) -> dict[str, Any]:
            asked.append(path)
            return super()._source(path)

    operations = bind(None, manifest.functions().values())
    Watched({**operations, "op_lazy_interfaces": dict})
    assert asked[0] == manifest.ENTRY
    assert len(asked) == len(set(asked))


def test_what_is_rare_is_not_loaded_at_the_start() -> None:
    """No lazy interface comes along with what every worker has."""
    asked: list[str] = []

    class Watched(WebRuntime):
        def _source(self, path: str) -> dict[str, Any]:
            asked.append(path)
            return super()._source(path)

    Watched(bind(None, manifest.functions().values()))
    assert not set(asked) & set(manifest.LAZY.values())

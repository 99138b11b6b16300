"""The page client's script, put together."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import brotli

from swproxy.page_client import bundle
from swproxy.page_client.bundle import page_script

SCRIPTS = Path(bundle.__file__).parent / "script"
# Bytes: what the issue allows.
LIMIT = 20_000


def test_it_is_one_valid_script(tmp_path: Path) -> None:
    """No name is declared twice: the modules share one function."""
    path = tmp_path / "client.js"
    path.write_bytes(page_script().body)
    node = shutil.which("node")
    assert node is not None
    assert subprocess.run([node, "--check", str(path)], capture_output=True, text=True, check=False).stderr == ""


def test_it_is_small() -> None:
    script = page_script()
    assert gzip.decompress(script.encoded["gzip"]) == script.body
    assert brotli.decompress(script.encoded["br"]) == script.body
    assert len(script.encoded["br"]) < LIMIT


def test_its_version_is_of_its_contents() -> None:
    script = page_script()
    assert script.version.isalnum()
    assert script.integrity.startswith("sha256-")
    assert page_script() is script


def test_modules_import_what_there_is() -> None:
    """In one function a name of any module would do."""
    exported: dict[str, set[str]] = {}
    for path in SCRIPTS.glob("*.js"):
        source = path.read_text()
        names = set(re.findall(r"^export (?:async )?(?:function\*?|class|const|let) +(\w+)", source, re.MULTILINE))
        for group in re.findall(r"^export const \{([^}]*)\} =", source, re.MULTILINE):
            names |= set(re.findall(r"(\w+) *(?:,|$)", group.strip()))
        exported[path.name] = names
    for path in SCRIPTS.glob("*.js"):
        for group, module in re.findall(r'^import \{([^}]*)\} from "\./([\w.]+)";', path.read_text(), re.MULTILINE):
            imported = {name.strip() for name in group.split(",") if name.strip()}
            assert imported <= exported[module], (path.name, module, imported - exported[module])

"""``swproxy register`` and ``update``"""

import signal
import subprocess
from pathlib import Path

import pytest
from command_line import CommandLine
from proxy_process import SWPROXY, ProxyProcess
from waiting import until

SCOPE = "https://a.test/"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Of a worker that does nothing."""
    path = tmp_path / "sw.js"
    path.write_text("onfetch = () => {};")
    return path


def test_ctrl_c_says_that_the_proxy_goes_on(line: CommandLine, running: ProxyProcess, script: Path) -> None:
    """The worker that is being installed stays."""
    script.write_text("oninstall = (event) => event.waitUntil(new Promise(() => {}));")

    def installing() -> bool:
        return any(found["workers"] for found in running.status()["registrations"])

    with subprocess.Popen(
        [*SWPROXY, "register", SCOPE, str(script)], env=line.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        until(installing)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == "swproxy: Interrupted; the proxy goes on with it: see `swproxy status`.\n"
    assert process.returncode == 130
    assert installing()


def test_a_script_that_may_be_a_module(line: CommandLine, running: ProxyProcess, tmp_path: Path) -> None:
    """The engine's SyntaxError does not say so."""
    advice = "a script that imports or exports is a module: register it with --type module"
    for number, source in enumerate(("import x from './x.js';", "foo;\nexport{foo}", "import{a as b}from'./x.js'")):
        path = tmp_path / f"{number}.js"
        path.write_text(source)
        assert advice in line.run("register", SCOPE, str(path)).stderr
    for source in ("let important = ;", "import('./x.js'); let x = ;"):
        path.write_text(source)
        failed = line.run("register", SCOPE, str(path)).stderr
        assert "SyntaxError" in failed
        assert advice not in failed


def test_what_fails_leaves_the_old_worker(line: CommandLine, running: ProxyProcess, script: Path) -> None:
    """It is said; a first registration that fails leaves none."""
    script.write_text("throw new Error('oh no')")
    place = f"{SCOPE}sw.js:1:11"
    assert line.run("register", SCOPE, str(script)).stderr == f"swproxy: Error: oh no ({place})\n"
    script.write_text("onfetch = () => {};")
    assert line.run("register", SCOPE, str(script)).returncode == 0
    number = running.status()["registrations"][0]["workers"][0]["id"]
    script.write_text("throw new Error('oh no')")
    done = line.run("update", SCOPE)
    assert done.returncode == 1
    assert done.stderr == f"swproxy: Error: oh no ({place}); worker {number} goes on.\n"


def test_a_rejection_has_no_place(line: CommandLine, running: ProxyProcess, script: Path) -> None:
    """So there is none to print."""
    script.write_text("oninstall = (event) => event.waitUntil(Promise.reject(new Error('no')));")
    assert line.run("register", SCOPE, str(script)).stderr == f"swproxy: Error: no ({SCOPE}sw.js)\n"


def test_localhost_without_tls(line: CommandLine, running: ProxyProcess) -> None:
    """That is a choice, and whose; another host is none."""
    done = line.run("register", "http://localhost/", "http://localhost/sw.js")
    assert done.returncode == 2
    assert "need HTTPS" in done.stderr
    assert "`swproxy run --allow-insecure-localhost`" in done.stderr
    assert "localhost" not in line.run("register", "http://a.test/", "http://a.test/sw.js").stderr

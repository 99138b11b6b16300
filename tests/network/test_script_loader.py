"""Worker scripts, from the network or from files."""

from pathlib import Path
from typing import Any

import pytest
from origin import Origin

from swproxy.errors import InvalidInput, NetworkError
from swproxy.network import script_loader
from swproxy.network.fetcher import Fetcher
from swproxy.network.script_loader import ScriptLoader, local_file, local_script_url
from swproxy.service_worker.effects import FetchScript, ScriptResponse
from swproxy.service_worker.registration import ServiceWorkerRegistration

NOW = 1234.5


class Loader:
    """Loads for the registration of an origin."""

    def __init__(self, fetcher: Fetcher, origin: str, scratch: Path) -> None:
        self._loader = ScriptLoader(fetcher, scratch, now=lambda: NOW)
        self._origin = origin

    async def load(self, url: str, **changes: Any) -> ScriptResponse:
        """``url``: or a path of the origin."""
        values = {"top_level": True, "no_cache": False, "module": False} | changes
        registration = ServiceWorkerRegistration(f"{self._origin}/")
        return await self._loader.load(
            FetchScript(registration, self._origin + url if url.startswith("/") else url, **values)
        )

    async def text(self, url: str, **changes: Any) -> str:
        response = await self.load(url, **changes)
        assert response.error is None
        assert response.resource is not None
        return response.resource.text

    async def failure(self, url: str, **changes: Any) -> str:
        """The error's message."""
        response = await self.load(url, **changes)
        assert response.resource is None
        assert response.time == NOW
        return str(response.error)


@pytest.fixture
def loader(fetcher: Fetcher, origin: Origin, tmp_path: Path) -> Loader:
    return Loader(fetcher, origin.url, tmp_path)


async def test_the_script_of_a_worker(origin: Origin, loader: Loader) -> None:
    """Comes with all that registration has to check, and is asked for as browsers do."""
    origin.route("/sw.js", "code", "Text/JavaScript; charset=utf-8", headers={"Service-Worker-Allowed": "/up"})
    response = await loader.load("/sw.js")
    assert response.error is None
    assert response.resource is not None
    assert (response.resource.body, response.resource.text) == (b"code", "code")
    assert (response.time, response.mime_type, response.service_worker_allowed) == (NOW, "text/javascript", "/up")
    headers = origin.hits[-1].headers
    assert headers["service-worker"] == "script"
    assert headers["sec-fetch-dest"] == "serviceworker"
    assert headers["sec-fetch-mode"] == "same-origin"
    assert {"cache-control", "referer", "cookie"}.isdisjoint(headers)
    await loader.load("/sw.js", no_cache=True)
    assert origin.hits[-1].headers["cache-control"] == "max-age=0"


async def test_an_imported_script(origin: Origin, loader: Loader) -> None:
    """Is asked for as a script, and may redirect."""
    origin.route("/a.js", status=301, headers={"Location": "/b.js"})
    origin.script("/b.js", "code")
    assert await loader.text("/a.js", top_level=False) == "code"
    headers = origin.hits[-1].headers
    assert (headers["sec-fetch-dest"], headers["sec-fetch-mode"]) == ("script", "no-cors")
    assert "service-worker" not in headers


@pytest.mark.parametrize("module", [False, True], ids=["classic", "module"])
async def test_scripts_of_another_origin(origin: Origin, other: Origin, loader: Loader, module: bool) -> None:
    """A classic script needs no leave, a module does; the worker's own script cannot be one."""
    other.script("/lib.js", "code")
    url = f"{other.url}/lib.js"
    if module:
        assert "no Access-Control-Allow-Origin" in await loader.failure(url, top_level=False, module=True)
        other.script("/lib.js", "code", Access_Control_Allow_Origin=origin.url)
    assert await loader.text(url, top_level=False, module=module) == "code"
    assert "is of another origin" in await loader.failure(url, module=module)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("ž✓".encode(), "ž✓"),
        (b"\xef\xbb\xbfcode", "code"),
        (b"\xef\xbb\xbf\xef\xbb\xbfcode", "\ufeffcode"),
        (b"a\xe5\xff", "a\ufffd\ufffd"),
        (b"", ""),
    ],
    ids=["utf-8", "byte-order-mark", "only-the-first-mark", "not-utf-8", "empty"],
)
@pytest.mark.parametrize(
    "charset", ["", "; charset=windows-1252", "; charset=utf-16"], ids=["none", "1252", "utf-16"]
)
async def test_scripts_are_utf_8(origin: Origin, loader: Loader, body: bytes, text: str, charset: str) -> None:
    """Whatever charset the server claims; the bytes are kept as they came, for comparison."""
    origin.route("/sw.js", body, "text/javascript" + charset)
    for top_level in (True, False):
        response = await loader.load("/sw.js", top_level=top_level)
        assert response.resource is not None
        assert (response.resource.body, response.resource.text) == (body, text)


async def test_failures_are_answers(origin: Origin, loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the network does, and whatever is no script, is told and not raised."""
    origin.route("/redirect.js", status=302, headers={"Location": "/sw.js"})
    assert "redirects, which the script of a service worker must not" in await loader.failure("/redirect.js")
    assert "status 404" in await loader.failure("/none.js")
    assert "status 404" in await loader.failure("/none.js", top_level=False)
    origin.route("/page", "<p>", "text/html")
    assert "has the MIME type 'text/html'" in await loader.failure("/page", top_level=False)
    assert (await loader.load("/page")).mime_type == "text/html"  # of a worker's own script registration decides
    monkeypatch.setattr(script_loader, "MAX_SCRIPT_SIZE", 1_000_000)
    origin.script("/large.js", "x" * 1_000_001)
    assert "is larger than 1000000 bytes" in await loader.failure("/large.js")
    origin.script("/fits.js", "x" * 1_000_000)
    assert len(await loader.text("/fits.js")) == 1_000_000
    origin.stop()
    assert f"cannot reach {origin.url}" in await loader.failure("/sw.js")


async def test_what_kind_of_failure(origin: Origin, loader: Loader) -> None:
    """What the site does wrong is invalid input; what the network does is a network error."""
    origin.route("/redirect.js", status=302, headers={"Location": "/sw.js"})
    assert isinstance((await loader.load("/redirect.js")).error, InvalidInput)
    assert isinstance((await loader.load("/none.js")).error, NetworkError)


# Local files


async def test_a_local_script(origin: Origin, loader: Loader, tmp_path: Path) -> None:
    """Its file is read anew each time, it may have any scope, and the site is not asked."""
    script = tmp_path / "worker"
    script.write_text("code ✓")
    url = f"{origin.url}/worker"
    assert await loader.text(url, local_script=str(script)) == "code ✓"
    script.write_text("changed")
    response = await loader.load(url, local_script=str(script))
    assert response.resource is not None
    assert response.resource.text == "changed"
    assert (response.mime_type, response.service_worker_allowed) == ("text/javascript", "/")
    script.unlink()
    assert f"Cannot read the script {script}: No such file" in await loader.failure(url, local_script=str(script))
    assert origin.hits == []


async def test_imports_of_a_local_script(origin: Origin, loader: Loader, tmp_path: Path) -> None:
    """What lies beside it is taken from there, all else from the site."""
    local = str(tmp_path / "sw.js")
    (tmp_path / "lib.js").write_text("local")
    origin.script("/lib.js", "remote")
    origin.script("/other.js", "remote")
    assert await loader.text("/lib.js", top_level=False, local_script=local) == "local"
    assert await loader.text("/other.js", top_level=False, local_script=local) == "remote"
    assert await loader.text("/lib.js?v=2", top_level=False, local_script=local) == "remote"


LOCAL: list[tuple[str, str | None]] = [
    ("https://a.test/app/lib.js", "lib.js"),
    ("https://a.test/app/deep/lib.mjs", "deep/lib.mjs"),
    ("https://a.test/app/my%20lib.js", "my lib.js"),
    ("https://a.test/app/none.js", None),
    ("https://a.test/app/lib.js?v=2", None),
    ("https://a.test/lib.js", None),
    ("https://b.test/app/lib.js", None),
    ("https://a.test/app/data.json", None),
    ("https://a.test/app/..%2fsecret.js", None),
    ("https://a.test/app/%2e%2e/secret.js", None),
    ("https://a.test/app//etc/passwd.js", None),
    ("https://a.test/app/link.js", None),
    ("https://a.test/app/deep.js", None),
    ("https://a.test/app/a%00.js", None),
]


@pytest.mark.parametrize(("url", "file"), LOCAL, ids=[row[0].removeprefix("https://") for row in LOCAL])
def test_which_files_an_import_means(tmp_path: Path, url: str, file: str | None) -> None:
    """Scripts in the directory of the worker's own, and below it; nothing else of the machine."""
    directory = tmp_path / "inner"
    (directory / "deep").mkdir(parents=True)
    (directory / "deep.js").mkdir()
    for name in ("lib.js", "deep/lib.mjs", "my lib.js", "data.json", "../secret.js"):
        (directory / name).touch()
    (directory / "link.js").symlink_to(tmp_path / "secret.js")
    registration = ServiceWorkerRegistration("https://a.test/app/")
    effect = FetchScript(registration, url, False, False, False, str(directory / "sw.js"))
    assert local_file(effect) == (directory / file if file else None)


@pytest.mark.parametrize(
    ("scope", "name", "url"),
    [
        ("https://a.test/", "sw.js", "https://a.test/sw.js"),
        ("https://a.test/app/", "my worker.js", "https://a.test/app/my%20worker.js"),
        ("https://a.test/app", "sw.js", "https://a.test/sw.js"),
        ("https://a.test/app/?a/b", "50%?#.js", "https://a.test/app/50%25%3F%23.js"),
    ],
)
def test_where_a_local_script_stands(scope: str, name: str, url: str) -> None:
    """Beside the scope, under the file's own name."""
    assert local_script_url(scope, Path("/Users/me") / name) == url

"""FetchEvent.preloadResponse, seen from the proxy's end of the channel."""

from pathlib import Path

import pytest
from helpers import ORIGIN, RealmProcess, network_response, realm_process

from swproxy.ipc import messages

PAGE = f"{ORIGIN}/page"
STREAM = messages.Stream(7)
# Its answer is what has become of preloadResponse.
TELLS = """
const told = async (event) => {
  try {
    const response = await event.preloadResponse;
    if (response === undefined) return "undefined";
    const { type, url, status, redirected } = response;
    let guard;
    try { response.headers.set("a", "b"); } catch ({ name }) { guard = name; }
    return [response instanceof Response, type, url, status, redirected, [...response.headers], guard,
      await response.text(), event.preloadResponse === event.preloadResponse].join();
  } catch (error) {
    return `${error.name} ${error.message}`;
  }
};
onfetch = (event) => event.respondWith(told(event).then((text) => new Response(text)));
"""


def begin(process: RealmProcess, *, has_preload: bool = True, id: int = 1) -> None:  # noqa: A002
    request = messages.Request(id, "GET", PAGE, [], mode="navigate")
    process.send(messages.DispatchFetch(id, request, "", "", has_preload))


def answer(body: messages.Body | None = None, *, type_: str = "basic", status: int = 200) -> messages.PreloadAnswer:
    """The proxy's, with a body of "page" by default."""
    body = body or messages.Inline(b"page")
    return messages.PreloadAnswer(1, messages.Response(type_, [PAGE], status, "OK", [("X-A", "1")], body))


def text(process: RealmProcess) -> str:
    respond: messages.Respond = process.wait_for(messages.Respond)
    assert respond.response is not None, respond.error
    assert isinstance(respond.response.body, messages.Inline)
    return respond.response.body.data.decode()


def until_done(process: RealmProcess) -> None:
    """The process has worked on all that it was sent."""
    process.send(messages.Ping())
    process.wait_for(messages.Pong)


WHOLE = f"true,basic,{PAGE},200,false,x-a,1,TypeError,page,true"
OUTCOMES: dict[str, tuple[messages.PreloadAnswer, str]] = {
    "a-response": (answer(), WHOLE),
    "a-redirect": (
        answer(type_="opaqueredirect", status=302),
        f"true,opaqueredirect,{PAGE},0,false,,TypeError,,true",
    ),
    "failed": (messages.PreloadAnswer(1, None, "offline"), "TypeError offline"),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_answer_after_the_event_has_begun(tmp_path: Path, name: str) -> None:
    """The promise waits for it."""
    sent, expected = OUTCOMES[name]
    with realm_process(tmp_path, TELLS) as process:
        process.wait_for(messages.Started)
        begin(process)
        until_done(process)
        process.send(sent)
        assert text(process) == expected


@pytest.mark.parametrize("name", OUTCOMES)
def test_an_answer_that_is_there_before(tmp_path: Path, name: str) -> None:
    """Both come while the script still waits for an import, the event's listener asks later."""
    sent, expected = OUTCOMES[name]
    with realm_process(tmp_path, f"importScripts('/lib.js'); {TELLS}") as process:
        process.wait_for(messages.LoadScript)
        begin(process)
        process.send(sent)
        process.send(messages.ScriptAnswer(""))
        assert text(process) == expected
        assert process.logs == []


def test_an_event_without_a_preload(tmp_path: Path) -> None:
    """Its promise is fulfilled with undefined."""
    with realm_process(tmp_path, TELLS) as process:
        process.wait_for(messages.Started)
        begin(process, has_preload=False)
        assert text(process) == "undefined"


def test_the_body_streams(tmp_path: Path) -> None:
    """A chunk is asked for when the script wants it."""
    source = """
    onfetch = (event) => event.respondWith(event.preloadResponse.then(async ({ body }) => {
      const reader = body.getReader();
      const { value } = await reader.read();
      console.log(String.fromCharCode(...value));
      await reader.cancel();
      return new Response("done");
    }));
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        begin(process)
        process.send(answer(STREAM))
        assert process.wait_for(messages.BodyPull).id == STREAM.id
        process.send(messages.BodyChunk(STREAM.id, b"first"))
        assert process.wait_for(messages.Log).text == "first"
        assert process.wait_for(messages.BodyRelease).id == STREAM.id
        assert text(process) == "done"


def test_the_response_goes_to_the_client_as_it_is(tmp_path: Path) -> None:
    """Its stream comes back by its number; not a byte of it has come to the script."""
    with realm_process(tmp_path, "onfetch = (event) => event.respondWith(event.preloadResponse);") as process:
        process.wait_for(messages.Started)
        begin(process)
        process.send(answer(STREAM, status=404))
        respond = process.wait_for(messages.Respond)
        assert (respond.response.status, respond.response.body) == (404, STREAM)
        assert respond.response.source == "network"


@pytest.mark.parametrize("comes", ["before", "after"])
def test_a_preload_that_no_script_asks_for(tmp_path: Path, comes: str) -> None:
    """Its body is released, whether it comes before the event is over or after; the log tells."""
    source = """
    onfetch = (event) => {
      event.respondWith(new Response("made"));
      event.waitUntil(fetch("/gate"));
    };
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        begin(process)
        gate = process.wait_for(messages.Fetch)
        sent: list[messages.Message] = [answer(STREAM), messages.FetchAnswer(gate.id, network_response(), "")]
        first, second = sent if comes == "before" else sent[::-1]
        process.send(first)
        until_done(process)
        process.send(second)
        assert process.wait_for(messages.BodyRelease).id == STREAM.id
        assert [log.level for log in process.logs] == ["warn"]
        assert f"The navigation preload of {PAGE} was for nothing" in process.logs[0].text


def test_a_preload_that_comes_too_late(tmp_path: Path) -> None:
    """The event does not wait for it by itself: what was asked for is aborted, and so is what is asked for later."""
    source = """
    const told = (name, promise) => promise.catch((error) =>
      console.log(name, error.name, error instanceof DOMException));
    let last;
    onfetch = (event) => { last = event; };
    onactivate = () => told("asked later", last.preloadResponse);
    """
    early = source.replace("last = event;", "last = event; told('asked before', event.preloadResponse);")
    for script, name in ((early, "asked before"), (source, "asked later")):
        with realm_process(tmp_path, script) as process:
            process.wait_for(messages.Started)
            begin(process)
            process.wait_for(messages.EventFinished)
            process.send(messages.DispatchEvent(2, "activate"))
            lines = [process.wait_for(messages.Log).text for _ in range(2)]
            assert f"{name} AbortError true" in lines


def test_the_event_goes_on_while_a_script_waits_for_the_preload(tmp_path: Path) -> None:
    """With waitUntil(); the answer to the client need not wait."""
    source = """
    onfetch = (event) => {
      event.respondWith(new Response("made"));
      event.waitUntil(event.preloadResponse.then((response) => response.text()).then(console.log));
    };
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        begin(process)
        assert text(process) == "made"
        until_done(process)
        process.send(answer())
        assert process.wait_for(messages.EventFinished).rejected is None
        assert [log.text for log in process.logs] == ["page"]


def test_events_at_the_same_time(tmp_path: Path) -> None:
    """Each has the preload of its own."""
    source = "onfetch = (event) => event.respondWith(event.preloadResponse);"
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        begin(process, id=1)
        begin(process, id=2)
        for number in (2, 1):
            response = network_response(f"of {number}")
            process.send(messages.PreloadAnswer(number, response))
            respond = process.wait_for(messages.Respond)
            assert (respond.id, respond.response.body.data) == (number, f"of {number}".encode())

"""The service worker's events and objects; tests/realm/test_main.py has the loop, tests/workers what is around it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import ORIGIN, SCRIPT_URL, RealmProcess, realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

WORKER = {"id": 1, "scriptURL": SCRIPT_URL, "state": "installing"}


def fetch_event(**changes: Any) -> messages.DispatchFetch:
    """Number 1, for a page's request."""
    request = messages.Request(1, "GET", f"{ORIGIN}/x", [], **changes)
    return messages.DispatchFetch(1, request, "client", "resulting", replaces_client_id="replaced")


def answer_of(directory: Path, source: str) -> messages.Respond:
    """What a worker answers to a fetch event."""
    with realm_process(directory, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event())
        answer: messages.Respond = process.wait_for(messages.Respond)
    return answer


def text_of(answer: messages.Respond) -> str:
    assert answer.response is not None, answer.error
    assert isinstance(answer.response.body, messages.Inline)
    return answer.response.body.data.decode()


def fired(process: RealmProcess, type_: str, **detail: Any) -> messages.EventFinished:
    """What becomes of an event."""
    process.send(messages.DispatchEvent(1, type_, detail))
    finished: messages.EventFinished = process.wait_for(messages.EventFinished)
    return finished


# Extendable events


def test_install_and_activate(tmp_path: Path) -> None:
    """The one is an InstallEvent; both are trusted, neither bubbles nor can be cancelled."""
    source = """
      oninstall = onactivate = (event) => console.log(event.constructor.name, event.type, event.isTrusted,
        event.bubbles, event.cancelable, event.target === self, event instanceof ExtendableEvent);
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        for type_, name in (("install", "InstallEvent"), ("activate", "ExtendableEvent")):
            process.send(messages.DispatchEvent(1, type_))
            assert process.wait_for(messages.Log).text == f"{name} {type_} true false false true true"
            assert process.wait_for(messages.EventFinished).rejected is None


def test_an_event_lasts_until_its_promises_have_settled(tmp_path: Path) -> None:
    """All of them, whatever waitUntil() was given."""
    source = """
      oninstall = (event) => {
        event.waitUntil(5);
        event.waitUntil({ then(resolve) { resolve(); } });
        event.waitUntil(new Promise((resolve) => setTimeout(() => { console.log("late"); resolve(); }, 5)));
      };
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        assert fired(process, "install").rejected is None
        assert [log.text for log in process.logs] == ["late"]


def test_the_first_rejection_tells(tmp_path: Path) -> None:
    """It does not end the event before the others, and is not reported as unhandled."""
    source = """
      oninstall = (event) => {
        event.waitUntil(new Promise((resolve) => setTimeout(() => { console.log("late"); resolve(); }, 5)));
        event.waitUntil(Promise.reject(new RangeError("first")));
        event.waitUntil(Promise.reject("second"));
      };
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        assert fired(process, "install").rejected == "RangeError: first"
        assert [log.text for log in process.logs] == ["late"]


def test_a_listener_that_throws_does_not_fail_the_event(tmp_path: Path) -> None:
    """The exception is logged, the other listeners are called."""
    source = """
      addEventListener("install", () => { throw new Error("thrown"); });
      addEventListener("install", () => console.log("second"));
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        assert fired(process, "install").rejected is None
        assert [log.text for log in process.logs] == ["Uncaught Error: thrown", "second"]


def test_when_wait_until_may_be_called(tmp_path: Path) -> None:
    """While the event is dispatched or has a promise pending, and one microtask longer; then not any more."""
    source = """
      const attempt = (event, when) => {
        try { event.waitUntil(Promise.resolve()); console.log(when, "works"); }
        catch (error) { console.log(when, error.name, error instanceof DOMException); }
      };
      oninstall = (event) => {
        const pending = new Promise((resolve) => setTimeout(resolve, 2));
        event.waitUntil(pending);
        setTimeout(() => attempt(event, "pending"), 1);
        pending.then(() => attempt(event, "microtask"));
        pending.then(() => setTimeout(() => attempt(event, "later"), 1));
      };
      onactivate = (event) => Promise.resolve().then(() => attempt(event, "unextended"));
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(messages.DispatchEvent(1, "install"))
        lines = [process.wait_for(messages.Log).text for _ in range(3)]
        process.send(messages.DispatchEvent(2, "activate"))
        lines.append(process.wait_for(messages.Log).text)
    refused = "InvalidStateError true"
    assert lines == ["pending works", "microtask works", f"later {refused}", f"unextended {refused}"]


def test_events_of_scripts_cannot_be_extended(run_js: RunJs) -> None:
    """Also while they are dispatched; respondWith() neither. waitUntil() needs its argument."""
    script = """
      const event = new FetchEvent("mine", { request: new Request("/") });
      const attempts = () => [() => event.waitUntil(1), () => event.respondWith(new Response()),
        () => event.waitUntil(), () => event.respondWith(),
          () => ExtendableEvent.prototype.waitUntil.call(new Event("x"))]
        .map((f) => { try { f(); } catch (error) { return error.name; } });
      let during;
      addEventListener("mine", () => { during = attempts(); });
      dispatchEvent(event);
      return [during, attempts()];
    """
    names = [*["InvalidStateError"] * 2, *["TypeError"] * 3]
    assert run_js(script) == [names, names]


# Fetch events


def test_what_a_fetch_event_has(tmp_path: Path) -> None:
    """It can be cancelled; its request is the client's, with immutable headers."""
    source = """
      onfetch = (event) => {
        const { request, clientId, resultingClientId, replacesClientId, cancelable, bubbles } = event;
        const { url, mode, destination, isReloadNavigation } = request;
        let error;
        try { request.headers.set("a", "b"); } catch ({ name }) { error = name; }
        event.respondWith(new Response(JSON.stringify([url, mode, destination, isReloadNavigation, clientId,
          resultingClientId, replacesClientId, cancelable, bubbles, error, request === event.request])));
      };
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event(mode="navigate", destination="document", is_reload_navigation=True))
        text = text_of(process.wait_for(messages.Respond))
    assert text == (
        f'["{ORIGIN}/x","navigate","document",true,"client","resulting","replaced",true,false,"TypeError",true]'
    )


FIELDS: dict[str, tuple[str, Any]] = {
    "referrerPolicy": ("referrer_policy", "origin"),
    "integrity": ("integrity", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    "keepalive": ("keepalive", True),
    "isReloadNavigation": ("is_reload_navigation", True),
    "isHistoryNavigation": ("is_history_navigation", True),
}


@pytest.mark.parametrize("name", FIELDS)
def test_what_the_request_says_of_itself(tmp_path: Path, name: str) -> None:
    """Reaches the worker, and goes on with a fetch of it; each alone, the others are as they are without."""
    field, value = FIELDS[name]
    source = f"""
      onfetch = ({{ request }}) => {{
        console.log(JSON.stringify({json.dumps(list(FIELDS))}.map((name) => request[name])));
        fetch(request).catch(() => {{}});
      }};
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event(**{field: value}))
        seen = json.loads(process.wait_for(messages.Log).text)
        sent = process.wait_for(messages.Fetch).request
    without = {"referrerPolicy": "", "integrity": ""}
    assert seen == [value if other == name else without.get(other, False) for other in FIELDS]
    assert getattr(sent, field) == value


def test_respond_with_takes_a_response_or_a_promise(tmp_path: Path) -> None:
    """The event ends with it, and no further listener is called."""
    source = """
      addEventListener("fetch", (event) => event.respondWith({ then: (resolve) => resolve(new Response("text")) }));
      addEventListener("fetch", () => console.log("not reached"));
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event())
        assert text_of(process.wait_for(messages.Respond)) == "text"
        assert process.wait_for(messages.EventFinished).rejected is None
        assert process.logs == []


NO_ANSWERS = [
    ("5", "what was given to respondWith() is not a Response"),
    ("undefined", "what was given to respondWith() is not a Response"),
    ("Object.create(Response.prototype)", "what was given to respondWith() is not a Response"),
    ("Response.error()", "respondWith() was given a network error"),
    ("Promise.reject(new Error('x'))", "the promise given to respondWith() was rejected: Error: x"),
    ("(async (r) => (await r.text(), r))(new Response('x'))", "the body of the Response given"),
    ("((r) => (r.body.getReader(), r))(new Response('x'))", "the body of the Response given"),
]


@pytest.mark.parametrize(("given", "reason"), NO_ANSWERS)
def test_what_is_no_answer_is_a_network_error(tmp_path: Path, given: str, reason: str) -> None:
    """With a reason that a person can read."""
    answer = answer_of(tmp_path, f"onfetch = (event) => event.respondWith({given});")
    assert answer.response is None
    assert answer.error.startswith(reason)


def test_respond_with_is_called_once_and_in_time(tmp_path: Path) -> None:
    """Not twice, and not when the event has been dispatched, even if it is extended: InvalidStateErrors."""
    source = """
      onfetch = (event) => {
        const { promise, resolve } = Promise.withResolvers();
        const attempt = () => { try { event.respondWith(new Response()); } catch (error) { return error.name; } };
        event.respondWith(promise);
        const twice = attempt();
        setTimeout(() => resolve(new Response([twice, attempt()])), 1);
      };
    """
    assert text_of(answer_of(tmp_path, source)) == "InvalidStateError,InvalidStateError"


def test_the_answer_may_come_before_the_end(tmp_path: Path) -> None:
    """waitUntil() goes on after respondWith(); the first rejection is the event's."""
    source = """
      onfetch = (event) => {
        event.respondWith(new Response("text"));
        event.waitUntil(new Promise((resolve, reject) => setTimeout(() => { console.log("late"); reject("x"); }, 2)));
      };
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event())
        assert text_of(process.wait_for(messages.Respond)) == "text"
        assert process.wait_for(messages.EventFinished).rejected == "x"
        assert [log.text for log in process.logs] == ["late"]


@pytest.mark.parametrize(("listener", "canceled"), [("() => {}", False), ("(e) => e.preventDefault()", True)])
def test_without_respond_with_the_request_falls_through(tmp_path: Path, listener: str, canceled: bool) -> None:
    """Unless the event was cancelled; ``handled`` says the same."""
    source = f"""
      addEventListener("fetch", {listener});
      addEventListener("fetch", (event) => event.waitUntil(event.handled.then(
        (value) => console.log("handled", value), (error) => console.log("failed", error.name))));
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event())
        assert process.wait_for(messages.FallThrough).canceled is canceled
        process.wait_for(messages.EventFinished)
        assert [log.text for log in process.logs] == ["failed NetworkError" if canceled else "handled undefined"]


@pytest.mark.parametrize(
    ("given", "outcome"), [("new Response()", "handled"), ("Response.error()", "failed"), ("5", "failed")]
)
def test_handled_tells_what_became_of_the_answer(tmp_path: Path, given: str, outcome: str) -> None:
    """It is one promise, which nobody has to handle; asked for later, it knows all the same."""
    source = f"""
      onfetch = (event) => {{
        const {{ handled }} = event;
        event.respondWith({given});
        handled.then(() => "handled", () => "failed").then((text) => console.log(text, handled === event.handled));
      }};
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        process.send(fetch_event())
        process.wait_for(messages.EventFinished)
        process.send(messages.Ping())
        process.wait_for(messages.Pong)
        assert [log.text for log in process.logs] == [f"{outcome} true"]


def test_there_is_no_preload_response(run_js: RunJs) -> None:
    """Its promise is fulfilled with undefined, and always the same; a script can make an event with one."""
    script = """
      const request = new Request("/");
      const event = new FetchEvent("fetch", { request });
      const given = new FetchEvent("fetch", { request, preloadResponse: Promise.resolve("given"), clientId: "c" });
      return [event.preloadResponse === event.preloadResponse, await event.preloadResponse === undefined,
        await given.preloadResponse, given.clientId, event.clientId, event.request === request,
        event.handled instanceof Promise];
    """
    assert run_js(script) == [True, True, "given", "c", "", True, True]


def test_the_promises_of_a_fetch_event_check_their_object(run_js: RunJs) -> None:
    """Reading them of something else gives a promise that is rejected, as Web IDL says of promise types."""
    script = """
      const outcomes = [];
      for (const name of ["handled", "preloadResponse"]) {
        const { get } = Object.getOwnPropertyDescriptor(FetchEvent.prototype, name);
        outcomes.push(get.name, await get.call({}).catch((error) => error.name));
      }
      return outcomes;
    """
    assert run_js(script) == ["get handled", "TypeError", "get preloadResponse", "TypeError"]


# Messages


def test_messages_of_other_workers(tmp_path: Path) -> None:
    """The source is the one object for that worker, the origin is ours; the event can be extended."""
    source = """
      onmessage = (event) => {
        event.waitUntil(new Promise((resolve) => setTimeout(resolve, 1)));
        const { data, origin, lastEventId, source, ports } = event;
        console.log(data, origin, lastEventId === "", source === registration.installing, ports.length,
          Object.isFrozen(ports), event instanceof ExtendableMessageEvent);
      };
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        finished = fired(process, "message", message={"text": '[1,"text"]', "parts": []}, source=WORKER)
        assert finished.rejected is None
        assert [log.text for log in process.logs] == [f"text {ORIGIN} true true 0 true true"]


# The registration and its workers


def test_the_registration_and_its_worker(run_js: RunJs) -> None:
    """What the proxy said of them; each worker is one object."""
    script = """
      const { scope, updateViaCache, installing, waiting, active } = registration;
      return [scope, updateViaCache, installing === serviceWorker, waiting, active, serviceWorker.scriptURL,
        serviceWorker.state, String(registration), String(serviceWorker)];
    """
    assert run_js(script) == [
        *[f"{ORIGIN}/", "imports", True, None, None, SCRIPT_URL, "installing"],
        *["[object ServiceWorkerRegistration]", "[object ServiceWorker]"],
    ]


def test_states_change_with_events(tmp_path: Path) -> None:
    """The registration is up to date when they are fired; a new installing worker is an updatefound."""
    source = """
      const { installing } = registration;
      installing.onstatechange = ({ isTrusted }) =>
        console.log(isTrusted, serviceWorker.state, registration.active === installing, registration.installing);
      registration.onupdatefound = () => console.log("found", registration.installing.state);
    """
    active = WORKER | {"state": "activated"}
    young = {"id": 2, "scriptURL": SCRIPT_URL, "state": "installing"}
    base = {"scope": f"{ORIGIN}/", "updateViaCache": "all", "waiting": None, "active": active}
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        first = base | {"installing": None, "workers": {"1": active}}
        second = base | {"installing": young, "workers": {"1": active, "2": young}}
        for description in (first, first, second, second):
            process.send(messages.RegistrationChanged(description, may_import=False))
        process.send(messages.Ping())
        process.wait_for(messages.Pong)
        assert [log.text for log in process.logs] == ["true activated true null", "found installing"]


def test_what_the_proxy_does_for_the_registration(run_js: RunJs) -> None:
    """skipWaiting() gives undefined, update() the registration, unregister() whether there was one."""
    script = """
      const name = (promise) => promise.catch((error) => error.name);
      return [await skipWaiting() === undefined, await registration.update() === registration,
        await registration.unregister(), await skipWaiting.call(undefined) === undefined,
        [await name(skipWaiting.call({})), await name(registration.update.call({}))]];
    """
    calls = {"skip_waiting": lambda: 5, "update": lambda: None, "unregister": lambda: True}
    assert run_js(script, calls=calls) == [True, True, True, True, ["TypeError", "TypeError"]]


def test_navigation_preload_manager(run_js: RunJs) -> None:
    """One object of the registration. Its methods give promises, of what the proxy says or of an error."""
    script = """
      const preload = registration.navigationPreload;
      const name = (promise) => promise.then(() => "fulfilled", (error) => error.name);
      const bad = ["\\u0100", "\\ud800", "\\0", "\\ra", "a\\n", Symbol()];
      const refused = bad.map((value) => preload.setHeaderValue(value));
      const state = await preload.getState();
      return [preload === registration.navigationPreload, preload instanceof NavigationPreloadManager,
        `${preload}`, await preload.enable() === undefined, await preload.disable() === undefined,
        await preload.setHeaderValue("\\t\xe9 a ") === undefined, await preload.setHeaderValue(null) === undefined,
        await Promise.all([...refused, preload.setHeaderValue(), preload.enable.call({})].map(name)),
        Object.entries(state)];
    """
    calls: list[Any] = []

    def navigation_preload(*arguments: Any) -> Any:
        calls.append(list(arguments))
        return {"enabled": False, "headerValue": "true"} if arguments[0] == "state" else None

    assert run_js(script, calls={"navigation_preload": navigation_preload}) == [
        *(True, True, "[object NavigationPreloadManager]", True, True, True, True),
        ["TypeError"] * 8,
        [["enabled", False], ["headerValue", "true"]],
    ]
    assert calls == [["state", None], ["enable", None], ["disable", None], ["set", "\xe9 a"], ["set", "null"]]


def test_what_the_proxy_refuses_is_a_rejection(tmp_path: Path) -> None:
    """With the error that it names."""
    with realm_process(tmp_path, "registration.update().catch((e) => console.log(e.name, e.message));") as process:
        call = process.wait_for(messages.Call)
        process.send(messages.CallAnswer(call.id, None, ("TypeError", "The script is gone.")))
        assert process.wait_for(messages.Log).text == "TypeError The script is gone."


def test_event_handlers_of_the_scope(run_js: RunJs) -> None:
    """All are null at first; those of the service worker are own properties of the global object."""
    script = """
      const names = ["oninstall", "onactivate", "onfetch", "onmessage", "onmessageerror", "onerror", "ononline",
        "onoffline", "onunhandledrejection", "onrejectionhandled", "onlanguagechange"];
      const values = names.map((name) => self[name]);
      onfetch = 5;
      const five = onfetch;
      onfetch = () => {};
      return [values.every((value) => value === null), five, typeof onfetch, self.onpush === undefined,
        names.filter((name) => Object.hasOwn(self, name)).length, "onupdatefound" in registration,
        "onstatechange" in serviceWorker];
    """
    assert run_js(script) == [True, None, "function", True, 5, True, True]

"""MessageEvent, MessageChannel, MessagePort and BroadcastChannel in one worker; tests/workers has several."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]


def test_message_events(run_js: RunJs) -> None:
    """The constructor, initMessageEvent(), and ports that are a frozen copy."""
    script = """
      const { port1 } = new MessageChannel();
      const ports = [port1];
      const event = new MessageEvent("x", { data: undefined, origin: "\\ud800", source: port1, ports });
      const made = [event.data, event.origin, event.source === port1, event.ports !== ports,
        Object.isFrozen(event.ports), event.ports === event.ports, new MessageEvent("x").data];
      event.initMessageEvent("y", true, true, 1, "o", "id");
      const { type, bubbles, data, origin, lastEventId, source, ports: none } = event;
      return [made, type, bubbles, data, origin, lastEventId, source, none];
    """
    assert run_js(script) == [
        [None, "\ufffd", True, True, True, True, None],
        "y",
        True,
        1,
        "o",
        "id",
        None,
        [],
    ]


def test_messages_wait_until_the_port_is_started(run_js: RunJs) -> None:
    """A listener does not start a port, onmessage does; each message is a task of its own."""
    script = """
      const { port1, port2 } = new MessageChannel();
      const log = [];
      for (const message of [1, 2]) port1.postMessage(message);
      port2.addEventListener("message", ({ data, isTrusted, origin, ports }) => {
        log.push([data, isTrusted, origin, ports.length]);
        Promise.resolve().then(() => log.push("microtask"));
      });
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push("started");
      port2.onmessage = null;
      await new Promise((resolve) => setTimeout(resolve, 5));
      return log;
    """
    assert run_js(script) == ["started", [1, True, "", 0], "microtask", [2, True, "", 0], "microtask"]


def test_ports_go_along_with_their_queues(run_js: RunJs) -> None:
    """What was sent to a port before, while and after it was transferred arrives in order."""
    script = """
      const [a, b] = [new MessageChannel(), new MessageChannel()];
      const log = [];
      const end = Promise.withResolvers();
      a.port1.postMessage("before");
      a.port2.start();
      b.port1.postMessage("port", [a.port2]);
      a.port1.postMessage("under way");
      b.port2.onmessage = ({ data, ports: [port] }) => {
        log.push(data);
        port.onmessage = ({ data }) => {
          log.push(data);
          if (data === "after") end.resolve();
        };
        a.port1.postMessage("after");
      };
      await end.promise;
      return log;
    """
    assert run_js(script) == ["port", "before", "under way", "after"]


def test_close_cuts_the_channel(run_js: RunJs) -> None:
    """What was sent before still arrives; a closed port is detached; there is no close event."""
    script = """
      const { port1, port2 } = new MessageChannel();
      const log = [];
      port2.onmessage = ({ data }) => log.push(data);
      port2.addEventListener("close", () => log.push("close event"));
      port1.postMessage("sent");
      port1.close();
      port1.close();
      port1.postMessage("lost");
      port2.postMessage("lost");
      await new Promise((resolve) => setTimeout(resolve, 5));
      try { port2.postMessage(0, [port1]); } catch (error) { log.push(error.name); }
      return [log, "onclose" in port1];
    """
    assert run_js(script) == [["sent", "DataCloneError"], False]


def test_a_port_cannot_be_sent_through_itself(run_js: RunJs) -> None:
    """One that is sent to itself is lost with the message."""
    script = """
      const { port1, port2 } = new MessageChannel();
      port2.onmessage = () => { throw new Error("reached"); };
      let name;
      try { port1.postMessage(0, [port1]); } catch (error) { name = error.name; }
      port1.postMessage(0, [port2]);
      let second;
      try { structuredClone(0, { transfer: [port2] }); } catch (error) { second = error.name; }
      return [name, second];
    """
    assert run_js(script) == ["DataCloneError", "DataCloneError"]


def test_what_cannot_be_deserialized_is_a_messageerror(tmp_path: Path) -> None:
    """So it is for a worker's ``message`` event."""
    source = """
      onmessage = onmessageerror = (event) =>
        console.log(event.type, event.data, event instanceof ExtendableMessageEvent);
    """
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        sender = {"id": 1, "scriptURL": "https://site.test/sw.js", "state": "installing"}
        process.send(messages.DispatchEvent(1, "message", {"message": _record("[0]"), "source": sender}))
        assert process.wait_for(messages.Log).text == "messageerror null true"
        process.wait_for(messages.EventFinished)


def test_broadcasts_reach_the_channels_that_are_open(run_js: RunJs) -> None:
    """In the order of their creation, not the sender, and not one that was closed since."""
    script = """
      const [a, b, c] = ["n", "n", "n"].map((name) => new BroadcastChannel(name));
      new BroadcastChannel("N").onmessage = () => log.push("wrong");
      const log = [];
      const value = { at: 0 };
      for (const [label, channel] of Object.entries({ a, b, c })) {
        channel.onmessage = ({ data, origin, source, isTrusted }) => {
          log.push([label, data.at++, origin, source, isTrusted]);
          if (label === "b") channel.close();
        };
      }
      a.postMessage(value);
      a.postMessage(value);
      let name;
      await new Promise((resolve) => setTimeout(resolve, 5));
      try { b.postMessage(() => {}); } catch (error) { name = error.name; }
      return [log, name];
    """
    got = [0, "https://site.test", None, True]
    assert run_js(script) == [[["b", *got], ["c", *got], ["c", *got]], "InvalidStateError"]


def test_each_receiver_has_its_own_copy_of_the_bytes(run_js: RunJs) -> None:
    """Buffers and blobs of a broadcast are neither shared nor used up."""
    script = """
      const sender = new BroadcastChannel("n");
      const received = [1, 2].map(() => new Promise((resolve) => {
        new BroadcastChannel("n").onmessage = ({ data }) => resolve(data);
      }));
      sender.postMessage({ bytes: new Uint8Array([1, 2]), blob: new Blob(["text"]) });
      const [one, two] = await Promise.all(received);
      one.bytes[0] = 9;
      return [[...two.bytes], await one.blob.text(), await two.blob.text()];
    """
    assert run_js(script) == [[1, 2], "text", "text"]


def test_a_broadcast_from_elsewhere_needs_no_channel(tmp_path: Path) -> None:
    """A worker without channels gives the bytes up and goes on."""
    with realm_process(tmp_path, 'onmessage = () => console.log("alive")') as process:
        process.wait_for(messages.Started)
        process.send(messages.Deliver("broadcast", {"key": '"x"', "message": _record("[1,null]", b"bytes")}))
        process.send(messages.DispatchEvent(1, "message", {"message": _record("[1,null]"), "source": None}))
        assert process.wait_for(messages.Log).text == "alive"


def test_an_extendable_message_event_can_be_made(run_js: RunJs) -> None:
    """With a port or a worker as its source."""
    script = """
      const event = new ExtendableMessageEvent("x", { data: 1, source: serviceWorker, ports: [] });
      let error;
      try { new ExtendableMessageEvent("x", { source: {} }); } catch (thrown) { error = thrown.constructor.name; }
      return [event.data, event.source === serviceWorker, event.ports, event.lastEventId, error];
    """
    assert run_js(script) == [1, True, [], "", "TypeError"]


def test_a_message_to_a_worker_leaves_no_error_behind(tmp_path: Path) -> None:
    """The host's answer to it is of no interest to the script."""
    source = """
      serviceWorker.postMessage({ blob: new Blob(["text"]) });
      navigator.locks.query().then(() => console.log("answered"));
    """
    calls = {"lock_query": lambda: {"held": [], "pending": []}}
    with realm_process(tmp_path, source, calls=calls) as process:
        assert process.wait_for(messages.Log).text == "answered"
    [(method, arguments), _] = process.calls_made
    assert (method, arguments[0], arguments[1]["parts"]) == ("worker_post_message", 1, [b"text"])


def test_a_message_that_is_too_large_is_refused(run_js: RunJs, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error where it is sent, and its parts are given up."""
    monkeypatch.setattr("swproxy.realm.realm.RECORD_LIMIT", 20)
    script = """
      const channel = new BroadcastChannel("x");
      channel.postMessage("small");
      try { channel.postMessage(new Uint8Array(20)); } catch (error) { return [error.name, error.message]; }
    """
    [name, message] = run_js(script)
    assert name == "DataCloneError"
    assert message.endswith("bytes of at most 20.")


def _record(text: str, *parts: bytes) -> dict[str, Any]:
    return {"text": text, "parts": list(parts)}


def test_large_values_cross_in_pieces(tmp_path: Path) -> None:
    """Both ways, to the last byte; a resizable buffer, too."""
    source = "onmessage = ({ data }) => serviceWorker.postMessage(data);"
    data = bytes(range(256)) * (3 << 12) + b"!"
    text = "[1,5,2,19,0,20,4000000,1,0]"
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        record = _record(text, data, data)
        process.send(messages.DispatchEvent(1, "message", {"message": record, "source": None}))
        process.wait_for(messages.EventFinished)
    [(method, [_, sent])] = process.calls_made
    assert (method, sent["text"], sent["parts"] == [data, data]) == ("worker_post_message", text, True)

"""Messages that leave a worker: to the other workers of its origin, and to itself."""

from running_workers import Workers

A = "https://site.test/a/"
B = "https://site.test/b/"
FOREIGN = "https://other.test/"

LISTENER = """
  const channel = new BroadcastChannel("news");
  channel.onmessage = ({ data, origin, source }) => console.log(JSON.stringify({ data, origin, source }));
"""


async def test_a_broadcast_reaches_the_other_workers_of_the_origin(workers: Workers) -> None:
    """Each channel of that name gets it, but none of another name, of another origin, or the sender."""
    await workers.register(B, LISTENER + 'new BroadcastChannel("sport").onmessage = () => console.log("wrong");')
    await workers.register(FOREIGN, LISTENER)
    send = 'channel.postMessage({ n: 1 }); new BroadcastChannel("news").postMessage(2);'
    await workers.register(A, LISTENER + send)
    assert await workers.printed(B, 2) == [
        '{"data":{"n":1},"origin":"https://site.test","source":null}',
        '{"data":2,"origin":"https://site.test","source":null}',
    ]
    assert await workers.printed(A) == ['{"data":2,"origin":"https://site.test","source":null}']
    await workers.register(FOREIGN, 'console.log("last")')
    assert await workers.printed(FOREIGN) == ["last"]


async def test_every_kind_of_value_arrives(workers: Workers) -> None:
    """What has no JSON arrives whole: bytes, collections, errors, blobs, references."""
    await workers.register(
        B,
        """
        new BroadcastChannel("\\ud800").onmessage = async ({ data }) => {
          const { bytes, view, map, set, error, file, date, big, self } = data;
          console.log(JSON.stringify([
            [...new Uint8Array(bytes)], view.buffer === bytes, [...view], [...map], [...set], error.name,
            error.message, error.cause, file.name, file.type, await file.text(), date.getTime(), `${big}`,
            self === data, data.text === "a\\udfff", Object.is(data.zero, -0),
          ]));
        };
        """,
    )
    await workers.register(
        A,
        """
        const bytes = new Uint8Array([0, 255, 10, 34]).buffer;
        const data = {
          bytes, view: new Uint16Array(bytes, 2), map: new Map([["k", [1]]]), set: new Set([NaN]),
          error: new RangeError("far", { cause: "near" }), file: new File(["he", "llo"], "f", { type: "text/x" }),
          date: new Date(5), big: 1n << 70n, text: "a\\udfff", zero: -0,
        };
        data.self = data;
        new BroadcastChannel("\\ud800").postMessage(data);
        """,
    )
    assert await workers.printed(B) == [
        '[[0,255,10,34],true,[8714],[["k",[1]]],[null],"RangeError","far","near","f","text/x","hello",5,'
        '"1180591620717411303424",true,true,true]'
    ]


async def test_a_message_to_a_worker_is_an_extendable_event(workers: Workers) -> None:
    """postMessage() of a ServiceWorker fires ``message`` there, with the sender as its source."""
    await workers.register(
        A,
        """
        onactivate = () => registration.active.postMessage({ bytes: new ArrayBuffer(3) });
        onmessage = (event) => {
          const { data, origin, lastEventId, source, ports } = event;
          console.log(event.constructor.name, data.bytes.byteLength, origin, lastEventId, source === serviceWorker,
            ports.length, Object.isFrozen(ports), event.isTrusted);
          event.waitUntil(new Promise((resolve) => setTimeout(resolve, 1)).then(() => console.log("done")));
        };
        """,
    )
    assert await workers.printed(A, 2) == ["ExtendableMessageEvent 3 https://site.test  true 0 true true", "done"]


async def test_what_cannot_leave_the_worker_is_refused(workers: Workers) -> None:
    """A port cannot be transferred to another process; an ArrayBuffer can, and is detached."""
    await workers.register(
        A,
        """
        const refused = (...values) => {
          try { serviceWorker.postMessage(...values); return "sent"; } catch (error) { return error.name; }
        };
        const { port1 } = new MessageChannel();
        const buffer = new ArrayBuffer(1);
        console.log([refused(0, [port1]), refused(port1), refused(() => {}), refused(0, [buffer, buffer])].join());
        console.log(refused(buffer, { transfer: [buffer] }), buffer.detached, refused(buffer));
        """,
    )
    assert await workers.printed(A, 2) == [
        "DataCloneError,DataCloneError,DataCloneError,DataCloneError",
        "sent true DataCloneError",
    ]

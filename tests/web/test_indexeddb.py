"""IndexedDB as a script sees it. The records are tested in tests/storage, the proxy's part in tests/workers."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers import ORIGIN, realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

# What the tests begin with.
TOOLS = """
const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const completed = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve("complete");
  transaction.onabort = () => reject(transaction.error);
});
const open = (upgrade, version = 1, name = "db") => {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => upgrade(request.result, request.transaction);
  return result(request);
};
const nameOf = (f) => { try { f(); return "none"; } catch (error) { return error.name; } };
const turn = () => new Promise((resolve) => setTimeout(resolve));
"""


@contextmanager
def few_files(limit: int) -> Iterator[None]:
    """A worker that starts meanwhile may have no more open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def idb(run_js: RunJs) -> RunJs:
    """As ``run_js``, with the tools."""
    return lambda script, **options: run_js(TOOLS + script, **options)


def test_interfaces(idb: RunJs) -> None:
    """Real prototypes, inheritance and tags; only keys, ranges and events can be made by scripts."""
    script = """
      const names = Object.getOwnPropertyNames(self).filter((name) => name.startsWith("IDB")).sort();
      const db = await open((db) => db.createObjectStore("s").put(1, 1));
      const store = db.transaction("s").objectStore("s");
      const cursor = await result(store.openCursor());
      return [names, Object.prototype.toString.call(indexedDB), indexedDB === self.indexedDB,
        cursor instanceof IDBCursor, cursor instanceof IDBCursorWithValue,
        await result(store.openKeyCursor()) instanceof IDBCursorWithValue,
        cursor.request instanceof IDBRequest, indexedDB.open("x") instanceof IDBOpenDBRequest,
        db instanceof EventTarget, nameOf(() => new IDBDatabase()), store.transaction.db === db,
        new IDBVersionChangeEvent("x", { oldVersion: 1 }).newVersion, db.objectStoreNames instanceof DOMStringList,
        [...db.objectStoreNames], db.objectStoreNames.contains("s")];
    """
    names = [
        *("IDBCursor", "IDBCursorWithValue", "IDBDatabase", "IDBFactory", "IDBIndex", "IDBKeyRange"),
        *("IDBObjectStore", "IDBOpenDBRequest", "IDBRecord", "IDBRequest", "IDBTransaction", "IDBVersionChangeEvent"),
    ]
    assert idb(script) == [
        *(names, "[object IDBFactory]", True, True, True, False, True, True, True, "TypeError", True),
        *(None, True, ["s"], True),
    ]


@pytest.mark.parametrize(
    "value",
    [
        *("1", "-0.5", "'text'", "'\\u0000\\ud83d\\ude00\\ud800'", "true", "null", "undefined", "-0", "NaN"),
        *("Infinity", "12345678901234567890n", "new Date(5)", "/a/gi", "[1, , 3]", "new Map([[{}, 1]])"),
        *("new Set(['a', NaN])", "new Uint8Array([1, 2]).subarray(1)", "new ArrayBuffer(3)", "new RangeError('x')"),
        *("{ __proto__: null, a: { b: [{ c: 'd' }] } }", "JSON.parse('{\"__proto__\": 1}')", "{ a: undefined }"),
        *("(() => { const o = { n: 1 }; o.self = o; return o; })()", "Object('boxed')", "[[], {}, '', 0, false]"),
        *("(() => { const o = {}; return [o, o]; })()", "{ get a() { return 1; } }", "new DOMException('a', 'b')"),
        "Object.assign([1, 2], { more: 3 })",
    ],
)
def test_values_come_back_as_structured_clone_has_them(idb: RunJs, value: str) -> None:
    """Whether they are stored as JSON or not, with the identity of what is in them."""
    script = f"""
      const show = (value, seen = new Map()) => {{
        if (typeof value === "bigint") return `${{value}}n`;
        if (Object.is(value, -0)) return "-0";
        if (typeof value !== "object" || value === null) return String(typeof value) + String(value);
        if (seen.has(value)) return `#${{seen.get(value)}}`;
        seen.set(value, seen.size);
        const tag = Object.prototype.toString.call(value);
        const own = Reflect.ownKeys(value).filter((key) => key !== "stack");
        const items = value instanceof Map || value instanceof Set ? [...value] : [];
        const proto = Object.getPrototypeOf(value)?.constructor?.name;
        const more = value instanceof Date || value instanceof RegExp ? String(value) : value.byteLength;
        return [tag, proto, String(more), own.map((key) => [String(key), show(value[key], seen)]),
          items.map((item) => show(item, seen))].flat(Infinity).join();
      }};
      const value = {value};
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite");
      transaction.objectStore("s").put(value, 1);
      const [read] = await result(transaction.objectStore("s").getAll());
      const cursor = await result(transaction.objectStore("s").openCursor());
      const wanted = show(structuredClone(value));
      return [show(read) === wanted, show(cursor.value) === wanted, wanted, show(read)];
    """
    got = idb(script)
    assert got[:2] == [True, True], got


def test_what_cannot_be_cloned(idb: RunJs) -> None:
    """DataCloneError at once; the transaction goes on. A getter cannot use the transaction."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite");
      const store = transaction.objectStore("s");
      let inGetter;
      const value = { get a() { inGetter = nameOf(() => store.get(1)); return 1; } };
      store.put(value, 1);
      const names = [() => {}, Symbol(), { f() {} }, new Proxy({}, {}), new WeakMap()]
        .map((each) => nameOf(() => store.put(each, 2)));
      let calls = 0;
      nameOf(() => store.put({ get a() { calls++; }, b() {} }, 3));
      return [inGetter, names, calls, await result(store.count()), await completed(transaction)];
    """
    assert idb(script) == ["TransactionInactiveError", ["DataCloneError"] * 5, 1, 1, "complete"]


def test_keys_in_order(idb: RunJs) -> None:
    """Numbers, dates, strings, bytes, arrays; as cmp() has them, and as the records come."""
    script = """
      const keys = [-Infinity, -1.5, 0, 1, 1e300, Infinity, new Date(-5), new Date(5), "", "\\0", "a", "a\\0", "aa",
        "\\ud800", "\\ud83d\\ude00", "\\ue000", "\\uffff", new Uint8Array(), new Uint8Array([0]),
        new Uint8Array([0, 255]), new Uint8Array([1]).buffer, [], [-1], [1], [1, 2], ["a"], [[]], [[1]]];
      const db = await open((db) => db.createObjectStore("s"));
      const store = db.transaction("s", "readwrite").objectStore("s");
      for (const key of keys.toReversed()) store.put(indexedDB.cmp(key, key), key);
      const read = await result(store.getAllKeys());
      const wrong = [];
      keys.forEach((a, i) => keys.forEach((b, j) => {
        if (indexedDB.cmp(a, b) !== Math.sign(i - j)) wrong.push([i, j]);
        if (indexedDB.cmp(read[i], b) !== Math.sign(i - j)) wrong.push([i, j, "read"]);
      }));
      return [read.length === keys.length, wrong, read[1], read[13].length, read[19] instanceof ArrayBuffer];
    """
    assert idb(script) == [True, [], -1.5, 1, True]


@pytest.mark.parametrize(
    ("key", "error"),
    [
        *(("NaN", "DataError"), ("new Date(NaN)", "DataError"), ("{}", "DataError"), ("true", "DataError")),
        *(
            ("null", "DataError"),
            ("[1, , 2]", "DataError"),
            ("(() => { const a = []; a[0] = a; return a; })()", "DataError"),
        ),
        *(("/x/", "DataError"), ("Symbol()", "DataError"), ("1n", "DataError"), ("new Proxy([], {})", "DataError")),
        ("(() => { const b = new ArrayBuffer(1); b.transfer(); return b; })()", "DataError"),
        ("{ get a() { throw new RangeError(); } }", "DataError"),
        ("Object.defineProperty([1], 0, { get() { throw new RangeError(); } })", "RangeError"),
    ],
)
def test_what_is_no_key(idb: RunJs, key: str, error: str) -> None:
    """A DataError, or what a getter of an array throws."""
    assert idb(f"return nameOf(() => indexedDB.cmp({key}, 1));") == error


def test_key_paths(idb: RunJs) -> None:
    """Strings with dots, lists, and the properties that some types have."""
    script = """
      const value = { a: { b: "ab" }, list: [3, 1], blob: new Blob(["xyz"], { type: "t/u" }),
        file: new File([], "n", { lastModified: 9 }) };
      const paths = ["a.b", "a.b.length", "list", "list.length", "blob.size", "blob.type", "file.name",
        "file.lastModified", "a", "missing"];
      const db = await open((db) => {
        const store = db.createObjectStore("s");
        for (const path of paths) store.createIndex(path, path);
        store.createIndex("both", ["a.b", "list.length"]);
        store.createIndex("half", ["a.b", "missing"]);
        store.createIndex("multi", "list", { multiEntry: true });
        store.put(value, 1);
      });
      const store = db.transaction("s").objectStore("s");
      const keysOf = async (name) => {
        const keys = [];
        const request = store.index(name).openKeyCursor();
        for (let cursor; (cursor = await result(request)) !== null; cursor.continue()) keys.push(cursor.key);
        return keys;
      };
      const found = {};
      for (const name of store.indexNames) found[name] = await keysOf(name);
      return found;
    """
    assert idb(script) == {
        "a.b": ["ab"],
        "a.b.length": [2],
        "list": [[3, 1]],
        "list.length": [2],
        "blob.size": [3],
        "blob.type": ["t/u"],
        "file.name": ["n"],
        "file.lastModified": [9],
        "a": [],
        "missing": [],
        "both": [["ab", 2]],
        "half": [],
        "multi": [1, 3],
    }


def test_key_generators(idb: RunJs) -> None:
    """Numbers from 1 on, after explicit ones behind those; the key is put into the value, and the indexes have it."""
    script = """
      const db = await open((db) => {
        const store = db.createObjectStore("s", { autoIncrement: true, keyPath: "id.n" });
        store.createIndex("id", "id.n");
        store.createIndex("pair", ["id.n", "x"]);
      });
      const transaction = db.transaction("s", "readwrite");
      const store = transaction.objectStore("s");
      const values = [{ x: 1 }, { x: new Date(2) }, { id: { n: 10.5 } }, { x: 3 }, { id: { n: "t" } }, {}];
      const keys = await Promise.all(values.map((value) => result(store.put(value))));
      const errors = [nameOf(() => store.put("no object")), nameOf(() => store.put({ id: 5 }))];
      return [keys, errors, (await result(store.getAll())).map((value) => value.id.n),
        await result(store.index("id").getAllKeys()), (await result(store.index("pair").get([1, 1]))).id.n];
    """
    keys = [1, 2, 10.5, 11, "t", 12]
    assert idb(script) == [keys, ["DataError"] * 2, *[[1, 2, 10.5, 11, 12, "t"]] * 2, 1]


def test_a_failed_put_takes_no_number(idb: RunJs) -> None:
    """Numbers that operations have taken which failed, or transactions that were aborted, are given again."""
    script = """
      const db = await open((db) =>
        db.createObjectStore("s", { autoIncrement: true }).createIndex("u", "u", { unique: true }));
      const first = db.transaction("s", "readwrite");
      await result(first.objectStore("s").put({ u: 1 }));
      const failed = first.objectStore("s").put({ u: 1 });
      failed.onerror = (event) => event.preventDefault();
      const second = await result(first.objectStore("s").put({ u: 2 }));
      const aborted = db.transaction("s", "readwrite");
      await result(aborted.objectStore("s").put({ u: 3 }));
      aborted.abort();
      const third = await result(db.transaction("s", "readwrite").objectStore("s").put({ u: 4 }));
      return [second, failed.error.name, third];
    """
    assert idb(script) == [2, "ConstraintError", 3]


def test_errors_abort_unless_they_are_prevented(idb: RunJs) -> None:
    """They bubble from the request over the transaction to the database, which capture first."""
    script = """
      const db = await open((db) => db.createObjectStore("s").put(1, 1));
      const seen = [];
      const run = async (prevent) => {
        const transaction = db.transaction("s", "readwrite");
        const request = transaction.objectStore("s").add(1, 1);
        transaction.objectStore("s").put(2, 2);
        request.onerror = (event) => {
          seen.push("request", event.composedPath().length);
          if (prevent) event.preventDefault();
        };
        transaction.onerror = () => seen.push("transaction");
        transaction.addEventListener("error", () => seen.push("captured"), true);
        try {
          seen.push(await completed(transaction));
        } catch (error) {
          seen.push(error.name, error === request.error);
        }
      };
      db.onerror = () => seen.push("database");
      db.onabort = () => seen.push("aborted");
      await run(true);
      await run(false);
      return [seen, await result(db.transaction("s").objectStore("s").getAllKeys())];
    """
    way = ["captured", "request", 3, "transaction", "database"]
    other = [each for each in way if each not in ("request", 3)]  # of the other request, which is aborted with it
    assert idb(script) == [[*way, "complete", *way, *other, "aborted", "ConstraintError", True], [1, 2]]


def test_an_exception_in_a_listener_aborts(idb: RunJs) -> None:
    """With an AbortError, whatever else the listeners do."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite");
      transaction.objectStore("s").put(1, 1).onsuccess = () => { throw new Error("mine"); };
      return await completed(transaction).catch((error) => error.name);
    """
    assert idb(script) == "AbortError"


def test_a_transaction_lives_as_long_as_it_is_used(idb: RunJs) -> None:
    """It is active in the task that makes it and in its events, microtasks included; then it commits by itself."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite");
      const store = transaction.objectStore("s");
      const names = [nameOf(() => store.get(1))];
      await Promise.resolve();
      names.push(nameOf(() => store.get(1)));
      await turn();
      names.push(nameOf(() => store.get(1)));
      const other = db.transaction("s", "readwrite");
      const request = other.objectStore("s").put(1, 1);
      await result(request);
      for (let i = 0; i < 40; i++) await null;
      names.push(nameOf(() => other.objectStore("s").put(2, 2)));
      await completed(other);
      names.push(nameOf(() => other.objectStore("s")), nameOf(() => other.abort()), nameOf(() => store.get(1)));
      return names;
    """
    assert idb(script) == [
        *("none", "none", "TransactionInactiveError", "none"),
        *("InvalidStateError", "InvalidStateError", "TransactionInactiveError"),
    ]


def test_microtasks_run_before_the_next_event(idb: RunJs) -> None:
    """Also when events come in a row: what a listener has awaited is done when the next one is called."""
    script = """
      const db = await open((db) => { for (let i = 0; i < 30; i++) (i ? null : db.createObjectStore("s")); });
      const fill = db.transaction("s", "readwrite");
      for (let i = 0; i < 30; i++) fill.objectStore("s").put(i, i);
      await completed(fill);
      const seen = [];
      const transaction = db.transaction("s");
      transaction.objectStore("s").openCursor().onsuccess = async ({ target }) => {
        const cursor = target.result;
        if (cursor === null) return;
        const { key } = cursor;
        cursor.continue();
        for (let i = 0; i < 60; i++) await i;
        seen.push(cursor.key === key);
      };
      await completed(transaction);
      return [seen.length, seen.every(Boolean)];
    """
    assert idb(script) == [30, True]


def test_long_chains_of_microtasks_keep_a_transaction(idb: RunJs) -> None:
    """However many there are: nothing is committed, and no event without its listener, before they are over."""
    script = """
      const nested = async (depth) => depth === 0 ? null : await nested(depth - 1);
      const db = await open(async (db) => {
        db.createObjectStore("s");
        for (let i = 0; i < 300; i++) await null;
        db.createObjectStore("t");
      });
      const transaction = db.transaction("s", "readwrite");
      const store = transaction.objectStore("s");
      for (let i = 0; i < 300; i++) await nested(5);
      await result(store.put(1, 1));
      for (let i = 0; i < 300; i++) await nested(5);
      const [a, b] = [store.get(1), store.get(2)];
      await result(a);
      for (let i = 0; i < 300; i++) await nested(5);
      await result(b);
      for (let i = 0; i < 300; i++) await nested(5);
      return [[...db.objectStoreNames], await completed(transaction)];
    """
    assert idb(script) == [["s", "t"], "complete"]


@pytest.mark.parametrize("mode", ["readonly", "readwrite"])
def test_many_transactions_at_once(idb: RunJs, mode: str) -> None:
    """As libraries make them, one for each call; they start and end in order."""
    script = f"""
      const db = await open((db) => db.createObjectStore("s"));
      const order = [];
      await Promise.all(Array.from({{ length: 250 }}, (_, i) => {{
        const transaction = db.transaction("s", "{mode}");
        const store = transaction.objectStore("s");
        const request = "{mode}" === "readonly" ? store.get(i) : store.put(i, i);
        return Promise.all([result(request).then(() => order.push(i)), completed(transaction)]);
      }}));
      return [order.length, order.every((each, i) => each === i)];
    """
    assert idb(script) == [250, True]


def test_what_a_getter_of_a_key_does(idb: RunJs) -> None:
    """The request is checked once more: after an abort, a commit, or the deletion of its store."""
    script = """
      const keyWith = (f) => Object.defineProperty([0], 0, { enumerable: true, get() { f(); return 1; } });
      let inUpgrade;
      const db = await open((db) => {
        const store = db.createObjectStore("gone");
        inUpgrade = nameOf(() => store.put(1, keyWith(() => db.deleteObjectStore("gone"))));
        db.createObjectStore("s");
      });
      const names = [inUpgrade];
      const seen = [];
      for (const method of ["abort", "commit"]) {
        const transaction = db.transaction("s", "readwrite");
        transaction.onabort = transaction.oncomplete = ({ type }) => seen.push(type);
        await result(transaction.objectStore("s").count());
        names.push(nameOf(() => transaction.objectStore("s").put("zombie", keyWith(() => transaction[method]()))));
      }
      const left = await result(db.transaction("s").objectStore("s").count());
      return [names, seen, left];
    """
    names = ["InvalidStateError", "TransactionInactiveError", "TransactionInactiveError"]
    assert idb(script) == [names, ["abort", "complete"], 0]


def test_what_listeners_do(idb: RunJs) -> None:
    """Exceptions in listeners of other events do no harm; captured successes are seen; scripts can be imported."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite");
      const seen = [];
      transaction.addEventListener("success", () => seen.push("captured"), true);
      transaction.objectStore("s").put(1, 1);
      const request = transaction.objectStore("s").put(2, 2);
      request.onsuccess = () => {
        const other = new EventTarget();
        other.addEventListener("x", () => { throw new Error("mine"); });
        other.dispatchEvent(new Event("x"));
        importScripts("/more.js");
        seen.push(nameOf(() => transaction.objectStore("s").put(3, 3)));
      };
      seen.push(await completed(transaction));
      return seen;
    """
    scripts = {f"{ORIGIN}/more.js": "Promise.resolve().then(() => {}); self.imported = true;"}
    assert idb(script, scripts=scripts) == [*["captured"] * 2, "none", "captured", "complete"]


def test_an_abort_in_a_listener_that_has_asked_for_more(idb: RunJs) -> None:
    """What was asked is not executed any more, and the connection can write again."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite");
      const store = transaction.objectStore("s");
      store.put(1, 1).onsuccess = () => { store.put(2, 2).onsuccess = () => {}; transaction.abort(); };
      const outcome = await completed(transaction).catch(() => "aborted");
      await result(db.transaction("s", "readwrite").objectStore("s").put(3, 3));
      return [outcome, await result(db.transaction("s").objectStore("s").getAllKeys())];
    """
    assert idb(script) == ["aborted", [3]]


def test_large_values_in_one_transaction(idb: RunJs) -> None:
    """They are handed over in parts, within the memory that a worker has."""
    script = """
      const db = await open((db) => db.createObjectStore("s", { keyPath: "id" }));
      const transaction = db.transaction("s", "readwrite");
      for (let id = 0; id < 1000; id++) transaction.objectStore("s").put({ id, v: "x".repeat(60_000) });
      return await completed(transaction);
    """
    assert idb(script) == "complete"


def test_at_the_quota_those_that_fit_are_stored(idb: RunJs) -> None:
    """Of many puts in a row the first; the others fail one by one, in no long time."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite");
      const outcomes = Array.from({ length: 600 }, (_, i) => {
        const request = transaction.objectStore("s").put("x".repeat(20_000), i);
        return new Promise((resolve) => {
          request.onsuccess = () => resolve(true);
          request.onerror = (event) => { event.preventDefault(); resolve(false); };
        });
      });
      const stored = (await Promise.all(outcomes)).map((each, i) => each ? i : -1).filter((i) => i >= 0);
      await completed(transaction);
      return [stored.length > 50, stored.length < 200, stored.at(-1) === stored.length - 1];
    """
    assert idb(script, quota=3 << 20, turn_budget=5.0) == [True, True, True]


def test_timers_come_beside_requests(idb: RunJs) -> None:
    """However many there are."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      let ticks = 0;
      setInterval(() => ticks++, 10);
      const end = performance.now() + 500;
      while (performance.now() < end) await result(db.transaction("s").objectStore("s").get(1));
      return ticks;
    """
    assert idb(script) >= 10


def test_a_long_array_in_an_index(idb: RunJs) -> None:
    """Each of its members once, in a time that does not grow with the square of their number."""
    script = """
      const db = await open((db) => db.createObjectStore("s").createIndex("m", "m", { multiEntry: true }));
      const transaction = db.transaction("s", "readwrite");
      transaction.objectStore("s").put({ m: Array.from({ length: 20_000 }, (_, i) => i >> 1) }, 1);
      return await result(transaction.objectStore("s").index("m").count());
    """
    assert idb(script, turn_budget=5.0) == 10_000


def test_blobs_that_nobody_gets(idb: RunJs) -> None:
    """What was read for requests of an aborted transaction keeps no file open."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const fill = db.transaction("s", "readwrite");
      fill.objectStore("s").put(new Blob([new Uint8Array(2_000_000)]), 1);
      await completed(fill);
      for (let i = 0; i < 20; i++) {
        const transaction = db.transaction("s");
        transaction.objectStore("s").count().onsuccess = () => transaction.abort();
        for (let j = 0; j < 20; j++) transaction.objectStore("s").get(1);
        await completed(transaction).catch(() => {});
        await turn();
      }
      return (await result(db.transaction("s").objectStore("s").get(1))).size;
    """
    with few_files(200):
        assert idb(script) == 2_000_000


def test_commit(idb: RunJs) -> None:
    """It ends a transaction at once; its requests still have their events, in which nothing more can be asked."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite", { durability: "strict" });
      const store = transaction.objectStore("s");
      const names = [];
      store.put(1, 1).onsuccess = () => names.push("put", nameOf(() => store.get(1)));
      transaction.commit();
      names.push(nameOf(() => transaction.commit()), nameOf(() => transaction.abort()));
      names.push(nameOf(() => store.put(1, 2)));
      return [transaction.durability, await completed(transaction), names];
    """
    names = ["InvalidStateError", "InvalidStateError", "TransactionInactiveError", "put", "TransactionInactiveError"]
    assert idb(script) == ["strict", "complete", names]


def test_the_order_of_exceptions(idb: RunJs) -> None:
    """What is checked first is what counts."""
    script = """
      let old;
      const db = await open((db) => {
        old = db.createObjectStore("gone");
        db.deleteObjectStore("gone");
        db.createObjectStore("s", { keyPath: "k" });
      });
      const finished = db.transaction("s", "readwrite");
      await completed(finished);
      const readonly = db.transaction("s").objectStore("s");
      return [nameOf(() => old.put(1)), nameOf(() => readonly.put({}, 1)), nameOf(() => readonly.delete()),
        nameOf(() => readonly.get(null)), nameOf(() => db.transaction("none")), nameOf(() => db.transaction([])),
        nameOf(() => db.transaction("s", "versionchange")), nameOf(() => db.transaction("s", "other")),
        nameOf(() => db.createObjectStore("x")), nameOf(() => indexedDB.open("x", 0)),
        nameOf(() => indexedDB.open("x", -1)), nameOf(() => readonly.getAll(null, -1)),
        nameOf(() => readonly.openCursor(null, "sideways")), nameOf(() => readonly.createIndex("i", "i"))];
    """
    assert idb(script) == [
        *("InvalidStateError", "ReadOnlyError", "TypeError", "DataError", "NotFoundError", "InvalidAccessError"),
        *("TypeError", "TypeError", "InvalidStateError", "TypeError", "TypeError", "TypeError", "TypeError"),
        "InvalidStateError",
    ]


def test_upgrades(idb: RunJs) -> None:
    """New indexes have the records that are there; deleted stores are gone; versions go up only."""
    script = """
      const first = await open((db) => {
        const store = db.createObjectStore("s", { keyPath: "id" });
        for (let i = 0; i < 300; i++) store.put({ id: i, group: i % 3, tags: [`t${i % 2}`, "all"] });
        db.createObjectStore("old");
      });
      first.close();
      const second = await open((db, transaction) => {
        const store = transaction.objectStore("s");
        store.createIndex("group", "group");
        store.createIndex("tags", "tags", { multiEntry: true });
        store.name = "renamed";
        db.deleteObjectStore("old");
      }, 3);
      const store = second.transaction("renamed").objectStore("renamed");
      const counts = [await result(store.index("group").count(1)), await result(store.index("tags").count("all")),
        await result(store.index("tags").count(IDBKeyRange.upperBound("t0")))];
      const names = [...second.objectStoreNames, ...store.indexNames];
      second.close();
      return [counts, names, second.version, await open(() => {}, 2).catch((error) => error.name),
        await indexedDB.databases()];
    """
    assert idb(script) == [
        *([100, 300, 450], ["renamed", "group", "tags"], 3, "VersionError", [{"name": "db", "version": 3}]),
    ]


def test_an_upgrade_that_is_aborted_leaves_nothing(idb: RunJs) -> None:
    """Neither of records nor of stores, indexes, names and the version; a new database is gone again."""
    script = """
      const before = await open((db) => db.createObjectStore("s").createIndex("i", "x"));
      before.close();
      const handles = [];
      const failed = await open((db, transaction) => {
        const store = transaction.objectStore("s");
        store.put({ x: 1 }, 1);
        const index = store.index("i");
        index.name = "j";
        store.name = "t";
        const made = db.createObjectStore("new");
        made.createIndex("k", "k");
        store.deleteIndex("j");
        handles.push(db, store, index, made);
        transaction.abort();
      }, 2).catch((error) => error.name);
      const [db, store, index, made] = handles;
      const now = [db.version, [...db.objectStoreNames], store.name, [...store.indexNames], index.name, made.name,
        [...made.indexNames]];
      const again = await open(() => {});
      const count = await result(again.transaction("s").objectStore("s").count());
      const never = await open((db, transaction) => transaction.abort(), 1, "never").catch((error) => error.name);
      return [failed, now, again.version, count, never, (await indexedDB.databases()).map(({ name }) => name)];
    """
    assert idb(script) == [
        *("AbortError", [1, ["s"], "s", ["i"], "i", "new", []], 1, 0, "AbortError", ["db"]),
    ]


def test_a_unique_index_of_records_that_are_not(idb: RunJs) -> None:
    """The upgrade fails, after the events of what was asked before."""
    script = """
      const seen = [];
      const outcome = await open((db, transaction) => {
        const store = db.createObjectStore("s");
        store.put({ x: 1 }, 1);
        store.put({ x: 1 }, 2).onsuccess = () => seen.push("put");
        store.createIndex("u", "x", { unique: true });
        transaction.onabort = () => seen.push(transaction.error.name);
      }).catch((error) => error.name);
      return [outcome, seen];
    """
    assert idb(script) == ["AbortError", ["put", "ConstraintError"]]


def test_connections_to_one_database(idb: RunJs) -> None:
    """versionchange, blocked, and the order of requests; deletion tells of versions."""
    script = """
      const seen = [];
      const first = await open((db) => db.createObjectStore("s"));
      first.onversionchange = ({ oldVersion, newVersion }) => {
        seen.push(["versionchange", oldVersion, newVersion]);
        setTimeout(() => first.close());
      };
      const request = indexedDB.open("db", 2);
      request.onblocked = ({ oldVersion, newVersion }) => seen.push(["blocked", oldVersion, newVersion]);
      request.onupgradeneeded = () => seen.push("upgrade");
      const third = result(indexedDB.open("db"));
      (await result(request)).onversionchange = ({ target, newVersion }) => {
        seen.push(newVersion);
        target.close();
      };
      (await third).close();
      const deletion = indexedDB.deleteDatabase("db");
      deletion.onsuccess = ({ oldVersion, newVersion }) => seen.push([oldVersion, newVersion, deletion.result]);
      await new Promise((resolve) => deletion.addEventListener("success", resolve));
      return [seen, await indexedDB.databases()];
    """
    seen = [["versionchange", 1, 2], ["blocked", 1, 2], "upgrade", None, [2, None, None]]
    assert idb(script) == [seen, []]


def test_many_opens_at_once(idb: RunJs) -> None:
    """Each hears of its success before a transaction ends that was made when its upgrade was complete."""
    script = """
      const once = (name) => new Promise((resolve) => {
        const order = [];
        const request = indexedDB.open(name, 1);
        request.onsuccess = () => order.push("success");
        request.onupgradeneeded = () => {
          request.result.createObjectStore("s");
          request.transaction.oncomplete = () => {
            order.push("upgraded");
            const transaction = request.result.transaction("s", "readwrite");
            transaction.objectStore("s").put(1, 1);
            transaction.oncomplete = () => resolve([...order, "complete"].join());
          };
        };
      });
      return [...new Set(await Promise.all(Array.from({ length: 20 }, (_, i) => once(`db${i}`))))];
    """
    assert idb(script) == ["upgraded,success,complete"]


def test_closing(idb: RunJs) -> None:
    """Transactions that are there go on; no new ones begin. Closing in an upgrade fails the request."""
    script = """
      const db = await open((db) => db.createObjectStore("s"));
      const transaction = db.transaction("s", "readwrite");
      transaction.objectStore("s").put(1, 1);
      db.close();
      const names = [nameOf(() => db.transaction("s")), await completed(transaction)];
      names.push(await open((db) => db.close(), 2).catch((error) => error.name));
      return names;
    """
    assert idb(script) == ["InvalidStateError", "complete", "AbortError"]


def test_a_connection_that_is_lost_is_closed(idb: RunJs) -> None:
    """No script can reach it any more: it keeps no file open, and blocks no deletion."""
    script = """
      const { length } = await (async () => {
        const names = [];
        for (let i = 0; i < 400; i++) names.push((await open((db) => db.createObjectStore("s"))).name);
        return names;
      })();
      await turn();
      await turn();
      await result(indexedDB.deleteDatabase("db"));
      return [length, await indexedDB.databases()];
    """
    with few_files(200):
        assert idb(script) == [400, []]


def test_ranges(idb: RunJs) -> None:
    """Their bounds, what they include, and what they may not be."""
    script = """
      const range = IDBKeyRange.bound([1], "x", true, false);
      return [range.lower === range.lower, range.upper, range.lowerOpen, range.upperOpen,
        IDBKeyRange.lowerBound(5).includes(5), IDBKeyRange.lowerBound(5, true).includes(5),
        IDBKeyRange.upperBound("b").includes(new Date()), IDBKeyRange.only(2).includes(3),
        IDBKeyRange.upperBound(1).lower === undefined];
    """
    with pytest.raises(AssertionError, match="The lower key is greater than the upper key"):
        idb(script)
    fixed = script.replace('bound([1], "x"', 'bound("x", [1]').replace(
        "range.lower === range.lower", "range.upper === range.upper"
    )
    assert idb(fixed) == [True, [1], True, False, True, False, True, False, True]


@pytest.mark.parametrize("direction", ["next", "nextunique", "prev", "prevunique"])
def test_cursors(idb: RunJs, direction: str) -> None:
    """Over a store and an index; continue(), advance(), continuePrimaryKey(), update() and delete() on the way."""
    script = f"""
      const direction = "{direction}";
      const db = await open((db) => {{
        const store = db.createObjectStore("s", {{ keyPath: "id" }});
        store.createIndex("g", "g");
        for (let id = 0; id < 12; id++) store.put({{ id, g: id >> 2 }});
      }});
      const walk = async (request, step = (cursor) => cursor.continue()) => {{
        const seen = [];
        for (let cursor; (cursor = await result(request)) !== null; step(cursor)) seen.push(cursor.primaryKey);
        return seen;
      }};
      const store = db.transaction("s", "readwrite").objectStore("s");
      const all = await walk(store.openCursor(null, direction));
      const index = await walk(store.index("g").openKeyCursor(null, direction));
      const range = IDBKeyRange.bound(2, 9, true);
      const some = await walk(store.openCursor(range, direction), (cursor) => cursor.advance(3));
      const jump = await walk(store.index("g").openCursor(null, direction), (cursor) =>
        cursor.key === 1 ? cursor.continue(direction.startsWith("next") ? 2 : 0) : cursor.continue());
      await walk(store.openCursor(null, direction), (cursor) => {{
        if (cursor.key % 2) cursor.delete();
        else cursor.update({{ ...cursor.value, g: 9 }});
        cursor.continue();
      }});
      const left = await result(store.index("g").getAllKeys());
      return [all, index, some, jump, left];
    """
    up = list(range(12))
    index = {
        "next": up,
        "nextunique": [0, 4, 8],
        "prev": up[::-1],
        "prevunique": [8, 4, 0],
    }[direction]
    some = [3, 6, 9] if direction.startswith("next") else [9, 6, 3]
    jump = {
        "next": [0, 1, 2, 3, 4, 8, 9, 10, 11],
        "nextunique": [0, 4, 8],
        "prev": [11, 10, 9, 8, 7, 3, 2, 1, 0],
        "prevunique": [8, 4, 0],
    }[direction]
    all_ = up if direction.startswith("next") else up[::-1]
    assert idb(script) == [all_, index, some, jump, [0, 2, 4, 6, 8, 10]]


def test_get_all(idb: RunJs) -> None:
    """With counts, ranges and options; records have key, primary key and value."""
    script = """
      const db = await open((db) => {
        const store = db.createObjectStore("s");
        store.createIndex("n", "n");
        for (let i = 0; i < 5; i++) store.put({ n: 10 - i }, i);
      });
      const store = db.transaction("s").objectStore("s");
      const [record] = await result(store.index("n").getAllRecords({ count: 1, direction: "prev" }));
      const options = { query: IDBKeyRange.upperBound(3), direction: "prev", count: 2 };
      return [await result(store.getAllKeys()), await result(store.getAllKeys(IDBKeyRange.lowerBound(2), 2)),
        (await result(store.getAll(options))).map(({ n }) => n),
        await result(store.index("n").getAllKeys({ direction: "prev" })), record instanceof IDBRecord,
        record.key, record.primaryKey, record.value, await result(store.count(IDBKeyRange.only(9))),
        await result(store.getKey(3)), await result(store.get(77)) === undefined];
    """
    assert idb(script) == [
        *([0, 1, 2, 3, 4], [2, 3], [7, 8], [0, 1, 2, 3, 4], True, 10, 0, {"n": 10}, 0, 3, True),
    ]


def test_a_site_that_changes_the_built_ins_breaks_nothing(idb: RunJs) -> None:
    """Neither toJSON nor setters on prototypes have a say in what is stored or read."""
    script = """
      const db = await open((db) => db.createObjectStore("s", { keyPath: "id" }).createIndex("l", "l"));
      const names = ["id", "l", "key", "error", "value"];
      Array.prototype.toJSON = String.prototype.toJSON = Object.prototype.toJSON = () => "changed";
      for (const name of names) {
        Object.defineProperty(Object.prototype, name, { set() { throw new Error(name); }, configurable: true });
      }
      const changeBack = () => {
        for (const name of names) delete Object.prototype[name];
        for (const { prototype } of [Array, Object, String]) delete prototype.toJSON;
      };
      try {
        const store = db.transaction("s", "readwrite").objectStore("s");
        store.put(JSON.parse('{"id": ["a", 1], "l": "x", "value": [{"key": "v"}]}'));
        store.put({ id: 5, l: new Date(0) });
        const keys = await result(store.getAllKeys());
        const [five, value] = await result(store.getAll());
        return [keys, value, await result(store.index("l").getAllKeys("x")), five.l.getTime()];
      } finally {
        changeBack();
      }
    """
    value = {"id": ["a", 1], "l": "x", "value": [{"key": "v"}]}
    assert idb(script) == [[5, ["a", 1]], value, [["a", 1]], 0]


def test_many_requests_at_once(idb: RunJs) -> None:
    """100,000 puts fit into a worker's memory, and what is read is given in parts."""
    script = """
      const db = await open((db) => db.createObjectStore("s", { keyPath: "id" }));
      const transaction = db.transaction("s", "readwrite");
      const store = transaction.objectStore("s");
      for (let id = 0; id < 100_000; id++) store.put({ id, text: "some text of a record", more: id * 2 });
      const last = store.get(99_999);
      await completed(transaction);
      const other = db.transaction("s", "readwrite").objectStore("s");
      for (let i = 0; i < 20; i++) other.put({ id: `big${i}`, text: "x".repeat(1_000_000) });
      const sizes = await Promise.all(Array.from({ length: 20 }, (_, i) => result(other.get(`big${i}`))));
      return [last.result.more, sizes.every(({ text }) => text.length === 1_000_000)];
    """
    assert idb(script) == [199_998, True]


def test_a_name_may_be_any_string(idb: RunJs) -> None:
    """Databases, stores and indexes with names that are no file names and not well-formed."""
    script = """
      const names = ["", "/../x", "\\ud800", "\\0", "\\u{1f600}", "n".repeat(5000)];
      const read = [];
      for (const name of names) {
        const db = await open((db) => db.createObjectStore(name).createIndex(name, "k"), 1, name);
        read.push(db.name === name && db.objectStoreNames[0] === name);
        db.close();
        const again = await open(() => {}, 1, name);
        const store = again.transaction(name).objectStore(name);
        read.push(store.name === name && store.indexNames[0] === name);
      }
      const found = (await indexedDB.databases()).map(({ name }) => name);
      return [read.every(Boolean), names.every((name) => found.includes(name)), found.length];
    """
    assert idb(script) == [True, True, 6]


def test_what_was_stored_is_there_for_the_next_worker(tmp_path: Path) -> None:
    """Another process reads it."""
    script = (
        TOOLS
        + """
      (async () => {
        const db = await open((db) => db.createObjectStore("s"));
        const transaction = db.transaction("s", "readwrite");
        transaction.objectStore("s").put({ when: new Date(7) }, "key");
        const read = await result(transaction.objectStore("s").get("key"));
        await completed(transaction);
        console.log(read.when.getTime() + (await result(db.transaction("s").objectStore("s").count())));
      })();
    """
    )
    for _ in range(2):
        with realm_process(tmp_path, script) as process:
            assert process.wait_for(messages.Log).text == "8"

"""IndexedDB through the whole program: workers that share databases, workers that die, files that are damaged."""

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from origin import Origin
from proxy_process import ProxyProcess
from waiting import until

from swproxy.storage.indexeddb import schema
from swproxy.storage.indexeddb.directory import database_directory
from swproxy.storage.origins import directory_of

StartProxy = Callable[..., ProxyProcess]

# Each request to a worker has what it is to do in its body.
WORKER = """
const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = (event) => { event.preventDefault(); reject(request.error); };
});
const completed = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve("complete");
  transaction.onabort = () => reject(transaction.error);
});
const open = (version, name = "notes") => {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    if (!request.result.objectStoreNames.contains("store")) request.result.createObjectStore("store");
  };
  return result(request);
};
const kept = {};
const AsyncFunction = (async () => {}).constructor;
addEventListener("fetch", (event) => event.respondWith((async () => {
  try {
    return Response.json((await new AsyncFunction(await event.request.text())()) ?? null);
  } catch (error) {
    return Response.json({ error: `${error.name}: ${error.message}` });
  }
})()));
Object.assign(self, { result, completed, open, kept });
"""


class Workers:
    """Some workers of one origin, by a letter."""

    def __init__(self, origin: Origin, proxy: ProxyProcess, letters: str = "a") -> None:
        self.origin = origin
        self.proxy = proxy
        for letter in letters:
            origin.script(f"/{letter}/sw.js", WORKER)
            proxy.registered(self.scope(letter), f"{self.scope(letter)}sw.js")

    def scope(self, letter: str) -> str:
        return f"{self.origin.url}/{letter}/"

    def run(self, script: str, letter: str = "a") -> Any:
        """What the body of an async function returns in a worker; {"error": ...} if it throws."""
        answer = self.proxy.curl(f"{self.scope(letter)}run", "--data-binary", "@-", stdin=script.encode())
        assert answer.status == 200, answer.text or answer.stderr
        return json.loads(answer.body)

    def kill(self, letter: str) -> None:
        pid = self.proxy.worker_pid(self.scope(letter))
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def file(self, name: str = "notes") -> Path:
        """The SQLite file of a database."""
        directory = directory_of(self.proxy.profile.indexeddb, self.origin.url)
        return database_directory(directory, name) / schema.FILE


PUT = """
  const db = await open(1);
  const transaction = db.transaction("store", "readwrite");
  for (let i = 0; i < 100; i++) transaction.objectStore("store").put({ number: i }, i);
  const outcome = await completed(transaction);
  db.close();
  return outcome;
"""
COUNT = """
  const db = await open(1);
  const count = await result(db.transaction("store").objectStore("store").count());
  db.close();
  return count;
"""


def test_complete_survives_kill_9_of_everything(origin: Origin, start_proxy: StartProxy) -> None:
    """The worker and the proxy are killed as soon as the script has heard of it."""
    proxy = start_proxy()
    workers = Workers(origin, proxy)
    assert workers.run(PUT) == "complete"
    workers.kill("a")
    proxy.kill()
    again = Workers(origin, start_proxy())
    assert again.run(COUNT) == 100


def test_a_worker_that_is_killed_in_a_transaction_leaves_nothing(origin: Origin, proxy: ProxyProcess) -> None:
    """What it has written is rolled back, and the transaction of another worker that waits for it starts."""
    workers = Workers(origin, proxy, "ab")
    workers.run(PUT)
    held = """
      const db = await open(1);
      const transaction = db.transaction("store", "readwrite");
      const store = transaction.objectStore("store");
      await result(store.clear());
      await result(store.put("half", "done"));
      kept.request = store.get(1);
      kept.request.onsuccess = function again() { store.get(1).onsuccess = again; };
    """
    assert workers.run(held, "a") is None
    counted: list[Any] = []
    wait = """
      const db = await open(1);
      const transaction = db.transaction("store", "readwrite");
      transaction.objectStore("store").put("mine", "b");
      const count = await result(transaction.objectStore("store").count());
      await completed(transaction);
      return count;
    """
    thread = threading.Thread(target=lambda: counted.append(workers.run(wait, "b")))
    thread.start()
    thread.join(1)
    assert thread.is_alive()
    workers.kill("a")
    thread.join(20)
    assert counted == [101]


def test_workers_agree_about_versions(origin: Origin, proxy: ProxyProcess) -> None:
    """A connection of one worker hears of the upgrade that another one wants, blocks it, and closes."""
    workers = Workers(origin, proxy, "ab")
    workers.run("""
      kept.db = await open(1);
      kept.events = [];
      kept.db.onversionchange = (e) => kept.events.push([e.oldVersion, e.newVersion]);
    """)
    upgraded: list[Any] = []
    upgrade = """
      const events = [];
      const request = indexedDB.open("notes", 5);
      request.onblocked = (e) => events.push(["blocked", e.oldVersion, e.newVersion]);
      request.onupgradeneeded = (e) => events.push(["upgradeneeded", e.oldVersion, e.newVersion]);
      events.push((await result(request)).version);
      return events;
    """
    thread = threading.Thread(target=lambda: upgraded.append(workers.run(upgrade, "b")))
    thread.start()
    until(lambda: workers.run("return kept.events", "a") == [[1, 5]])
    thread.join(0.5)
    assert thread.is_alive()
    workers.run("kept.db.close()", "a")
    thread.join(20)
    assert upgraded == [[["blocked", 1, 5], ["upgradeneeded", 1, 5], 5]]


def test_scopes_of_transactions_hold_between_workers(origin: Origin, proxy: ProxyProcess) -> None:
    """Two workers that count up in one record lose no step of the other."""
    workers = Workers(origin, proxy, "ab")
    workers.run(PUT)
    steps = """
      const db = await open(1);
      for (let i = 0; i < 50; i++) {
        const transaction = db.transaction("store", "readwrite");
        const store = transaction.objectStore("store");
        store.put((await result(store.get("counter")) ?? 0) + 1, "counter");
        await completed(transaction);
      }
      const value = await result(db.transaction("store").objectStore("store").get("counter"));
      db.close();
      return value;
    """
    values: list[int] = []
    threads = [threading.Thread(target=lambda each=each: values.append(workers.run(steps, each))) for each in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert max(values) == 100


def test_blobs_and_files_are_on_disk(origin: Origin, start_proxy: StartProxy) -> None:
    """By reference: a large one is a file of its own, which goes with its record; one that is held stays readable."""
    proxy = start_proxy()
    workers = Workers(origin, proxy)
    stored = """
      const db = await open(1);
      const transaction = db.transaction("store", "readwrite");
      const store = transaction.objectStore("store");
      const bytes = new Uint8Array(3_000_000).fill(7);
      store.put({ file: new File([bytes], "big.bin", { type: "a/b", lastModified: 5 }), small: new Blob(["x"]) }, 1);
      await completed(transaction);
      db.close();
      return (await navigator.storage.estimate()).usageDetails.indexedDB;
    """
    assert workers.run(stored) > 3_000_000
    proxy.stop()
    again = Workers(origin, start_proxy())
    read = """
      const db = await open(1);
      const transaction = db.transaction("store", "readwrite");
      const { file, small } = await result(transaction.objectStore("store").get(1));
      await result(transaction.objectStore("store").delete(1));
      await completed(transaction);
      db.close();
      const bytes = await file.bytes();
      return [file instanceof File, file.name, file.type, file.lastModified, bytes.length, bytes[2_999_999],
        await small.text(), (await navigator.storage.estimate()).usage < 3_000_000];
    """
    assert again.run(read) == [True, "big.bin", "a/b", 5, 3_000_000, 7, "x", True]


@pytest.mark.parametrize("how", ["no database", "cut", "a page in the middle"])
def test_damage_is_told_on_open(origin: Origin, start_proxy: StartProxy, how: str) -> None:
    """An error that says what to do; and the database can be deleted and made anew."""
    proxy = start_proxy()
    workers = Workers(origin, proxy)
    workers.run(PUT.replace("{ number: i }", "'x'.repeat(1000)"))
    file = workers.file()
    proxy.stop()
    data = bytearray(file.read_bytes())
    match how:
        case "no database":
            data[:1000] = b"garbage" * 142 + b"123456"
        case "cut":
            del data[len(data) // 2 :]
        case _:
            middle = len(data) // 2 // 4096 * 4096
            data[middle : middle + 4096] = bytes(range(256)) * 16
    file.write_bytes(data)
    again = Workers(origin, start_proxy())
    error = again.run(COUNT)["error"]
    assert error.startswith("UnknownError: The IndexedDB database 'notes' is damaged (")
    assert "swproxy db rm" in error
    assert again.run("return (await result(indexedDB.deleteDatabase('notes'))) === undefined") is True
    assert again.run(PUT) == "complete"
    assert again.run(COUNT) == 100


def test_the_quota(origin: Origin, start_proxy: StartProxy, tmp_path: Path) -> None:
    """Caches and databases count together; the request that would exceed it fails, and its transaction."""
    config = tmp_path / "swproxy.toml"
    config.write_text("quota = 2_000_000\n")
    workers = Workers(origin, start_proxy("--config", str(config)))
    script = """
      await (await caches.open("c")).put("/a/x", new Response(new Uint8Array(900_000)));
      const db = await open(1);
      const transaction = db.transaction("store", "readwrite");
      const request = transaction.objectStore("store").put("y".repeat(1_500_000), 1);
      const errors = [];
      request.onerror = () => errors.push(request.error.name);
      await completed(transaction).catch((error) => errors.push(error.name));
      await completed((() => {
        const small = db.transaction("store", "readwrite");
        small.objectStore("store").put("y".repeat(300_000), 1);
        return small;
      })());
      const { quota, usage, usageDetails } = await navigator.storage.estimate();
      errors.push(quota, usage > 1_200_000 && usage < quota, Object.keys(usageDetails).sort().join());
      try {
        await (await caches.open("c")).put("/a/y", new Response(new Uint8Array(900_000)));
      } catch (error) {
        errors.push(error.name);
      }
      return errors;
    """
    assert workers.run(script) == [
        *("QuotaExceededError", "QuotaExceededError", 2_000_000, True, "caches,indexedDB"),
        "QuotaExceededError",
    ]


def test_databases_from_the_command_line(origin: Origin, proxy: ProxyProcess) -> None:
    """While a worker has one open: it can be looked into, and is closed for its deletion."""
    workers = Workers(origin, proxy)
    workers.run(PUT)
    workers.run("""
      kept.db = await open(1);
      kept.events = [];
      kept.db.onclose = () => kept.events.push("close");
    """)
    (listed,) = json.loads(proxy.run("db", "ls", "--json").stdout)
    assert (listed["database"], listed["version"], listed["records"]) == ("notes", 1, 100)
    lines = proxy.run("db", "export", origin.url, "notes").stdout.splitlines()
    assert json.loads(lines[42]) == {"store": "store", "key": 42, "value": {"number": 42}}
    removed = proxy.run("db", "rm", origin.url, "notes")
    assert removed.returncode == 0, removed.stderr
    until(lambda: workers.run("return kept.events") == ["close"])
    error = workers.run("kept.db.transaction('store')")["error"]
    assert error.startswith("InvalidStateError: ")
    assert workers.run("return await indexedDB.databases()") == []
    assert workers.run(COUNT) == 0


def test_platform_objects_are_exported(origin: Origin, proxy: ProxyProcess) -> None:
    """As real workers store them: what is made of other values, and what has bytes."""
    workers = Workers(origin, proxy)
    script = """
      const db = await open(1);
      const transaction = db.transaction("store", "readwrite");
      const store = transaction.objectStore("store");
      const point = new DOMPoint(1, 2, -0, NaN);
      store.put([point, point, new ImageData(1, 1), new Map([[1, new Date(5)]])], [1, "b"]);
      store.put({ file: new File(["xy"], "n.txt", { type: "a/b", lastModified: 3 }) }, 2);
      const read = await result(store.get([1, "b"]));
      await completed(transaction);
      db.close();
      return [read[0] instanceof DOMPoint, read[0] === read[1], Object.is(read[0].z, -0), read[2].data.length];
    """
    assert workers.run(script) == [True, True, True, 4]
    exported = proxy.run("db", "export", origin.url, "notes").stdout.splitlines()
    file, others = [json.loads(line) for line in exported]
    assert file["value"]["file"]["$file"]["name"] == "n.txt"
    assert others["key"] == [1, "b"]
    point, again, image, mapped = others["value"]
    assert point["$platform"]["name"] == "DOMPoint"
    assert again == {"$ref": "/0"}
    assert image["$platform"]["name"] == "ImageData"
    assert mapped == {"$map": [[1, {"$date": 5}]]}


def test_deleting_makes_room(origin: Origin, start_proxy: StartProxy, tmp_path: Path) -> None:
    """At the quota: what was cleared counts no more, and the oldest can make way for the newest for ever."""
    config = tmp_path / "swproxy.toml"
    config.write_text("quota = 10_000_000\n")
    workers = Workers(origin, start_proxy("--config", str(config)))
    script = """
      const db = await open(1);
      const run = (f) => {
        const transaction = db.transaction("store", "readwrite");
        f(transaction.objectStore("store"));
        return completed(transaction);
      };
      let last = 0;
      const fill = async () => {
        try {
          for (;;) await run((store) => store.put("x".repeat(50_000), last++));
        } catch (error) {
          return error.name;
        }
      };
      const seen = [await fill(), last > 100];
      await run((store) => store.clear());
      const start = last;
      seen.push(await fill(), last - start > 100);
      let evicted = start;
      for (let i = 0; i < 100; i++) {
        await run((store) => { for (let j = 0; j < 3; j++) store.delete(evicted++); });
        await run((store) => store.put("x".repeat(50_000), last++));
      }
      return seen;
    """
    assert workers.run(script) == ["QuotaExceededError", True, "QuotaExceededError", True]


def test_indexes_and_names_count(origin: Origin, start_proxy: StartProxy, tmp_path: Path) -> None:
    """An upgrade that would exceed the quota fails."""
    config = tmp_path / "swproxy.toml"
    config.write_text("quota = 10_000_000\n")
    workers = Workers(origin, start_proxy("--config", str(config)))
    script = """
      const upgrade = (version, f) => new Promise((resolve) => {
        const request = indexedDB.open("notes", version);
        request.onupgradeneeded = () => {
          request.transaction.onabort = () => resolve(request.transaction.error.name);
          f(request.result, request.transaction);
        };
        request.onsuccess = () => { request.result.close(); resolve("success"); };
      });
      const seen = [await upgrade(1, (db) => {
        const store = db.createObjectStore("store");
        for (let i = 0; i < 20; i++) store.put({ key: `${i}`.repeat(25_000) }, i);
      })];
      seen.push(await upgrade(2, (db, transaction) => {
        for (let i = 0; i < 40; i++) transaction.objectStore("store").createIndex(`i${i}`, "key");
      }));
      seen.push(await upgrade(2, (db) => {
        for (let i = 0; i < 40; i++) db.createObjectStore(`${i}` + "n".repeat(1_000_000));
      }));
      seen.push(await upgrade(2, (db) => db.createObjectStore("small")));
      return [seen, (await navigator.storage.estimate()).usage < 10_000_000];
    """
    assert workers.run(script) == [["success", "QuotaExceededError", "QuotaExceededError", "success"], True]


def test_what_a_killed_proxy_leaves_is_swept(origin: Origin, start_proxy: StartProxy) -> None:
    """Also of an origin without caches: files of a transaction that was never committed."""
    proxy = start_proxy()
    workers = Workers(origin, proxy)
    workers.run(PUT)
    half = """
      const db = await open(1);
      const transaction = db.transaction("store", "readwrite");
      const store = transaction.objectStore("store");
      for (let i = 0; i < 5; i++) await result(store.put(new Blob([new Uint8Array(100_000)]), `blob${i}`));
      store.get(1).onsuccess = function again() { store.get(1).onsuccess = again; };
    """
    workers.run(half)
    parts = workers.file().parent / "parts"
    assert len(list(parts.iterdir())) == 5
    pid = proxy.worker_pid(workers.scope("a"))
    assert pid is not None
    os.kill(proxy.process.pid, signal.SIGSTOP)  # it sees nothing of the end of its worker
    os.kill(pid, signal.SIGKILL)
    proxy.kill()
    again = Workers(origin, start_proxy())
    assert again.run(COUNT) == 100
    assert list(parts.iterdir()) == []


def test_looking_while_databases_come_and_go(origin: Origin, proxy: ProxyProcess) -> None:
    """databases() of one worker takes nothing from what another one commits, and never says that all is damaged."""
    workers = Workers(origin, proxy, "ab")
    look = """
      kept.stop = false;
      (async () => {
        while (!kept.stop) await indexedDB.databases();
        kept.stopped = true;
      })();
    """
    workers.run(look, "b")
    script = """
      const counts = [];
      for (let i = 0; i < 60; i++) {
        await result(indexedDB.deleteDatabase("notes"));
        const db = await open(1);
        const transaction = db.transaction("store", "readwrite");
        for (let j = 0; j < 20; j++) transaction.objectStore("store").put(j, j);
        await completed(transaction);
        db.close();
        const again = await open(1);
        counts.push(await result(again.transaction("store").objectStore("store").count()));
        again.close();
      }
      return counts.every((count) => count === 20);
    """
    assert workers.run(script, "a") is True
    assert workers.run("kept.stop = true; await new Promise((r) => setTimeout(r, 200)); return kept.stopped", "b")


def test_very_many_transactions_at_once(origin: Origin, proxy: ProxyProcess) -> None:
    """As libraries make them: one for each call."""
    script = """
      const db = await open(1);
      for (const mode of ["readwrite", "readonly"]) {
        await Promise.all(Array.from({ length: 2000 }, (_, i) => {
          const transaction = db.transaction("store", mode);
          const store = transaction.objectStore("store");
          if (mode === "readonly") store.get(i);
          else store.put(i, i);
          return completed(transaction);
        }));
      }
      return await result(db.transaction("store").objectStore("store").count());
    """
    assert Workers(origin, proxy).run(script) == 2000

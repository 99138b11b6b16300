/**
 * The same work for every IndexedDB: `measure(NAME)` gives the milliseconds that it took. In a worker, a request whose
 * path is `/NAME` gets them as JSON; fake_indexeddb.mjs imports this file and measures itself.
 */
const DATABASE = "bench";
const FEW = 1_000;
const MANY = 10_000;
const VERY_MANY = 100_000;

/** Like the entries of Workbox's expiration, with timestamps in an order of their own. */
function record(number) {
  const url = `https://bench.test/images/${String(number).padStart(6, "0")}.jpg`;
  return {
    id: `images|${url}`,
    url,
    cacheName: "images",
    timestamp: 1_700_000_000_000 + ((number * 7919) % VERY_MANY),
  };
}

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

function created() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("plain", { keyPath: "id" });
    request.result.createObjectStore("indexed", { keyPath: "id" }).createIndex("timestamp", "timestamp");
  };
  return result(request);
}

function putInOne(database, name, count) {
  const transaction = database.transaction(name, "readwrite");
  const store = transaction.objectStore(name);
  for (let number = 0; number < count; number++) {
    store.put(record(number));
  }
  return completed(transaction);
}

async function putOneByOne(database, name, count) {
  for (let number = 0; number < count; number++) {
    const transaction = database.transaction(name, "readwrite");
    transaction.objectStore(name).put(record(number));
    await completed(transaction);
  }
}

async function getAll(database) {
  const records = await result(database.transaction("indexed").objectStore("indexed").getAll());
  expect(records.length, MANY);
}

async function iterate(database) {
  const request = database.transaction("indexed").objectStore("indexed").openCursor();
  let seen = 0;
  await new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null) {
        resolve();
      } else {
        seen += cursor.value.cacheName === "images" ? 1 : 0;
        cursor.continue();
      }
    };
  });
  expect(seen, MANY);
}

async function lookUp(database) {
  const index = database.transaction("indexed").objectStore("indexed").index("timestamp");
  for (let number = 0; number < FEW; number++) {
    const { id, timestamp } = record(number);
    expect((await result(index.get(timestamp))).id, id);
  }
}

function expect(got, wanted) {
  if (got !== wanted) {
    throw new Error(`${got} is not ${wanted}`);
  }
}

const none = () => {};
const filled = (database) => putInOne(database, "indexed", MANY);
// What is done before the clock runs, and what is measured.
const WORK = {
  "single-puts": [none, (database) => putOneByOne(database, "plain", FEW)],
  "single-puts-indexed": [none, (database) => putOneByOne(database, "indexed", FEW)],
  "one-transaction": [none, (database) => putInOne(database, "plain", MANY)],
  "one-transaction-indexed": [none, (database) => putInOne(database, "indexed", MANY)],
  "one-large-transaction": [none, (database) => putInOne(database, "plain", VERY_MANY)],
  "get-all": [filled, getAll],
  cursor: [filled, iterate],
  "index-look-ups": [filled, lookUp],
};

globalThis.measure = async (name) => {
  const [prepare, work] = WORK[name];
  await result(indexedDB.deleteDatabase(DATABASE));
  const database = await created();
  try {
    await prepare(database);
    const start = performance.now();
    await work(database);
    return performance.now() - start;
  } finally {
    database.close();
  }
};

if (globalThis.clients !== undefined) {
  globalThis.addEventListener("fetch", (event) => {
    const name = new URL(event.request.url).pathname.slice(1);
    if (Object.hasOwn(WORK, name)) {
      event.respondWith(globalThis.measure(name).then((took) => Response.json(took)));
    }
  });
}

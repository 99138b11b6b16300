/** Notes in a database of idb's. What serves this puts `const VERSION = 1;` before it, or 2. */
importScripts("/answers.js", "/npm/idb.js");

const NOTES = [
  { id: 1, author: "ada", text: "first note", written: new Date(0) },
  { id: 2, author: "bob", text: "second note", written: new Date(1) },
  { id: 3, author: "ada", text: "third note", written: new Date(2) },
  { id: 4, author: "cyd", text: "fourth note", written: new Date(3) },
  { id: 5, author: "bob", text: "last", written: new Date(4) },
];

let opened;

async function upgrade(database, from, to, transaction) {
  if (from < 1) {
    const notes = database.createObjectStore("notes", { keyPath: "id", autoIncrement: true });
    notes.createIndex("author", "author");
    database.createObjectStore("counters");
  }
  if (from < 2 && to >= 2) {
    const notes = transaction.objectStore("notes");
    notes.createIndex("words", "words", { multiEntry: true });
    for await (const cursor of notes) {
      await cursor.update({ ...cursor.value, words: cursor.value.text.split(" ") });
    }
  }
}

function open() {
  opened ??= idb.openDB("notes", VERSION, {
    upgrade,
    blocking(_current, _wanted, event) {
      event.target.close();
      opened = undefined;
    },
  });
  return opened;
}

async function transact(mode = "readonly") {
  return (await open()).transaction("notes", mode);
}

async function nameOfError(promise) {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error.name;
  }
}

// The new version of the script migrates while the old version has the database open.
self.addEventListener("install", (event) => event.waitUntil(open()));

self.answers({
  version: async () => (await open()).version,

  async count() {
    const transaction = (await open()).transaction("counters", "readwrite");
    const counted = ((await transaction.store.get("count")) ?? 0) + 1;
    await transaction.store.put(counted, "count");
    await transaction.done;
    return counted;
  },

  async write() {
    const transaction = await transact("readwrite");
    await Promise.all([...NOTES.map((note) => transaction.store.put(note)), transaction.done]);
    return (await open()).count("notes");
  },

  async read() {
    const notes = await (await open()).getAll("notes");
    return notes.map(({ written, ...rest }) => ({ ...rest, written: written.getTime() }));
  },

  async find() {
    const database = await open();
    return {
      first: (await database.getFromIndex("notes", "author", "ada")).id,
      key: await database.getKeyFromIndex("notes", "author", "bob"),
      all: (await database.getAllFromIndex("notes", "author", "ada")).map(({ id }) => id),
      count: await database.countFromIndex("notes", "author", IDBKeyRange.lowerBound("b")),
      range: await database.getAllKeys("notes", IDBKeyRange.bound(2, 4, true)),
      limited: await database.getAllKeys("notes", null, 2),
      nothing: `${await database.getFromIndex("notes", "author", "nobody")}`,
    };
  },

  words: async () => (await open()).getAllKeysFromIndex("notes", "words", "note"),

  async iterate() {
    const { store, done } = await transact();
    const found = { store: [], backwards: [], unique: [], advanced: [], continued: [], byHand: [] };
    for await (const cursor of store) {
      found.store.push([cursor.key, cursor.value.author]);
    }
    for await (const cursor of store.index("author").iterate(null, "prev")) {
      found.backwards.push([cursor.key, cursor.primaryKey]);
    }
    for await (const cursor of store.index("author").iterate(null, "nextunique")) {
      found.unique.push([cursor.key, cursor.primaryKey]);
    }
    for await (const cursor of store) {
      found.advanced.push(cursor.key);
      cursor.advance(2);
    }
    for await (const cursor of store.iterate(IDBKeyRange.upperBound(4))) {
      found.continued.push(cursor.key);
      cursor.continue(cursor.key === 1 ? 3 : undefined);
    }
    let cursor = await store.openKeyCursor();
    while (cursor) {
      found.byHand.push(cursor.key);
      cursor = await cursor.continue();
    }
    await done;
    return found;
  },

  async change() {
    const { store, done } = await transact("readwrite");
    for await (const cursor of store) {
      if (cursor.key % 2 === 0) {
        cursor.delete();
      } else {
        cursor.update({ ...cursor.value, text: "changed" });
      }
    }
    const generated = await store.add({ author: "dan", text: "new", written: new Date(5) });
    await done;
    return generated;
  },

  async abort() {
    const transaction = await transact("readwrite");
    await transaction.store.clear();
    transaction.abort();
    return nameOfError(transaction.done);
  },

  async conflict() {
    const { store, done } = await transact("readwrite");
    const added = [{ ...NOTES[0], id: 100 }, NOTES[0]].map((note) => store.add(note));
    return [await nameOfError(Promise.all(added)), await nameOfError(done)];
  },
});

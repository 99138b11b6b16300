// node fake_indexeddb.mjs NAME...: prints the milliseconds of each of these works, in fake-indexeddb, as JSON.
import "fake-indexeddb/auto";
import "./indexed_database.js";

const figures = {};
for (const name of process.argv.slice(2)) {
  figures[name] = await globalThis.measure(name);
}
console.log(JSON.stringify(figures));

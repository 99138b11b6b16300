/** Values and several stores, by localForage. */
importScripts("/answers.js", "/npm/localforage.js");

localforage.config({ name: "localforage-test" });

self.answers({
  driver: async () => {
    await localforage.ready();
    return localforage.driver() === localforage.INDEXEDDB;
  },

  async count() {
    return localforage.setItem("count", ((await localforage.getItem("count")) ?? 0) + 1);
  },

  async write() {
    await localforage.setItem("object", { list: [1, "two", { three: 3 }], date: new Date(1000) });
    await localforage.setItem("buffer", new Uint8Array([1, 2, 3]).buffer);
    await localforage.setItem("floats", new Float64Array([0.5, -1]));
    await localforage.setItem("blob", new Blob(["in a ", "blob"], { type: "text/x-kept" }));
    await localforage.setItem("undefined", undefined);
    await localforage.setItem("gone", 1);
    await localforage.removeItem("gone");
    return localforage.length();
  },

  async read() {
    const { list, date } = await localforage.getItem("object");
    const blob = await localforage.getItem("blob");
    return {
      list,
      date: date.getTime(),
      buffer: [...new Uint8Array(await localforage.getItem("buffer"))],
      floats: [...(await localforage.getItem("floats"))],
      blob: [await blob.text(), blob.type],
      undefined: await localforage.getItem("undefined"),
      gone: await localforage.getItem("gone"),
      keys: await localforage.keys(),
    };
  },

  async iterate() {
    const seen = [];
    const ended = await localforage.iterate((_value, key, number) => {
      seen.push([number, key]);
      return key === "floats" ? "enough" : undefined;
    });
    return { seen, ended };
  },

  /** localForage raises the version of the database for every store that it adds. */
  async stores() {
    const other = localforage.createInstance({ name: "localforage-test", storeName: "other" });
    await other.setItem("key", "of the other");
    const third = localforage.createInstance({ name: "localforage-test", storeName: "third" });
    await third.setItem("key", "of the third");
    const found = [await other.getItem("key"), await third.getItem("key"), await localforage.getItem("key")];
    await third.dropInstance();
    return [...found, await other.keys()];
  },
});

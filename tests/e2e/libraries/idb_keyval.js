/** Values of many types, by idb-keyval. */
importScripts("/answers.js", "/npm/idb-keyval.js");

const { clear, createStore, del, entries, get, getMany, keys, set, setMany, update } = idbKeyval;

self.answers({
  async count() {
    await update("count", (count = 0) => count + 1);
    return get("count");
  },

  async write() {
    await setMany([
      ["date", new Date(86_400_000)],
      ["map", new Map([["set", new Set([1, 2])]])],
      ["bytes", new Uint8Array([0, 127, 255])],
      ["bigint", 12345678901234567890n],
      ["text", "\u{1f600}\u0000\ud800"],
      ["pattern", /a.b/gi],
      [["an", "array"], { nested: [undefined, null, NaN, -0] }],
    ]);
    await set(new Date(0), "a date as key");
    await set(3, "a number as key");
    await set("gone", true);
    await del("gone");
    return (await keys()).length;
  },

  async read() {
    const names = ["date", "map", "bytes", "bigint", "text", "pattern", ["an", "array"], "gone"];
    const [date, map, bytes, bigint, text, pattern, { nested }, gone] = await getMany(names);
    return {
      date: date.toISOString(),
      map: [...map.get("set")],
      bytes: [bytes.constructor.name, ...bytes],
      bigint: `${bigint}`,
      text: Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)),
      pattern: `${pattern}`,
      nested: [nested[0] === undefined, nested[1] === null, Number.isNaN(nested[2]), Object.is(nested[3], -0)],
      gone: gone === undefined,
      keys: await keys(),
    };
  },

  async stores() {
    const own = createStore("own-database", "own-store");
    await clear(own);
    await set("name", "of the other", own);
    return [await entries(own), (await get("name")) === undefined];
  },

  /** None of twenty that all begin at once is lost. */
  async race() {
    await set("races", 0);
    await Promise.all(Array.from({ length: 20 }, () => update("races", (races) => races + 1)));
    return get("races");
  },
});

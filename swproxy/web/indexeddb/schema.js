// The object stores and indexes of a database, as a connection knows them.
import { ArrayIsArray, ArrayPrototypeSlice, MapKeys, MapValues, SafeMap } from "../infra/primordials.js";

/** https://w3c.github.io/IndexedDB/#object-store-construct. Its number is the host's, too. */
export class ObjectStore {
  isDeleted = false;
  indexes = new SafeMap(); // name -> Index

  constructor({ id, name, keyPath, autoIncrement }) {
    this.id = id;
    this.name = name;
    this.keyPath = keyPath;
    this.autoIncrement = autoIncrement;
  }

  delete() {
    this.isDeleted = true;
    const indexes = MapValues(this.indexes);
    for (let i = 0; i < indexes.length; i++) indexes[i].isDeleted = true;
    this.indexes.clear();
  }
}

/** https://w3c.github.io/IndexedDB/#index-construct */
export class Index {
  isDeleted = false;

  constructor(store, { id, name, keyPath, multiEntry, unique }) {
    this.store = store;
    this.id = id;
    this.name = name;
    this.keyPath = keyPath;
    this.multiEntry = multiEntry;
    this.unique = unique;
  }
}

/** The object store set of a connection: name -> ObjectStore, of what the host describes. */
export function objectStoresFromHost(descriptions) {
  const stores = new SafeMap();
  for (let i = 0; i < descriptions.length; i++) {
    const store = new ObjectStore(descriptions[i]);
    stores.set(store.name, store);
    const { indexes } = descriptions[i];
    for (let j = 0; j < indexes.length; j++) store.indexes.set(indexes[j].name, new Index(store, indexes[j]));
  }
  return stores;
}

/** A key path as scripts see it, which is not the list that we use. */
export const keyPathForScript = (keyPath) => (ArrayIsArray(keyPath) ? ArrayPrototypeSlice(keyPath) : keyPath);

/** Gives something the name in the map, which keeps no order. */
export function renameIn(map, item, name) {
  map.delete(item.name);
  item.name = name;
  map.set(name, item);
}

/** What the stores and indexes were when an upgrade transaction began: they are that again if it is aborted. */
export class Snapshot {
  #stores = [];
  #touched = [];

  constructor(stores) {
    const list = MapValues(stores);
    for (let i = 0; i < list.length; i++) {
      const store = list[i];
      this.#stores[i] = { store, name: store.name, indexes: namesOf(store.indexes) };
    }
  }

  /** A store or an index has been made since. */
  add(item) {
    this.#touched[this.#touched.length] = item;
  }

  /** https://w3c.github.io/IndexedDB/#abort-an-upgrade-transaction: what the stores were */
  restore() {
    for (let i = 0; i < this.#touched.length; i++) {
      const item = this.#touched[i];
      if (item instanceof ObjectStore) item.delete();
      else item.isDeleted = true;
    }
    const stores = new SafeMap();
    for (let i = 0; i < this.#stores.length; i++) {
      const { store, name, indexes } = this.#stores[i];
      store.name = name;
      store.isDeleted = false;
      store.indexes.clear();
      for (let j = 0; j < indexes.length; j++) {
        const { item, name: indexName } = indexes[j];
        item.name = indexName;
        item.isDeleted = false;
        store.indexes.set(indexName, item);
      }
      stores.set(name, store);
    }
    return stores;
  }
}

function namesOf(map) {
  const names = MapKeys(map);
  const entries = [];
  for (let i = 0; i < names.length; i++) entries[i] = { name: names[i], item: map.get(names[i]) };
  return entries;
}

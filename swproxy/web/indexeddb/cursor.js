// https://w3c.github.io/IndexedDB/#cursor-interface
import { TypeErrorConstructor } from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { any, enforceRange, unsignedLong } from "../webidl/types.js";
import { dataError, invalidAccessError, invalidStateError } from "./errors.js";
import { compareKeys, convertKeyToValue, keyOf } from "./keys.js";
import { store } from "./object_store.js";
import { IDBRequest } from "./request.js";

/** https://w3c.github.io/IndexedDB/#cursor-construct, and the request that iterates it */
class Cursor {
  source; // a Source
  range;
  direction;
  isKeyOnly;
  object;
  request = null;
  position = null; // a key
  primaryKey = null; // of the record: that of the object store position
  gotValue = false;
  // What scripts see; the keys become values when they are asked for.
  key = undefined;
  primary = undefined;
  value = undefined;

  constructor(source, range, direction, isKeyOnly) {
    this.source = source;
    this.range = range;
    this.direction = direction;
    this.isKeyOnly = isKeyOnly;
    this.object = isKeyOnly ? new IDBCursor(this) : new IDBCursorWithValue(this);
  }

  /** https://w3c.github.io/IndexedDB/#iterate-a-cursor */
  iterate(key, primaryKey, count) {
    const { source, position } = this;
    const operation = () => [
      "seek",
      source.place,
      this.range,
      this.direction,
      [position, this.primaryKey, key, primaryKey],
      count,
      !this.isKeyOnly,
    ];
    const request = this.request ?? undefined;
    if (request !== undefined) IDBRequest.reset(request);
    this.gotValue = false;
    this.request = source.transaction.execute(source.handle, operation, (row) => this.#found(row), request);
    return this.request;
  }

  /** What the host found: [key, primary key, described value], or null. */
  #found(row) {
    this.key = this.primary = this.value = undefined;
    if (row === null) {
      this.position = this.primaryKey = null;
      return null;
    }
    this.position = row[0];
    this.primaryKey = row[1];
    if (!this.isKeyOnly) this.value = this.source.valueOf(row[2]);
    this.gotValue = true;
    return this.object;
  }

  /** What all methods check that move it or change its record. */
  checkGotValue() {
    if (!this.gotValue) throw invalidStateError("The cursor is being iterated or has iterated past its end.");
  }

  get isAscending() {
    return this.direction === "next" || this.direction === "nextunique";
  }

  checkAhead(order) {
    if (this.isAscending ? order > 0 : order < 0) return;
    const where = this.isAscending ? "less" : "greater";
    throw dataError(`The parameter is ${where} than or equal to this cursor's position.`);
  }
}

/** The request for a new cursor. */
export const openCursor = (source, range, direction, isKeyOnly) =>
  new Cursor(source, range, direction, isKeyOnly).iterate(null, null, 1);

export class IDBCursor {
  #cursor;

  constructor(cursor) {
    this.#cursor = cursor;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #cursor in value;
  }

  static cursorOf(object) {
    return object.#cursor;
  }

  get source() {
    return this.#cursor.source.handle;
  }

  get direction() {
    return this.#cursor.direction;
  }

  get key() {
    const cursor = this.#cursor;
    if (cursor.position !== null) cursor.key ??= convertKeyToValue(cursor.position);
    return cursor.key;
  }

  get primaryKey() {
    const cursor = this.#cursor;
    if (cursor.primaryKey !== null) cursor.primary ??= convertKeyToValue(cursor.primaryKey);
    return cursor.primary;
  }

  get request() {
    return this.#cursor.request;
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbcursor-advance */
  advance(count) {
    const cursor = this.#cursor;
    if (count === 0)
      throw new TypeErrorConstructor("A count argument with value 0 was supplied, must be greater than 0.");
    cursor.source.checkActive();
    cursor.source.checkNotDeleted();
    cursor.checkGotValue();
    cursor.iterate(null, null, count);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbcursor-continue */
  continue(value) {
    const cursor = this.#cursor;
    cursor.source.checkActive();
    cursor.source.checkNotDeleted();
    cursor.checkGotValue();
    let key = null;
    if (value !== undefined) {
      key = keyOf(value);
      cursor.checkAhead(compareKeys(key, cursor.position));
    }
    cursor.iterate(key, null, 1);
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbcursor-continueprimarykey */
  continuePrimaryKey(value, primaryValue) {
    const cursor = this.#cursor;
    cursor.source.checkActive();
    cursor.source.checkNotDeleted();
    if (cursor.source.index === null) throw invalidAccessError("The cursor's source is not an index.");
    if (cursor.direction !== "next" && cursor.direction !== "prev") {
      throw invalidAccessError("The cursor's direction is not 'next' or 'prev'.");
    }
    cursor.checkGotValue();
    const key = keyOf(value);
    const primaryKey = keyOf(primaryValue);
    const order = compareKeys(key, cursor.position);
    cursor.checkAhead(order === 0 ? compareKeys(primaryKey, cursor.primaryKey) : order);
    cursor.iterate(key, primaryKey, 1);
  }

  /** What update() and delete() check. */
  #checkRecord() {
    const cursor = this.#cursor;
    cursor.source.checkActive();
    cursor.source.checkWritable();
    cursor.source.checkNotDeleted();
    cursor.checkGotValue();
    if (cursor.isKeyOnly) throw invalidStateError("The cursor is a key cursor.");
    return cursor;
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbcursor-update */
  update(value) {
    const { source, primaryKey } = this.#checkRecord();
    return store(source, value, primaryKey, true, this, (found) => {
      if (found === undefined || found === null || compareKeys(found, primaryKey) !== 0) {
        throw dataError("The value's key is not that of the cursor.");
      }
    });
  }

  /** https://w3c.github.io/IndexedDB/#dom-idbcursor-delete */
  delete() {
    const { source, primaryKey } = this.#checkRecord();
    const operation = ["delete", source.store.id, [primaryKey, primaryKey, false, false]];
    return source.transaction.execute(this, operation, () => undefined);
  }
}

defineInterface(IDBCursor, {
  readonly: ["source", "direction", "key", "primaryKey", "request"],
  operations: {
    advance: [enforceRange(unsignedLong)],
    continue: [optional(any)],
    continuePrimaryKey: [any, any],
    update: [any],
    delete: [],
  },
});

/** https://w3c.github.io/IndexedDB/#idbcursorwithvalue */
export class IDBCursorWithValue extends IDBCursor {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  get value() {
    return IDBCursor.cursorOf(this).value;
  }
}

defineInterface(IDBCursorWithValue, { readonly: ["value"] });

// https://url.spec.whatwg.org/#interface-urlsearchparams
import { op_urlencoded_parse, op_urlencoded_serialize } from "host:ops";
import {
  ArrayPrototypeSort,
  ArrayPrototypeSplice,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { record, sequence, union, USVString } from "../webidl/types.js";

const withoutQuestionMark = (query) =>
  StringPrototypeStartsWith(query, "?") ? StringPrototypeSlice(query, 1) : query;

export class URLSearchParams {
  #list;
  #update;

  constructor(list, update = null) {
    this.#list = list;
    this.#update = update;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #list in value;
  }

  static construct(init) {
    if (typeof init === "string") return [op_urlencoded_parse(withoutQuestionMark(init))];
    for (let i = 0; i < init.length; i++) {
      if (init[i].length !== 2) {
        throw new TypeErrorConstructor("Failed to construct 'URLSearchParams': a pair must have two elements.");
      }
    }
    return [init];
  }

  /** Those of a URL: `update` gets the new query whenever they change. */
  static of(query, update) {
    return new URLSearchParams(op_urlencoded_parse(withoutQuestionMark(query)), update);
  }

  static reset(params, query) {
    params.#list = op_urlencoded_parse(withoutQuestionMark(query));
  }

  static pairs(params) {
    return params.#list;
  }

  static serialize(params) {
    return op_urlencoded_serialize(params.#list);
  }

  #changed() {
    this.#update?.(op_urlencoded_serialize(this.#list));
  }

  get size() {
    return this.#list.length;
  }

  append(name, value) {
    this.#list[this.#list.length] = [name, value];
    this.#changed();
  }

  delete(name, value) {
    const list = this.#list;
    for (let i = list.length - 1; i >= 0; i--) {
      if (list[i][0] === name && (value === undefined || list[i][1] === value)) ArrayPrototypeSplice(list, i, 1);
    }
    this.#changed();
  }

  get(name) {
    for (let i = 0; i < this.#list.length; i++) if (this.#list[i][0] === name) return this.#list[i][1];
    return null;
  }

  getAll(name) {
    const values = [];
    for (let i = 0; i < this.#list.length; i++) {
      if (this.#list[i][0] === name) values[values.length] = this.#list[i][1];
    }
    return values;
  }

  has(name, value) {
    for (let i = 0; i < this.#list.length; i++) {
      if (this.#list[i][0] === name && (value === undefined || this.#list[i][1] === value)) return true;
    }
    return false;
  }

  set(name, value) {
    const list = this.#list;
    let found = false;
    for (let i = 0; i < list.length; i++) {
      if (list[i][0] !== name) continue;
      if (found) {
        ArrayPrototypeSplice(list, i--, 1);
      } else {
        list[i][1] = value;
        found = true;
      }
    }
    if (!found) list[list.length] = [name, value];
    this.#changed();
  }

  sort() {
    // By code units, as the comparison of strings goes; the sort is stable.
    ArrayPrototypeSort(this.#list, (a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    this.#changed();
  }

  toString() {
    return op_urlencoded_serialize(this.#list);
  }
}

defineInterface(URLSearchParams, {
  constructor: [optional(union(sequence(sequence(USVString)), record(USVString, USVString), USVString), "")],
  readonly: ["size"],
  operations: {
    append: [USVString, USVString],
    delete: [USVString, optional(USVString)],
    get: [USVString],
    getAll: [USVString],
    has: [USVString, optional(USVString)],
    set: [USVString, USVString],
    sort: [],
    toString: [],
  },
  iterable: "pairs",
});

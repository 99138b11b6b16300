// https://html.spec.whatwg.org/#domstringlist
import {
  ArrayPrototypeIncludes,
  ArrayPrototypeSymbolIterator,
  ObjectDefineProperty,
  SymbolIterator,
} from "../infra/primordials.js";
import { defineInterface } from "../webidl/interface.js";
import { DOMString, unsignedLong } from "../webidl/types.js";

export class DOMStringList {
  #strings;

  /** The list does not change any more. */
  constructor(strings) {
    this.#strings = strings;
    for (let i = 0; i < strings.length; i++) {
      ObjectDefineProperty(this, i, { __proto__: null, value: strings[i], enumerable: true, configurable: true });
    }
  }

  static is(value) {
    return typeof value === "object" && value !== null && #strings in value;
  }

  get length() {
    return this.#strings.length;
  }

  item(index) {
    return this.#strings[index] ?? null;
  }

  contains(string) {
    return ArrayPrototypeIncludes(this.#strings, string);
  }
}

defineInterface(DOMStringList, {
  readonly: ["length"],
  operations: { item: [unsignedLong], contains: [DOMString] },
});

// https://webidl.spec.whatwg.org/#js-iterator: that of arrays, for an interface with indexed properties
ObjectDefineProperty(DOMStringList.prototype, SymbolIterator, {
  __proto__: null,
  value: ArrayPrototypeSymbolIterator,
  writable: true,
  configurable: true,
});

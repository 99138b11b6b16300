// https://xhr.spec.whatwg.org/#interface-formdata
import { op_form_data_parse, op_form_data_serialize } from "host:ops";
import { ArrayPrototypeSplice } from "../infra/primordials.js";
import { bodyKinds } from "../fetch/body.js";
import { Blob, blobType } from "../file/blob.js";
import { ByteRange } from "../file/byte_range.js";
import { File } from "../file/file.js";
import { defineInterface, optional, overloaded } from "../webidl/interface.js";
import { interfaceType, nullable, USVString } from "../webidl/types.js";

export class FormData {
  #entries; // of [name, value]; a value is a string or a File

  constructor(entries) {
    this.#entries = entries;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #entries in value;
  }

  static construct() {
    return [[]];
  }

  static pairs(formData) {
    return formData.#entries;
  }

  append(name, value, filename) {
    this.#entries[this.#entries.length] = createEntry(name, value, filename);
  }

  delete(name) {
    const entries = this.#entries;
    for (let i = entries.length - 1; i >= 0; i--) {
      if (entries[i][0] === name) ArrayPrototypeSplice(entries, i, 1);
    }
  }

  get(name) {
    const index = this.#indexOf(name);
    return index < 0 ? null : this.#entries[index][1];
  }

  getAll(name) {
    const values = [];
    for (let i = 0; i < this.#entries.length; i++) {
      if (this.#entries[i][0] === name) values[values.length] = this.#entries[i][1];
    }
    return values;
  }

  has(name) {
    return this.#indexOf(name) >= 0;
  }

  set(name, value, filename) {
    const entries = this.#entries;
    const entry = createEntry(name, value, filename);
    const index = this.#indexOf(name);
    if (index < 0) {
      entries[entries.length] = entry;
      return;
    }
    entries[index] = entry;
    for (let i = entries.length - 1; i > index; i--) {
      if (entries[i][0] === name) ArrayPrototypeSplice(entries, i, 1);
    }
  }

  #indexOf(name) {
    for (let i = 0; i < this.#entries.length; i++) if (this.#entries[i][0] === name) return i;
    return -1;
  }
}

/** https://html.spec.whatwg.org/#create-an-entry */
function createEntry(name, value, filename) {
  if (typeof value === "string" || (File.is(value) && filename === undefined)) return [name, value];
  const lastModified = File.is(value) ? value.lastModified : undefined;
  return [name, new File(Blob.range(value), value.type, filename ?? "blob", lastModified)];
}

/** { handle, type } of a host body; type is its Content-Type. */
function serialize(formData) {
  const entries = FormData.pairs(formData);
  const list = [];
  for (let i = 0; i < entries.length; i++) {
    const { 0: name, 1: value } = entries[i];
    if (typeof value === "string") {
      list[i] = [name, value];
    } else {
      const { place } = Blob.range(value);
      list[i] = [name, value.name, value.type, place[0], place[1], place[2]];
    }
  }
  const { boundary, body } = op_form_data_serialize(list);
  return { handle: body, type: `multipart/form-data; boundary=${boundary}` };
}

/** What formData() of a Response or Request gives, for an InnerBody or null and the value of Content-Type or null. */
export async function formDataOfBody(body, contentType) {
  const range = await ByteRange.ofBody(body);
  const entries = op_form_data_parse(contentType, range.place[0], range.size);
  for (let i = 0; i < entries.length; i++) {
    if (entries[i].length === 2) continue;
    const { 0: name, 1: filename, 2: type, 3: start, 4: end } = entries[i];
    entries[i] = [name, new File(range.slice(start, end), type, filename)];
  }
  return new FormData(entries);
}

// A value that is no Blob becomes a string, unless a file name comes with it.
const withValue = (values) => {
  if (values.length > 2) return [USVString, blobType, optional(USVString)];
  return [USVString, Blob.is(values[1]) ? blobType : USVString];
};

// There are no elements in a worker.
const element = (name) => interfaceType(name, () => false);

defineInterface(FormData, {
  constructor: [optional(element("HTMLFormElement")), optional(nullable(element("HTMLElement")))],
  operations: {
    append: overloaded(2, withValue),
    delete: [USVString],
    get: [USVString],
    getAll: [USVString],
    has: [USVString],
    set: overloaded(2, withValue),
  },
  iterable: "pairs",
});

bodyKinds.isFormData = FormData.is;
bodyKinds.fromFormData = serialize;

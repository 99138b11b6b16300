// https://streams.spec.whatwg.org/#queue-with-sizes

/** A first-in-first-out list, each of whose operations takes constant time. */
export class Queue {
  length = 0;
  totalSize = 0;
  #first = null;
  #last = null;

  push(value, size = 0) {
    const entry = { value, size, next: null };
    if (this.#first === null) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.length++;
    this.totalSize += size;
  }

  peek() {
    return this.#first.value;
  }

  shift() {
    const { value, size, next } = this.#first;
    this.#first = next;
    this.length--;
    this.totalSize -= size;
    if (this.totalSize < 0) this.totalSize = 0; // rounding errors
    return value;
  }

  clear() {
    this.length = 0;
    this.totalSize = 0;
    this.#first = null;
    this.#last = null;
  }
}

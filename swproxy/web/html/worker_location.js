// https://html.spec.whatwg.org/#worker-locations
import { parseParts } from "../url/url.js";
import { defineInterface } from "../webidl/interface.js";
import { baseURL } from "./environment.js";

export class WorkerLocation {
  #parts = null;

  static is(value) {
    return typeof value === "object" && value !== null && #parts in value;
  }

  #part(index) {
    this.#parts ??= parseParts(baseURL(), null);
    return this.#parts[index];
  }

  get href() {
    return this.#part(0);
  }

  get origin() {
    return this.#part(10);
  }

  get protocol() {
    return this.#part(1);
  }

  get host() {
    return this.#part(4);
  }

  get hostname() {
    return this.#part(5);
  }

  get port() {
    return this.#part(6);
  }

  get pathname() {
    return this.#part(7);
  }

  get search() {
    return this.#part(8);
  }

  get hash() {
    return this.#part(9);
  }
}

defineInterface(WorkerLocation, {
  readonly: ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"],
  stringifier: "href",
});

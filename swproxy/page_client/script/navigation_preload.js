// https://w3c.github.io/ServiceWorker/#navigation-preload-manager
import { call } from "./channel.js";
import { RegExpPrototypeExec, TypeError } from "./primordials.js";
import { constructing, defineInterface } from "./webidl.js";

// A ByteString that is a header value, and what is left of it when it is normalized. Line breaks are not trimmed:
// browsers refuse them.
const HEADER_VALUE = /^[\t ]*([^\0\n\r\u0100-\uffff]*?)[\t ]*$/;

export class NavigationPreloadManager {
  #registration;

  // Takes what gives the number that the registration has now.
  constructor() {
    constructing();
    this.#registration = arguments[0];
  }

  async enable() {
    await this.#ask("enable");
  }

  async disable() {
    await this.#ask("disable");
  }

  async setHeaderValue(value) {
    const found = arguments.length > 0 ? RegExpPrototypeExec(HEADER_VALUE, `${value}`) : null;
    if (found === null) {
      throw new TypeError(
        "Failed to execute 'setHeaderValue' on 'NavigationPreloadManager': This is not a valid HTTP header value.",
      );
    }
    await this.#ask("set", found[1]);
  }

  async getState() {
    return this.#ask("state");
  }

  #ask(operation, value = null) {
    return call("navigation_preload", [this.#registration(), operation, value]);
  }
}

defineInterface(NavigationPreloadManager, { operations: ["enable", "disable", "setHeaderValue", "getState"] });

// https://html.spec.whatwg.org/#the-workernavigator-object
import { op_navigator } from "host:ops";
import { ObjectFreeze } from "../infra/primordials.js";
import { defineInterface } from "../webidl/interface.js";
import { isOnLine } from "./environment.js";

export class WorkerNavigator {
  #values = null;

  static is(value) {
    return typeof value === "object" && value !== null && #values in value;
  }

  get #host() {
    this.#values ??= op_navigator();
    return this.#values;
  }

  get appCodeName() {
    void this.#values;
    return "Mozilla";
  }

  get appName() {
    void this.#values;
    return "Netscape";
  }

  get appVersion() {
    return this.#host.appVersion;
  }

  get platform() {
    return this.#host.platform;
  }

  get product() {
    void this.#values;
    return "Gecko";
  }

  get userAgent() {
    return this.#host.userAgent;
  }

  get language() {
    return this.#host.languages[0];
  }

  get languages() {
    return ObjectFreeze(this.#host.languages);
  }

  get hardwareConcurrency() {
    return this.#host.hardwareConcurrency;
  }

  get onLine() {
    void this.#values;
    return isOnLine();
  }

  get locks() {
    void this.#values;
    return load("../web_locks/lock_manager.js").lockManager;
  }

  get permissions() {
    void this.#values;
    return load("../permissions/permissions.js").permissions;
  }

  get storage() {
    void this.#values;
    return load("../storage/storage_manager.js").storage;
  }
}

defineInterface(WorkerNavigator, {
  readonly: [
    "appCodeName",
    "appName",
    "appVersion",
    "platform",
    "product",
    "userAgent",
    "language",
    "languages",
    "hardwareConcurrency",
    "onLine",
    "locks",
    "permissions",
    "storage",
  ],
});

export const navigator = new WorkerNavigator();

// https://w3c.github.io/permissions/#permissionstatus-interface
import { defineEventHandlers, EventTarget } from "../events/event_target.js";
import { defineInterface } from "../webidl/interface.js";

export class PermissionStatus extends EventTarget {
  #name;

  constructor(name) {
    super();
    this.#name = name;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #name in value;
  }

  get name() {
    return this.#name;
  }

  /** Always "denied": outside a browser nobody can be asked. */
  get state() {
    void this.#name;
    return "denied";
  }
}

defineInterface(PermissionStatus, { readonly: ["name", "state"] });
defineEventHandlers(PermissionStatus.prototype, PermissionStatus.is, ["change"]);

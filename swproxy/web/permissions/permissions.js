// https://w3c.github.io/permissions/#permissions-interface
import { defineInterface, promising } from "../webidl/interface.js";
import { dictionary, enumeration, required } from "../webidl/types.js";
import { PermissionStatus } from "./permission_status.js";

// https://w3c.github.io/permissions-registry/, and what Chromium has besides.
const PermissionName = enumeration("PermissionName", [
  "accelerometer",
  "ambient-light-sensor",
  "background-fetch",
  "background-sync",
  "camera",
  "geolocation",
  "gyroscope",
  "magnetometer",
  "microphone",
  "midi",
  "notifications",
  "persistent-storage",
  "push",
  "screen-wake-lock",
  "storage-access",
]);
const PermissionDescriptor = dictionary("PermissionDescriptor", { name: required(PermissionName) });

export class Permissions {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  async query(descriptor) {
    void this.#brand;
    return new PermissionStatus(descriptor.name);
  }
}

defineInterface(Permissions, { operations: { query: promising([PermissionDescriptor]) } });

export const permissions = new Permissions();

// https://storage.spec.whatwg.org/#storagemanager
import { op_storage_estimate } from "host:ops";
import { defineInterface, promising } from "../webidl/interface.js";

export class StorageManager {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  async persisted() {
    return false;
  }

  async estimate() {
    return op_storage_estimate();
  }
}

defineInterface(StorageManager, { operations: { persisted: promising([]), estimate: promising([]) } });

export const storage = new StorageManager();

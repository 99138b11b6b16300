// https://w3c.github.io/ServiceWorker/#navigation-preload-manager, of this worker's own registration
import { op_navigation_preload } from "host:ops";
import { RegExpPrototypeTest, TypeErrorConstructor } from "../infra/primordials.js";
import { normalizeValue } from "../fetch/headers.js";
import { defineInterface, promising } from "../webidl/interface.js";
import { ByteString } from "../webidl/types.js";

export class NavigationPreloadManager {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  async enable() {
    await op_navigation_preload("enable", null);
  }

  async disable() {
    await op_navigation_preload("disable", null);
  }

  async setHeaderValue(value) {
    // Line breaks are not trimmed: browsers refuse them.
    if (RegExpPrototypeTest(/[\0\n\r]/, value)) {
      throw new TypeErrorConstructor(
        "Failed to execute 'setHeaderValue' on 'NavigationPreloadManager': This is not a valid HTTP header value.",
      );
    }
    await op_navigation_preload("set", normalizeValue(value));
  }

  async getState() {
    return await op_navigation_preload("state", null);
  }
}

defineInterface(NavigationPreloadManager, {
  operations: {
    enable: promising([]),
    disable: promising([]),
    setHeaderValue: promising([ByteString]),
    getState: promising([]),
  },
});

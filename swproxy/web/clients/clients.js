// https://w3c.github.io/ServiceWorker/#clients-interface
import { op_clients_claim, op_clients_get, op_clients_match_all, op_clients_open_window } from "host:ops";
import { ObjectFreeze, TypeErrorConstructor } from "../infra/primordials.js";
import { baseURL } from "../html/environment.js";
import { parseURL } from "../url/url.js";
import { defineInterface, optional, promising } from "../webidl/interface.js";
import { boolean, dictionary, DOMString, enumeration, USVString, withDefault } from "../webidl/types.js";
import { clientFor } from "./client.js";

const ClientQueryOptions = dictionary("ClientQueryOptions", {
  includeUncontrolled: withDefault(boolean, false),
  type: withDefault(enumeration("ClientType", ["window", "worker", "sharedworker", "all"]), "window"),
});

export class Clients {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  async get(id) {
    return clientFor(await op_clients_get(id));
  }

  async matchAll(options) {
    const states = await op_clients_match_all(options);
    const list = [];
    for (let i = 0; i < states.length; i++) list[i] = clientFor(states[i]);
    return ObjectFreeze(list);
  }

  async openWindow(url) {
    const parsed = parseURL(url, baseURL());
    if (parsed === null || parsed === "about:blank") {
      throw new TypeErrorConstructor(`Failed to execute 'openWindow' on 'Clients': Invalid URL: '${url}'`);
    }
    return clientFor(await op_clients_open_window(parsed)) ?? null;
  }

  async claim() {
    await op_clients_claim();
  }
}

defineInterface(Clients, {
  operations: {
    get: promising([DOMString]),
    matchAll: promising([optional(ClientQueryOptions)]),
    openWindow: promising([USVString]),
    claim: promising([]),
  },
});

export const clients = new Clients();

// https://w3c.github.io/ServiceWorker/#client-interface and #windowclient
import { op_client_focus, op_client_navigate, op_client_post_message } from "host:ops";
import { ObjectFreeze, SymbolIterator, TypeErrorConstructor } from "../infra/primordials.js";
import { baseURL } from "../html/environment.js";
import { parseURL } from "../url/url.js";
import { defineInterface, optional, overloaded, promising } from "../webidl/interface.js";
import { any, dictionary, object, sequence, USVString, withDefault } from "../webidl/types.js";

export const StructuredSerializeOptions = dictionary("StructuredSerializeOptions", {
  transfer: withDefault(sequence(object), () => []),
});

/** postMessage(message, transfer) and postMessage(message, options): the second argument tells. */
export const postMessageArguments = overloaded(1, (values) => {
  const isList = values[1] !== null && typeof values[1] === "object" && values[1][SymbolIterator] !== undefined;
  return isList ? [any, sequence(object)] : [any, optional(StructuredSerializeOptions)];
});

export const transferOf = (second) => (second === undefined ? [] : (second.transfer ?? second));

export class Client {
  #state;

  /** state: { id, url, type, frameType, focused, visibilityState, ancestorOrigins } */
  constructor(state) {
    this.#state = state;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #state in value;
  }

  static stateOf(client) {
    return client.#state;
  }

  get url() {
    return this.#state.url;
  }

  get frameType() {
    return this.#state.frameType;
  }

  get id() {
    return this.#state.id;
  }

  get type() {
    return this.#state.type;
  }

  postMessage(message, second) {
    const { postToHost } = load("../messaging/host_message.js");
    postToHost(message, transferOf(second), (record) => op_client_post_message(this.#state.id, record));
  }
}

defineInterface(Client, {
  readonly: ["url", "frameType", "id", "type"],
  operations: { postMessage: postMessageArguments },
});

export class WindowClient extends Client {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  get visibilityState() {
    return Client.stateOf(this).visibilityState;
  }

  get focused() {
    return Client.stateOf(this).focused;
  }

  get ancestorOrigins() {
    return ObjectFreeze(Client.stateOf(this).ancestorOrigins);
  }

  async focus() {
    return clientFor(await op_client_focus(this.id));
  }

  async navigate(url) {
    const parsed = parseURL(url, baseURL());
    if (parsed === null || parsed === "about:blank") {
      throw new TypeErrorConstructor(`Failed to execute 'navigate' on 'WindowClient': Invalid URL: '${url}'`);
    }
    return clientFor(await op_client_navigate(this.id, parsed)) ?? null;
  }
}

defineInterface(WindowClient, {
  readonly: ["visibilityState", "focused", "ancestorOrigins"],
  operations: { focus: promising([]), navigate: promising([USVString]) },
});

/** The object for what the host says of a client, or undefined. */
export function clientFor(state) {
  if (state === undefined) return undefined;
  return state.type === "window" ? new WindowClient(state) : new Client(state);
}

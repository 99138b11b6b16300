// https://w3c.github.io/web-locks/. The proxy has the locks of the origin; the callbacks are here.
import { op_lock_query, op_lock_release, op_lock_request } from "host:ops";
import {
  DOMExceptionConstructor,
  JSONParse,
  JSONStringify,
  PromiseReject,
  PromiseWithResolvers,
  ReflectApply,
  SafeMap,
  StringPrototypeStartsWith,
  upon,
} from "../infra/primordials.js";
import { abortSignal } from "../events/event_target.js";
import { onDeliver } from "../messaging/receive.js";
import { defineInterface, overloaded, promising } from "../webidl/interface.js";
import {
  boolean,
  callbackFunction,
  dictionary,
  DOMString,
  enumeration,
  interfaceType,
  promise,
  withDefault,
} from "../webidl/types.js";

const LockOptions = dictionary("LockOptions", {
  mode: withDefault(enumeration("LockMode", ["shared", "exclusive"]), "exclusive"),
  ifAvailable: withDefault(boolean, false),
  steal: withDefault(boolean, false),
  signal: interfaceType("AbortSignal", (value) => abortSignal.is(value)),
});

const requestArguments = overloaded(2, (values) =>
  values.length > 2 ? [DOMString, LockOptions, callbackFunction] : [DOMString, callbackFunction],
);

export class Lock {
  #name;
  #mode;

  constructor(name, mode) {
    this.#name = name;
    this.#mode = mode;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #name in value;
  }

  get name() {
    return this.#name;
  }

  get mode() {
    return this.#mode;
  }
}

defineInterface(Lock, { readonly: ["name", "mode"] });

const requests = new SafeMap(); // number -> LockRequest, of those that the proxy knows of
let nextId = 1;

// Names cross to the proxy as JSON, which is well-formed Unicode: the name itself need not be.

/** A lock request, and the lock once it is granted. */
class LockRequest {
  #id = nextId++;
  #name;
  #mode;
  #callback;
  #released = PromiseWithResolvers(); // the lock's released promise, which request() returns
  #stopListening = () => {}; // to the signal

  constructor(name, mode, callback) {
    this.#name = name;
    this.#mode = mode;
    this.#callback = callback;
  }

  get promise() {
    return this.#released.promise;
  }

  /** https://w3c.github.io/web-locks/#request-a-lock */
  send({ ifAvailable, steal, signal }) {
    requests.set(this.#id, this);
    if (signal !== undefined) this.#abortWith(signal);
    upon(
      op_lock_request(this.#id, JSONStringify(this.#name), this.#mode, ifAvailable, steal),
      (isGranted) => this.#answered(isGranted),
      (error) => this.#released.reject(error),
    );
  }

  /** https://w3c.github.io/web-locks/#signal-to-abort-the-request */
  #abortWith(signal) {
    const { AbortSignal } = load("../abort/abort_signal.js");
    const abort = (reason) => {
      if (requests.delete(this.#id)) op_lock_release(this.#id);
      this.#released.reject(reason);
    };
    AbortSignal.add(signal, abort);
    this.#stopListening = () => AbortSignal.remove(signal, abort);
  }

  #answered(isGranted) {
    if (!requests.has(this.#id)) return; // aborted meanwhile
    this.#stopListening();
    if (!isGranted) requests.delete(this.#id);
    const waiting = this.#invoke(isGranted ? new Lock(this.#name, this.#mode) : null);
    const settled = () => {
      if (requests.delete(this.#id)) op_lock_release(this.#id);
      this.#released.resolve(waiting);
    };
    upon(waiting, settled, settled);
  }

  #invoke(lock) {
    try {
      return promise.convert(ReflectApply(this.#callback, undefined, [lock]));
    } catch (error) {
      return PromiseReject(error);
    }
  }

  /** Another request has stolen the lock. */
  static steal(id) {
    const request = requests.get(id);
    if (request === undefined) return;
    requests.delete(id);
    request.#released.reject(new DOMExceptionConstructor("The lock was stolen by another request.", "AbortError"));
  }
}

onDeliver("locks", ({ stolen }) => LockRequest.steal(stolen));

export class LockManager {
  #brand = true;

  static is(value) {
    return typeof value === "object" && value !== null && #brand in value;
  }

  /** https://w3c.github.io/web-locks/#dom-lockmanager-request */
  request(name, second, third) {
    const options = third === undefined ? LockOptions.convert(undefined) : second;
    const { mode, ifAvailable, steal, signal } = options;
    if (StringPrototypeStartsWith(name, "-")) throw notSupported("The name of a lock cannot start with '-'.");
    if (steal && ifAvailable) throw notSupported("'steal' and 'ifAvailable' cannot be used together.");
    if (steal && mode !== "exclusive") throw notSupported("'steal' needs the mode 'exclusive'.");
    if (signal !== undefined && (steal || ifAvailable)) {
      throw notSupported("'signal' cannot be used together with 'steal' or 'ifAvailable'.");
    }
    if (signal !== undefined && abortSignal.aborted(signal)) {
      return PromiseReject(load("../abort/abort_signal.js").AbortSignal.reasonOf(signal));
    }
    const request = new LockRequest(name, mode, third ?? second);
    request.send(options);
    return request.promise;
  }

  /** https://w3c.github.io/web-locks/#dom-lockmanager-query */
  async query() {
    const { held, pending } = await op_lock_query();
    return { held: withNames(held), pending: withNames(pending) };
  }
}

const notSupported = (message) => new DOMExceptionConstructor(message, "NotSupportedError");

function withNames(infos) {
  for (let i = 0; i < infos.length; i++) infos[i].name = JSONParse(infos[i].name);
  return infos;
}

defineInterface(LockManager, {
  operations: { request: promising(requestArguments), query: promising([]) },
});

/** https://w3c.github.io/web-locks/#dom-navigatorlocks-locks */
export const lockManager = new LockManager();

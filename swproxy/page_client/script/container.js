// https://w3c.github.io/ServiceWorker/#serviceworkercontainer-interface
import { call, expectAnswer, onTold, tell, whenWelcome } from "./channel.js";
import { checkDocument, cookieOf, isDetached, keep, resolve, protocolOf, tagData, toHref } from "./environment.js";
import {
  addListener,
  ArrayPrototypeShift,
  bare,
  defineOwn,
  dispatch,
  document,
  EventTarget,
  getter,
  MessageEvent,
  ObjectFreeze,
  Promise,
  push,
  RegExpPrototypeExec,
  sequenceOf,
  setTimeout,
  String,
  TypeError,
  URL,
} from "./primordials.js";
import { reconcile, registrationFor } from "./registration.js";
import { idOfWorker, updateWorker, workerAsKnown } from "./service_worker.js";
import { constructing, create, defineInterface, dictionary, fire, whenHandlerIsSet } from "./webidl.js";

let controller = workerAsKnown(tagData.controller);

export class ServiceWorkerContainer extends EventTarget {
  #brand;

  constructor() {
    constructing();
    super();
  }

  get controller() {
    this.#brand; // throws for other objects
    return isDetached() ? null : controller;
  }

  get ready() {
    this.#brand;
    ready ??= new Promise((resolve) => {
      settleReady = (description) => {
        settleReady = null;
        resolve(registrationFor(description));
      };
      askReady();
    });
    return ready;
  }

  async register(scriptURL, options = undefined) {
    this.#brand;
    checkDocument();
    if (arguments.length === 0) throw new TypeError("register() needs the URL of a script.");
    scriptURL = String(scriptURL);
    const { scope, type, updateViaCache } = registrationOptions(options);
    const script = parse(scriptURL, resolve(""), "script URL");
    const scopeURL = scope === undefined ? toHref(new URL("./", script)) : parse(scope, resolve(""), "scope");
    return registrationFor(
      await call("register", [script, withoutFragment(scopeURL), type, updateViaCache, cookieOf(document)]),
    );
  }

  async getRegistration(clientURL = "") {
    this.#brand;
    checkDocument();
    return registrationFor(await call("get_registration", [withoutFragment(resolve(String(clientURL)))]));
  }

  async getRegistrations() {
    this.#brand;
    checkDocument();
    const descriptions = await call("get_registrations", []);
    const registrations = [];
    for (let i = 0; i < descriptions.length; i++) push(registrations, registrationFor(descriptions[i]));
    return ObjectFreeze(registrations);
  }

  startMessages() {
    this.#brand;
    enableMessages();
  }
}

defineInterface(ServiceWorkerContainer, {
  attributes: ["controller", "ready"],
  operations: ["register", "getRegistration", "getRegistrations", "startMessages"],
  handlers: ["controllerchange", "message", "messageerror"],
});

export const container = create(ServiceWorkerContainer);

const pathOf = getter(URL.prototype, "pathname");
const withoutFragment = (url) => RegExpPrototypeExec(/^[^#]*/, url)[0];

/** The steps of https://w3c.github.io/ServiceWorker/#start-register-algorithm for a URL: the serialized one. */
function parse(text, base, what) {
  const url = new URL(text, base);
  if (RegExpPrototypeExec(/^https?:$/, protocolOf(url)) === null) {
    throw new TypeError(`The protocol of the ${what} ('${toHref(url)}') is not supported.`);
  }
  if (RegExpPrototypeExec(/%2f|%5c/i, pathOf(url)) !== null) {
    throw new TypeError(`The ${what} ('${toHref(url)}') has %2f or %5c in its path.`);
  }
  return withoutFragment(toHref(url));
}

/** https://w3c.github.io/ServiceWorker/#dictdef-registrationoptions */
function registrationOptions(options) {
  let { scope, type = "classic", updateViaCache = "imports" } = dictionary(options);
  if (scope !== undefined) scope = String(scope);
  type = oneOf(String(type), "classic", "module");
  updateViaCache = oneOf(String(updateViaCache), "imports", "all", "none");
  return { scope, type, updateViaCache };
}

function oneOf(value, ...allowed) {
  for (let i = 0; i < allowed.length; i++) if (value === allowed[i]) return value;
  throw new TypeError(`'${value}' is not one of the values that there are.`);
}

// Ready

let ready;
let settleReady = null;
const askReady = () => tell("ready", [expectAnswer((description) => settleReady?.(description))]);

whenWelcome((registrations) => {
  reconcile(registrations);
  if (settleReady !== null) askReady();
});

// The controller

export const controllerId = () => (controller === null ? null : idOfWorker(controller));
/** Whether a worker controls this document. */
export const isControlled = () => controller !== null;

onTold("controller", ({ 0: description }) => {
  controller = workerAsKnown(description);
  updateWorker(description);
  fire(container, "controllerchange");
  for (let i = 0; i < others.length; i++) fire(others[i].container, "controllerchange");
});

// Those of frames that come from no server, each with what tells whether it is still there.
let others = bare();

/** Another container for this document. */
export function containerWhile(isThere) {
  const there = bare([{ container: create(ServiceWorkerContainer), isThere }]);
  for (let i = 0; i < others.length; i++) if (others[i].isThere()) there[there.length] = others[i];
  others = there;
  return there[0].container;
}

// Messages: https://w3c.github.io/ServiceWorker/#dfn-client-message-queue

let isEnabled = false;
const waiting = bare();

function enableMessages() {
  if (isEnabled) return;
  isEnabled = true;
  deliverNext();
}

/** Each message is a task. */
function deliverNext() {
  if (waiting.length === 0) return;
  setTimeout(() => {
    ArrayPrototypeShift(waiting)();
    deliverNext();
  });
}

whenHandlerIsSet((target, type) => target === container && type === "message" && enableMessages());
const readyState = getter(Document.prototype, "readyState");
keep(() => {
  if (readyState(document) === "loading") addListener(document, "DOMContentLoaded", enableMessages);
  else enableMessages();
});

/** Has `deliver` called when the document takes messages. */
export function whenEnabled(deliver) {
  if (isEnabled && waiting.length === 0) deliver();
  else waiting[waiting.length] = deliver;
}

/** Fires what a worker has sent. */
export function fireMessage(type, data, source, ports) {
  const event = new MessageEvent(type, { __proto__: null, data, origin: self.origin, ports: sequenceOf(ports) });
  if (data === undefined) defineOwn(event, "data", { __proto__: null, value: data, configurable: true }); // it would be null
  defineOwn(event, "source", { __proto__: null, value: workerAsKnown(source), configurable: true });
  dispatch(container, event);
}

// What the host sends, turned into events: the JavaScript half of Run Service Worker, Install, Activate and Create
// Fetch Event and Dispatch (https://w3c.github.io/ServiceWorker/#algorithms).
import { op_event_finished, op_fetch_fall_through, op_fetch_preload, op_fetch_respond, op_started } from "host:ops";
import { beginTime } from "../infra/clock.js";
import { FunctionPrototypeToString, RegExpPrototypeTest } from "../infra/primordials.js";
import { Event } from "../events/event.js";
import { EventTarget } from "../events/event_target.js";
import { InnerRequest, Request } from "../fetch/request.js";
import { InnerResponse, Response } from "../fetch/response.js";
import { mayCompile, setEnvironment, setOnLine } from "../html/environment.js";
import { describe, reportException, reportRejection, thrownAs } from "../html/report_error.js";
import { setReceiver } from "swproxy:bootstrap";
import { fireTimer } from "../timers/timers.js";
import { ExtendableEvent, InstallEvent } from "./extendable_event.js";
import { FetchEvent } from "./fetch_event.js";
import { updateRegistration } from "./registration_state.js";
import {} from "./service_worker_global_scope.js";

let workerId = 0;

function receive(message) {
  switch (message.kind) {
    case "start":
      beginTime();
      workerId = message.workerId;
      setEnvironment(message.environment);
      if (!mayCompile()) load("../html/code_generation.js").forbidCodeGeneration();
      updateRegistration(message.registration, workerId);
      break;
    case "started":
      op_started(EventTarget.eventTypes(globalThis), fetchListenersAreEmpty());
      break;
    case "fetch":
      dispatchFetch(message);
      break;
    case "event":
      dispatchExtendable(message);
      break;
    case "timer":
      fireTimer(message.id);
      break;
    case "registration":
      updateRegistration(message.registration, workerId);
      break;
    case "online":
      setOnLine(message.value);
      EventTarget.fire(globalThis, new Event(message.value ? "online" : "offline"));
      break;
    case "uncaught":
      reportException(thrownAs(message.text, message.isError));
      break;
    case "rejection":
      reportRejection(thrownAs(message.text, message.isError));
      break;
    case "bodyReleased":
      load("../streams/body_stream.js").released(message.id);
      break;
    default:
      load("../messaging/receive.js").receive(message);
  }
}
setReceiver(receive);

const EMPTY_FUNCTION = /^(?:async\s*)?(?:function\s*\w*\s*)?\(?[\w\s,]*\)?\s*(?:=>)?\s*\{\s*\}$/;

/** https://w3c.github.io/ServiceWorker/#all-fetch-listeners-are-empty-algorithm */
function fetchListenersAreEmpty() {
  const callbacks = EventTarget.callbacks(globalThis, "fetch");
  for (let i = 0; i < callbacks.length; i++) {
    if (typeof callbacks[i] !== "function") return false;
    if (!RegExpPrototypeTest(EMPTY_FUNCTION, FunctionPrototypeToString(callbacks[i]))) return false;
  }
  return true;
}

function extendableEvent(type, detail) {
  switch (type) {
    case "install":
      return new InstallEvent(type);
    case "message":
      return load("./extendable_message_event.js").ExtendableMessageEvent.fromHost(detail);
    default:
      return new ExtendableEvent(type);
  }
}

function dispatchExtendable({ id, type, detail }) {
  const event = extendableEvent(type, detail);
  EventTarget.fire(globalThis, event);
  finish(id, event);
}

function finish(id, event) {
  ExtendableEvent.whenInactive(event, (rejected, reason) =>
    op_event_finished(id, rejected ? describe(reason) : null),
  );
}

/** A promise of the response to the navigation preload of an event. */
async function preloadResponse(id) {
  return new Response(InnerResponse.fromHost(await op_fetch_preload(id)), "immutable");
}

function dispatchFetch({ id, request, clientId, resultingClientId, replacesClientId, hasPreload }) {
  const event = new FetchEvent("fetch", {
    __proto__: null,
    bubbles: false,
    cancelable: true,
    composed: false,
    request: new Request(InnerRequest.fromHost(request), "immutable"),
    clientId,
    resultingClientId,
    replacesClientId,
  });
  if (hasPreload) FetchEvent.onPreload(event, () => preloadResponse(id));
  FetchEvent.onResponse(event, (response, reason, isLast) => {
    if (response !== null && response.type !== "error") {
      FetchEvent.setHandled(event, true);
      op_fetch_respond(id, response.toHost(), "", isLast);
    } else {
      FetchEvent.setHandled(event, false);
      op_fetch_respond(id, null, response === null ? reason : "respondWith() was given a network error", isLast);
    }
  });
  EventTarget.fire(globalThis, event);
  if (!FetchEvent.respondWithEntered(event)) {
    const canceled = Event.isCanceled(event);
    FetchEvent.setHandled(event, !canceled);
    op_fetch_fall_through(id, canceled, !ExtendableEvent.isActive(event));
  }
  finish(id, event);
}

// https://html.spec.whatwg.org/#report-an-exception and #unhandled-promise-rejections
import { op_log } from "host:ops";
import { takeThrown } from "swproxy:bootstrap";
import {
  ErrorConstructor,
  PromiseReject,
  RegExpPrototypeExec,
  StringConstructor,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  markAsHandled,
} from "../infra/primordials.js";
import { EventTarget, setReportException } from "../events/event_target.js";

const FRAME = /(?:^| |\()((?:https?:|file:|blob:|data:)[^\s()]*):(\d+):(\d+)\)?$/;

/** The value as text, whatever it is. */
export function describe(value) {
  try {
    return StringConstructor(value);
  } catch {
    return "an object that cannot be converted to a string";
  }
}

/**
 * The value that was thrown or rejected with: the engine tells its text, and bootstrap.js saw most of the objects
 * pass when they were made into that.
 */
export function thrownAs(text, isError = true) {
  const thrown = takeThrown();
  if (thrown !== undefined && StringPrototypeSplit(describe(thrown), "\n")[0] === text) return thrown;
  return isError ? new ErrorConstructor(text) : text;
}

/** The stack's frames, without the message before them. */
function framesOf(error) {
  let stack;
  try {
    stack = error instanceof ErrorConstructor ? error.stack : undefined;
  } catch {
    stack = undefined;
  }
  if (typeof stack !== "string") return "";
  const start = StringPrototypeIndexOf(stack, "\n    at ");
  return start < 0 ? "" : StringPrototypeSlice(stack, start + 1);
}

/** Where the first frame is: { url, line, column }. */
export function placeOf(frames) {
  const match = RegExpPrototypeExec(FRAME, StringPrototypeSplit(frames, "\n")[0]);
  return match === null ? { url: "", line: 0, column: 0 } : { url: match[1], line: +match[2], column: +match[3] };
}

/** Logs with the place from which the running script calls. */
export function logFromHere(level, text) {
  const frames = framesOf(new ErrorConstructor());
  const { url, line, column } = placeOf(frames);
  op_log(level, text, url, line, column, level === "trace" ? frames : "");
}

let inErrorReportingMode = false;

/** Fires "error" at the global object; logs what no listener has handled. */
export function reportException(error) {
  const frames = framesOf(error);
  const { url, line, column } = placeOf(frames);
  const message = `Uncaught ${describe(error)}`;
  let handled = false;
  if (!inErrorReportingMode && EventTarget.hasListener(globalThis, "error")) {
    const { ErrorEvent } = load("../events/error_event.js");
    const init = { __proto__: null, cancelable: true, message, filename: url, lineno: line, colno: column, error };
    inErrorReportingMode = true;
    try {
      handled = !EventTarget.fire(globalThis, new ErrorEvent("error", init));
    } finally {
      inErrorReportingMode = false;
    }
  }
  if (!handled) op_log("error", message, url, line, column, frames);
}

/** Fires "unhandledrejection". The engine tells the reason, not the promise: a new one stands for it. */
export function reportRejection(reason) {
  let handled = false;
  if (EventTarget.hasListener(globalThis, "unhandledrejection")) {
    const { PromiseRejectionEvent } = load("../events/promise_rejection_event.js");
    const promise = markAsHandled(PromiseReject(reason));
    const event = new PromiseRejectionEvent("unhandledrejection", {
      __proto__: null,
      cancelable: true,
      promise,
      reason,
    });
    handled = !EventTarget.fire(globalThis, event);
  }
  if (handled) return;
  const frames = framesOf(reason);
  const { url, line, column } = placeOf(frames);
  op_log("error", `Uncaught (in promise) ${describe(reason)}`, url, line, column, frames);
}

setReportException(reportException);

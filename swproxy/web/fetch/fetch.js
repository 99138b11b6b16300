// https://fetch.spec.whatwg.org/#fetch-method
import { op_fetch, op_fetch_abort } from "host:ops";
import { PromiseConstructor, PromiseReject, StringPrototypeStartsWith, upon } from "../infra/primordials.js";
import { abortSignal } from "../events/event_target.js";
import { Request } from "./request.js";
import { InnerResponse, Response } from "./response.js";

let nextFetch = 1;

/**
 * Fetches, by the host: https://fetch.spec.whatwg.org/#concept-fetch.
 * @param request an InnerRequest, whose body is used up
 * @param signal an AbortSignal or null
 * @returns a promise of an InnerResponse; it rejects with a TypeError for a network error
 */
export function fetching(request, signal = null) {
  if (signal !== null && abortSignal.aborted(signal)) {
    const reason = load("../abort/abort_signal.js").AbortSignal.reasonOf(signal);
    request.body?.cancel(reason);
    throw reason;
  }
  if (StringPrototypeStartsWith(request.url, "data:")) return load("./data_url.js").fetchDataURL(request);
  const id = nextFetch++;
  let body;
  try {
    body = request.body === null ? null : request.body.takeHandle();
  } catch (error) {
    return PromiseReject(error);
  }
  const answer = op_fetch(id, request.toHost(), body);
  return signal === null ? settled(answer) : abortable(id, answer, signal);
}

async function settled(answer) {
  return InnerResponse.fromHost(await answer);
}

function abortable(id, answer, signal) {
  const { AbortSignal } = load("../abort/abort_signal.js");
  return new PromiseConstructor((resolve, reject) => {
    let response = null;
    const outcome = { aborted: false, reason: undefined };
    const abort = (reason) => {
      outcome.aborted = true;
      outcome.reason = reason;
      op_fetch_abort(id);
      reject(reason);
      if (response?.body) response.body.abort(reason);
    };
    AbortSignal.add(signal, abort);
    upon(
      settled(answer),
      (inner) => {
        response = inner;
        if (inner.body !== null) inner.body.fetch = outcome;
        resolve(inner);
      },
      (error) => {
        AbortSignal.remove(signal, abort);
        reject(error);
      },
    );
  });
}

/** The fetch() of the global scope, with converted arguments. */
export async function fetch(input, init) {
  const object = Request.from(input, init);
  const request = Request.inner(object);
  return new Response(await fetching(request, Request.signalOf(object)), "immutable");
}

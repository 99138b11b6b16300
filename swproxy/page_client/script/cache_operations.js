// What documents ask the proxy of its caches: the other half is swproxy/pages/caches.py. Over the channel, which keeps the
// order of what is asked; in requests what is large, so that it need not be in memory, or asks for the client's header.
import { call, framed, isConnected, onTold, textOfBytes, unframed } from "./channel.js";
import {
  bare,
  Blob,
  blobSize,
  document,
  fetchNatively,
  getters,
  location,
  PromisePrototypeThen,
  PromiseResolve,
  Response,
  SafeMap,
  sequenceOf,
  TypeError,
  Uint8Array,
  uncurry,
} from "./primordials.js";
import { ResponseGet } from "./responses.js";
import { exception } from "./webidl.js";

// What may forbid requests to the proxy; the channel was there before.
const POLICY = 'meta[http-equiv="content-security-policy" i]';
// Bytes: what is larger goes in a request, or in any case.
const LARGE = 1 << 18;
const TOO_LARGE = 1 << 26;
const API = `${location.origin}/.swproxy/cache/`;

export const SignalGet = getters(AbortSignal.prototype, ["aborted", "reason"]);
const readAsBuffer = uncurry(Response.prototype.arrayBuffer);
const querySelector = uncurry(Document.prototype.querySelector);

/** What it answers to an operation: `value`, and `take(size)`, which gives the next bytes of what came with it. */
export async function ask(operation, args, bodies = [], signal = undefined) {
  const head = framed({ __proto__: null, ...args });
  const parts = bare([head]);
  for (let i = 0; i < bodies.length; i++) parts[i + 1] = bodies[i];
  const body = bodies.length === 0 ? head : new Blob(sequenceOf(parts));
  const buffer = await transferred(operation, body, body === head ? 0 : blobSize(body), signal);
  if (signal && SignalGet.aborted(signal)) throw SignalGet.reason(signal);
  const answer = unframed(buffer);
  const { value, error } = answer.message;
  if (error) throw exception(error[0], error[1]);
  return { value, take: (size) => new Uint8Array(new Uint8Array(buffer, (answer.end += size) - size, size)) };
}

async function transferred(operation, body, size, signal) {
  const isForbidden = querySelector(document, POLICY) !== null && size < TOO_LARGE;
  const work = () => postOperation(operation, body, signal);
  if (!isForbidden && (operation === "read" || operation === "fetch" || size > LARGE)) return await work();
  if (!isForbidden && (queued > 0 || !isConnected())) return await inTurn(work);
  try {
    const bytes = size === 0 ? body : new Uint8Array(await readAsBuffer(new Response(body)));
    return await exchangeOperation(operation, bytes);
  } catch (error) {
    if (isForbidden) throw error;
    return await work();
  }
}

let queued = 0;
let last = PromiseResolve();

/** What `work` promises, when all that was asked before is done: requests overtake each other. */
function inTurn(work) {
  queued++;
  const result = PromisePrototypeThen(last, work);
  const end = () => queued--;
  last = PromisePrototypeThen(result, end, end);
  return result;
}

async function postOperation(operation, body, signal) {
  const response = await fetchNatively(API + operation, { __proto__: null, method: "POST", body, signal });
  const buffer = await readAsBuffer(response);
  if (!ResponseGet.ok(response)) throw new TypeError(`swproxy has refused this: ${textOfBytes(buffer)}`);
  return buffer;
}

let exchanges = 0;
const answers = new SafeMap();
onTold("cached", ({ 0: number }, { 0: bytes }) => answers.set(number, bytes));

async function exchangeOperation(operation, bytes) {
  const number = ++exchanges;
  await call("cache", [operation, number], [bytes]);
  const answer = answers.get(number);
  answers.delete(number);
  return await readAsBuffer(new Response(answer));
}

// What the tag says of this document, and what the document is.
import { addListener, bare, document, DOMException, getter, JSONParse, location, URL } from "./primordials.js";

const script = document.currentScript;
export const tagData = JSONParse(script.getAttribute("data-swproxy"));
/** Whether the document's own policies are all known: its head names none. */
export const mayWait = script.getAttribute("data-swproxy-policies") === "0";
export const scriptURL = script.src === "" ? tagData.script : script.src;
script.remove();

/** False in a document that is sandboxed into an origin of its own: it has no service workers. */
export const hasOrigin = self.origin === location.origin;

const baseURI = getter(Node.prototype, "baseURI");
export const cookieOf = getter(Document.prototype, "cookie");
export const protocolOf = getter(URL.prototype, "protocol");
export const toHref = getter(URL.prototype, "href");

/** The serialized URL, relative to the document's; throws a TypeError. */
export const resolve = (url) => toHref(new URL(url, baseURI(document)));

export const windowOf = getter(Document.prototype, "defaultView");
/** Whether the document is in no window any more. */
export const isDetached = () => windowOf(document) === null;
export function checkDocument() {
  if (isDetached()) throw new DOMException("The document is in no window.", "InvalidStateError");
}

const kept = bare();

/** Does what adds listeners to the window or the document, again whenever document.open() has taken away all. */
export function keep(listen) {
  kept[kept.length] = listen;
  listen();
}
export const keepListening = (target, type, listener, options = false) =>
  keep(() => addListener(target, type, listener, options));

const listenAgain = () => {
  for (let i = 0; i < kept.length; i++) kept[i]();
};
new MutationObserver(listenAgain).observe(document, { childList: true });

const ancestors = [];
for (let i = 0; i < (location.ancestorOrigins?.length ?? 0); i++) ancestors[i] = location.ancestorOrigins[i];
export const ancestorOrigins = ancestors;

export const frameType = self !== self.parent ? "nested" : self.opener === null ? "top-level" : "auxiliary";
export const creationURL = location.href;

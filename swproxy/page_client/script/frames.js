// Frames of this origin whose documents could not get the script with their bytes: the document around them gives it to
// them, when they have loaded or as soon as it looks into them. What has no URL of a server gets what this document has.
import { containerWhile } from "./container.js";
import { isDetached, keepListening, scriptURL, windowOf } from "./environment.js";
import {
  document,
  encodeURIComponent,
  Event,
  getter,
  location,
  ownDescriptor,
  ReflectApply,
  RegExpPrototypeExec,
  replaceGetter,
  replaceWhile,
  StringPrototypeStartsWith,
  uncurry,
  XMLHttpRequest,
} from "./primordials.js";

const typeOfDocument = getter(Document.prototype, "contentType");
const urlOfDocument = getter(Document.prototype, "URL");
const openNow = uncurry(XMLHttpRequest.prototype.open);
const sendNow = uncurry(XMLHttpRequest.prototype.send);
const textOfAnswer = getter(XMLHttpRequest.prototype, "responseText");
const statusOfAnswer = getter(XMLHttpRequest.prototype, "status");
const createElement = uncurry(Document.prototype.createElementNS);
const setAttribute = uncurry(Element.prototype.setAttribute);
const removeElement = uncurry(Element.prototype.remove);
const append = uncurry(Node.prototype.appendChild);
const rootOf = getter(Document.prototype, "documentElement");
const { set: setText } = ownDescriptor(Node.prototype, "textContent");
const rememberFrame = uncurry(WeakSet.prototype.add);
const isRemembered = uncurry(WeakSet.prototype.has);

const typeOfNode = getter(Node.prototype, "nodeType");
const namespaceOf = getter(Element.prototype, "namespaceURI");
const localNameOf = getter(Element.prototype, "localName");

const XHTML = "http://www.w3.org/1999/xhtml";
const isFrame = (node) => typeOfNode(node) === 1 && localNameOf(node) === "iframe" && namespaceOf(node) === XHTML;
const seenDocuments = new WeakSet();

function loadNow(url) {
  const request = new XMLHttpRequest();
  openNow(request, "GET", url, false);
  try {
    sendNow(request);
  } catch {
    return null; // a policy forbids it, or the document is just leaving
  }
  return statusOfAnswer(request) === 200 ? textOfAnswer(request) : null;
}

function adopt(child, furnish) {
  if (child === null || child === document || isRemembered(seenDocuments, child)) return;
  const url = urlOfDocument(child);
  if (RegExpPrototypeExec(/^(about|blob):/, url) !== null) {
    rememberFrame(seenDocuments, child);
    // A window that is empty at first is that of the first document that comes, too.
    const isThere = () => windowOf(child) !== null && !isDetached();
    replaceWhile(isThere, () => furnish(windowOf(child), containerWhile(isThere)));
    return;
  }
  if (typeOfDocument(child) === "text/html" || !StringPrototypeStartsWith(url, `${location.origin}/`)) return;
  if (rootOf(child) === null) return;
  rememberFrame(seenDocuments, child);
  const data = loadNow(`/.swproxy/document?url=${encodeURIComponent(url)}`);
  const text = data === null ? null : loadNow(scriptURL);
  if (text === null) return;
  const script = createElement(child, XHTML, "script");
  setAttribute(script, "data-swproxy", data);
  ReflectApply(setText, script, [text]);
  append(rootOf(child), script);
  removeElement(script);
}

/** Puts a look at the document before what shows a frame's document or window. */
export function installFrames(furnish) {
  const { prototype } = HTMLIFrameElement;
  const documentOf = getter(prototype, "contentDocument");
  replaceGetter(prototype, "contentDocument", (_native, self) => {
    const child = documentOf(self);
    adopt(child, furnish);
    return child;
  });
  replaceGetter(prototype, "contentWindow", (native, self) => {
    adopt(documentOf(self), furnish);
    return ReflectApply(native, self, []);
  });
  const targetOf = getter(Event.prototype, "target");
  const adoptTarget = (event) => {
    const target = targetOf(event);
    if (isFrame(target)) adopt(documentOf(target), furnish);
  };
  keepListening(document, "load", adoptTarget, true);
}

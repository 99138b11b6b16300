// Where the document goes, told before the browser asks for what is there: the same way, so that it comes first. And
// where it is, if its URL changes without a navigation.
import { ownClientId, tellURL } from "./channel.js";
import { isControlled } from "./container.js";
import { tagData } from "./environment.js";
import {
  addListener,
  encodeURIComponent,
  fetchNatively,
  getter,
  location,
  PromisePrototypeThen,
  StringPrototypeStartsWith,
} from "./primordials.js";

export function installDepartures() {
  if (globalThis.navigation === undefined) return;
  const kindOf = getter(NavigateEvent.prototype, "navigationType");
  const destinationOf = getter(NavigateEvent.prototype, "destination");
  const urlOfDestination = getter(NavigationDestination.prototype, "url");
  const isSameDocument = getter(NavigationDestination.prototype, "sameDocument");
  addListener(navigation, "currententrychange", tellURL);
  addListener(navigation, "navigate", (event) => {
    const destination = destinationOf(event);
    const url = urlOfDestination(destination);
    if (isSameDocument(destination) || !StringPrototypeStartsWith(url, `${location.origin}/`)) return;
    if (!tagData.hasWorkers && !isControlled()) return; // nobody wants to know
    const query = `client=${ownClientId()}&kind=${kindOf(event)}&url=${encodeURIComponent(url)}`;
    const telling = fetchNatively(`${location.origin}/.swproxy/leaving?${query}`);
    PromisePrototypeThen(telling, undefined, () => {}); // a policy forbids it
  });
}

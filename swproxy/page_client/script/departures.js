// Where the document goes, told before the browser asks for what is there: the same way, so that it comes first.
import { ownClientId } from "./channel.js";
import {
  addListener,
  encodeURIComponent,
  fetchNatively,
  getter,
  location,
  PromisePrototypeThen,
} from "./primordials.js";

export function installDepartures() {
  if (globalThis.navigation === undefined) return;
  const kindOf = getter(NavigateEvent.prototype, "navigationType");
  const destinationOf = getter(NavigateEvent.prototype, "destination");
  const urlOfDestination = getter(NavigationDestination.prototype, "url");
  const isSameDocument = getter(NavigationDestination.prototype, "sameDocument");
  addListener(navigation, "navigate", (event) => {
    const destination = destinationOf(event);
    if (isSameDocument(destination)) return;
    const query = `client=${ownClientId()}&kind=${kindOf(event)}&url=${encodeURIComponent(urlOfDestination(destination))}`;
    const telling = fetchNatively(`${location.origin}/.swproxy/leaving?${query}`, {
      __proto__: null,
      keepalive: true,
    });
    PromisePrototypeThen(telling, undefined, () => {}); // a policy forbids it
  });
}

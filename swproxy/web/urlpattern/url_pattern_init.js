// https://urlpattern.spec.whatwg.org/#canon-processing-for-init. `type` is "pattern", where the members are patterns,
// or "url", where they are those of a URL to be matched.
import { op_url_components } from "host:ops";
import {
  RegExpPrototypeExec,
  StringPrototypeEndsWith,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
} from "../infra/primordials.js";
import {
  canonicalizeAHash,
  canonicalizeAHostname,
  canonicalizeAnOpaquePathname,
  canonicalizeAPassword,
  canonicalizeAPathname,
  canonicalizeAPort,
  canonicalizeAProtocol,
  canonicalizeASearch,
  canonicalizeAUsername,
} from "./canonicalization.js";
import { isASpecialScheme } from "./component.js";
import { escapeAPatternString } from "./part_list.js";
import { invalidPattern } from "./tokenizer.js";

// Which components come from the base URL: "for each component, if init includes a component which is at least as
// specific as one in the base URL, none is inherited".
const INHERITED = [
  { component: "protocol", unless: ["protocol"] },
  { component: "username", unless: ["protocol", "hostname", "port", "username"], isNotForPatterns: true },
  { component: "password", unless: ["protocol", "hostname", "port", "username", "password"], isNotForPatterns: true },
  { component: "hostname", unless: ["protocol", "hostname"] },
  { component: "port", unless: ["protocol", "hostname", "port"] },
  { component: "pathname", unless: ["protocol", "hostname", "port", "pathname"] },
  { component: "search", unless: ["protocol", "hostname", "port", "pathname", "search"] },
  { component: "hash", unless: ["protocol", "hostname", "port", "pathname", "search", "hash"] },
];

/**
 * https://urlpattern.spec.whatwg.org/#process-a-urlpatterninit
 * @param result gets the members
 * @throws TypeError
 */
export function processAURLPatternInit(init, type, result) {
  const base = init.baseURL === undefined ? null : op_url_components(init.baseURL, null);
  if (base === undefined) throw invalidPattern(`the base URL '${init.baseURL}' is not valid.`);
  if (base !== null) inherit(base, init, type, result);

  const { protocol, username, password, hostname, port, pathname, search, hash } = init;
  if (protocol !== undefined) result.protocol = processProtocolForInit(protocol, type);
  if (username !== undefined) result.username = processForInit(username, type, canonicalizeAUsername);
  if (password !== undefined) result.password = processForInit(password, type, canonicalizeAPassword);
  if (hostname !== undefined) result.hostname = processForInit(hostname, type, canonicalizeAHostname);
  const resultProtocol = result.protocol ?? "";
  if (port !== undefined) {
    result.port = processForInit(port, type, (value) => canonicalizeAPort(value, resultProtocol));
  }
  if (pathname !== undefined) {
    const resolved = base === null ? pathname : resolvePathname(pathname, base, type);
    result.pathname = processPathnameForInit(resolved, resultProtocol, type);
  }
  if (search !== undefined) {
    result.search = processForInit(withoutLeading("?", search), type, canonicalizeASearch);
  }
  if (hash !== undefined) result.hash = processForInit(withoutLeading("#", hash), type, canonicalizeAHash);
  return result;
}

function inherit(base, init, type, result) {
  for (let i = 0; i < INHERITED.length; i++) {
    const { component, unless, isNotForPatterns } = INHERITED[i];
    if (isNotForPatterns && type === "pattern") continue;
    let isGiven = false;
    for (let j = 0; j < unless.length; j++) if (init[unless[j]] !== undefined) isGiven = true;
    if (!isGiven) result[component] = processABaseURLString(base[component], type);
  }
}

/** https://urlpattern.spec.whatwg.org/#process-a-base-url-string */
const processABaseURLString = (input, type) => (type === "pattern" ? escapeAPatternString(input) : input);

function resolvePathname(pathname, base, type) {
  // The paths of a base URL that are not opaque begin with a slash, or are empty.
  if (!StringPrototypeStartsWith(base.pathname, "/") || isAnAbsolutePathname(pathname, type)) return pathname;
  const directory = RegExpPrototypeExec(/^.*\//s, processABaseURLString(base.pathname, type))[0];
  return directory + pathname;
}

/** https://urlpattern.spec.whatwg.org/#is-an-absolute-pathname */
function isAnAbsolutePathname(input, type) {
  if (StringPrototypeStartsWith(input, "/")) return true;
  if (type === "url") return false;
  return StringPrototypeStartsWith(input, "\\/") || StringPrototypeStartsWith(input, "{/");
}

const processForInit = (value, type, canonicalize) => (type === "pattern" ? value : canonicalize(value));

const withoutLeading = (delimiter, value) =>
  StringPrototypeStartsWith(value, delimiter) ? StringPrototypeSlice(value, 1) : value;

/** https://urlpattern.spec.whatwg.org/#process-protocol-for-init */
function processProtocolForInit(value, type) {
  const strippedValue = StringPrototypeEndsWith(value, ":") ? StringPrototypeSlice(value, 0, -1) : value;
  return processForInit(strippedValue, type, canonicalizeAProtocol);
}

/** https://urlpattern.spec.whatwg.org/#process-pathname-for-init */
function processPathnameForInit(value, protocol, type) {
  // Without a protocol "we treat it as a special scheme in order to default to the most common canonicalization".
  const isSpecial = protocol === "" || isASpecialScheme(protocol);
  return processForInit(value, type, isSpecial ? canonicalizeAPathname : canonicalizeAnOpaquePathname);
}

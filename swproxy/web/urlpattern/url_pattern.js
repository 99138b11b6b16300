// https://urlpattern.spec.whatwg.org/#urlpattern-class
import { op_url_components } from "host:ops";
import { RegExpPrototypeExec, TypeErrorConstructor } from "../infra/primordials.js";
import { defineInterface, optional, overloaded } from "../webidl/interface.js";
import { boolean, dictionary, isObject, union, USVString, withDefault } from "../webidl/types.js";
import {
  canonicalizeAHash,
  canonicalizeAHostname,
  canonicalizeAnIPv6Hostname,
  canonicalizeAnOpaquePathname,
  canonicalizeAPassword,
  canonicalizeAPathname,
  canonicalizeAPort,
  canonicalizeAProtocol,
  canonicalizeASearch,
  canonicalizeAUsername,
} from "./canonicalization.js";
import {
  compileAComponent,
  createAComponentMatchResult,
  defaultOptions,
  exec,
  hostnameOptions,
  hostnamePatternIsAnIPv6Address,
  pathnameOptions,
  protocolComponentMatchesASpecialScheme,
} from "./component.js";
import { parseAConstructorString } from "./constructor_string_parser.js";
import { processAURLPatternInit } from "./url_pattern_init.js";

const URLPatternInit = dictionary("URLPatternInit", {
  protocol: USVString,
  username: USVString,
  password: USVString,
  hostname: USVString,
  port: USVString,
  pathname: USVString,
  search: USVString,
  hash: USVString,
  baseURL: USVString,
});
const URLPatternInput = union(USVString, URLPatternInit);
const URLPatternOptions = dictionary("URLPatternOptions", { ignoreCase: withDefault(boolean, false) });

// The names, in the order in which dictionaries become objects: that of their names.
const COMPONENTS = ["hash", "hostname", "password", "pathname", "port", "protocol", "search", "username"];

const DEFAULT_PORTS = { __proto__: null, http: "80", https: "443", ws: "80", wss: "443", ftp: "21" };

/** "A string which represents its corresponding default port in radix-10 using ASCII digits." */
const isDefaultPort = (port, protocol) => {
  const digits = RegExpPrototypeExec(/^0*([1-9][0-9]*)$/, port)?.[1];
  return digits !== undefined && digits === DEFAULT_PORTS[protocol];
};

/**
 * https://urlpattern.spec.whatwg.org/#url-pattern-create
 * @returns component's name -> component
 */
function create(input, baseURL, options) {
  let init = input;
  if (typeof input === "string") {
    init = parseAConstructorString(input);
    if (baseURL === null && init.protocol === undefined) {
      throw failure(`the relative pattern '${input}' needs a base URL.`);
    }
    if (baseURL !== null) init.baseURL = baseURL;
  } else if (baseURL !== null) {
    throw failure("a base URL can be given with a string only; an object has it as 'baseURL'.");
  }

  const processedInit = processAURLPatternInit(init, "pattern", { __proto__: null });
  for (let i = 0; i < COMPONENTS.length; i++) processedInit[COMPONENTS[i]] ??= "*";
  const { protocol, username, password, hostname, pathname, search, hash } = processedInit;
  const port = isDefaultPort(processedInit.port, protocol) ? "" : processedInit.port;

  const canonicalizeHostname = hostnamePatternIsAnIPv6Address(hostname)
    ? canonicalizeAnIPv6Hostname
    : canonicalizeAHostname;
  const { ignoreCase } = options;
  const compileOptions = { ...defaultOptions, ignoreCase };
  const urlPattern = {
    __proto__: null,
    protocol: compileAComponent(protocol, canonicalizeAProtocol, defaultOptions),
    username: compileAComponent(username, canonicalizeAUsername, defaultOptions),
    password: compileAComponent(password, canonicalizeAPassword, defaultOptions),
    hostname: compileAComponent(hostname, canonicalizeHostname, hostnameOptions),
    port: compileAComponent(port, canonicalizeAPort, defaultOptions),
  };
  urlPattern.pathname = protocolComponentMatchesASpecialScheme(urlPattern.protocol)
    ? compileAComponent(pathname, canonicalizeAPathname, { ...pathnameOptions, ignoreCase })
    : compileAComponent(pathname, canonicalizeAnOpaquePathname, compileOptions);
  urlPattern.search = compileAComponent(search, canonicalizeASearch, compileOptions);
  urlPattern.hash = compileAComponent(hash, canonicalizeAHash, compileOptions);
  return urlPattern;
}

const failure = (message) => new TypeErrorConstructor(`Failed to construct 'URLPattern': ${message}`);

/** The components of what is matched, or null if that is no URL. */
function componentsToMatch(input, baseURL) {
  if (typeof input === "string") return op_url_components(input, baseURL ?? null) ?? null;
  const empty = { __proto__: null };
  for (let i = 0; i < COMPONENTS.length; i++) empty[COMPONENTS[i]] = "";
  try {
    return processAURLPatternInit(input, "url", empty);
  } catch {
    return null; // "If this throws an exception, catch it, and return null."
  }
}

/** https://urlpattern.spec.whatwg.org/#url-pattern-match */
function match(urlPattern, input, baseURL) {
  if (typeof input !== "string" && baseURL !== undefined) {
    throw new TypeErrorConstructor("A base URL can be given with a string only; an object has it as 'baseURL'.");
  }
  const components = componentsToMatch(input, baseURL);
  if (components === null) return null;

  const execResults = { __proto__: null };
  for (let i = 0; i < COMPONENTS.length; i++) {
    const name = COMPONENTS[i];
    execResults[name] = exec(urlPattern[name], components[name]);
    if (execResults[name] === null) return null;
  }
  const results = { __proto__: null };
  for (let i = 0; i < COMPONENTS.length; i++) {
    const name = COMPONENTS[i];
    results[name] = createAComponentMatchResult(urlPattern[name], components[name], execResults[name]);
  }
  const given = typeof input === "string" ? input : { ...input };
  const { hash, hostname, ...others } = results;
  return { hash, hostname, inputs: baseURL === undefined ? [given] : [given, baseURL], ...others };
}

export class URLPattern {
  #urlPattern;

  constructor(urlPattern) {
    this.#urlPattern = urlPattern;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #urlPattern in value;
  }

  /** Takes (input, options) or (input, baseURL, options). */
  static construct(input, second, third) {
    return [third === undefined ? create(input, null, second) : create(input, second, third)];
  }

  test(input, baseURL) {
    return match(this.#urlPattern, input, baseURL) !== null;
  }

  exec(input, baseURL) {
    return match(this.#urlPattern, input, baseURL);
  }

  get protocol() {
    return this.#urlPattern.protocol.patternString;
  }

  get username() {
    return this.#urlPattern.username.patternString;
  }

  get password() {
    return this.#urlPattern.password.patternString;
  }

  get hostname() {
    return this.#urlPattern.hostname.patternString;
  }

  get port() {
    return this.#urlPattern.port.patternString;
  }

  get pathname() {
    return this.#urlPattern.pathname.patternString;
  }

  get search() {
    return this.#urlPattern.search.patternString;
  }

  get hash() {
    return this.#urlPattern.hash.patternString;
  }

  get hasRegExpGroups() {
    for (let i = 0; i < COMPONENTS.length; i++) if (this.#urlPattern[COMPONENTS[i]].hasRegexpGroups) return true;
    return false;
  }
}

const input = optional(URLPatternInput, { __proto__: null });
const withoutBaseURL = [input, optional(URLPatternOptions)];
const withBaseURL = [URLPatternInput, USVString, optional(URLPatternOptions)];

/** https://webidl.spec.whatwg.org/#js-overloads: a dictionary is an object, null or undefined. */
const chooseConstructor = (values) => {
  const isDictionary = values[1] === undefined || values[1] === null || isObject(values[1]);
  return values.length < 3 && isDictionary ? withoutBaseURL : withBaseURL;
};

defineInterface(URLPattern, {
  constructor: overloaded(0, chooseConstructor),
  operations: { test: [input, optional(USVString)], exec: [input, optional(USVString)] },
  readonly: ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash", "hasRegExpGroups"],
});

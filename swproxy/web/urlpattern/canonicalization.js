// https://urlpattern.spec.whatwg.org/#canon-encoding-callbacks: what a piece of a component becomes; ops.py has those
// that need the URL parser. They throw a TypeError for what cannot be in the component.
import {
  op_canonicalize_hash,
  op_canonicalize_hostname,
  op_canonicalize_password,
  op_canonicalize_pathname,
  op_canonicalize_port,
  op_canonicalize_protocol,
  op_canonicalize_search,
  op_canonicalize_username,
} from "host:ops";
import { EncodeURIComponent, RegExpPrototypeTest, StringPrototypeToLowerCase } from "../infra/primordials.js";
import { codePointAt, invalidPattern } from "./tokenizer.js";

/** "If value is the empty string, return value." For all of them. */
const encodingCallback = (component, canonicalize) => (value, protocol) => {
  if (value === "") return value;
  const result = canonicalize(value, protocol);
  if (result === undefined) throw invalidPattern(`'${value}' cannot be in a ${component}.`);
  return result;
};

export const canonicalizeAProtocol = encodingCallback("protocol", op_canonicalize_protocol);
export const canonicalizeAUsername = encodingCallback("username", op_canonicalize_username);
export const canonicalizeAPassword = encodingCallback("password", op_canonicalize_password);
export const canonicalizeAHostname = encodingCallback("hostname", op_canonicalize_hostname);
export const canonicalizeAnIPv6Hostname = encodingCallback("IPv6 hostname", (value) =>
  RegExpPrototypeTest(/[^0-9A-Fa-f[\]:]/, value) ? undefined : StringPrototypeToLowerCase(value),
);
export const canonicalizeAPort = encodingCallback("port", (value, protocol = "") =>
  op_canonicalize_port(value, protocol),
);
export const canonicalizeAPathname = encodingCallback("pathname", op_canonicalize_pathname);
export const canonicalizeAnOpaquePathname = encodingCallback("pathname", encodeOpaquePath);
export const canonicalizeASearch = encodingCallback("search", op_canonicalize_search);
export const canonicalizeAHash = encodingCallback("hash", op_canonicalize_hash);

/** https://url.spec.whatwg.org/#cannot-be-a-base-url-path-state */
function encodeOpaquePath(value) {
  let result = "";
  for (let i = 0; i < value.length;) {
    const codePoint = codePointAt(value, i);
    i += codePoint.length;
    if (codePoint === "?" || codePoint === "#") return result; // the parser goes on with the query or the fragment
    if (codePoint === "\t" || codePoint === "\n" || codePoint === "\r") continue;
    // https://url.spec.whatwg.org/#c0-control-percent-encode-set
    const isControl = codePoint < " " || codePoint > "~";
    result += isControl ? EncodeURIComponent(codePoint) : codePoint;
  }
  return result;
}

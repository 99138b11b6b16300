// https://urlpattern.spec.whatwg.org/#constructor-string-parsing
import { StringPrototypeSlice } from "../infra/primordials.js";
import { canonicalizeAProtocol } from "./canonicalization.js";
import { compileAComponent, defaultOptions, protocolComponentMatchesASpecialScheme } from "./component.js";
import { tokenize } from "./tokenizer.js";

// The states that are components stand in the order of a URL's.
const STATES = [
  "init",
  "protocol",
  "authority",
  "username",
  "password",
  "hostname",
  "port",
  "pathname",
  "search",
  "hash",
];
const ORDER = { __proto__: null };
for (let i = 0; i < STATES.length; i++) ORDER[STATES[i]] = i;

class ConstructorStringParser {
  #input;
  #tokenList;
  #result = { __proto__: null };
  #componentStart = 0;
  #tokenIndex = 0;
  #tokenIncrement = 1;
  #groupDepth = 0;
  #hostnameIPv6BracketDepth = 0;
  #protocolMatchesASpecialScheme = false;
  #state = "init";

  constructor(input) {
    this.#input = input;
    this.#tokenList = tokenize(input, "lenient");
  }

  parse() {
    while (this.#state !== "done") {
      this.#tokenIncrement = 1;
      const { type } = this.#tokenList[this.#tokenIndex];
      if (type === "end") this.#end();
      else if (type === "open") this.#groupDepth++;
      else if (this.#groupDepth > 0 && type !== "close") {
        // "It would not make sense to allow a URL component boundary to lie within a grouping."
      } else {
        if (this.#groupDepth > 0) this.#groupDepth--;
        this.#step();
      }
      this.#tokenIndex += this.#tokenIncrement;
    }
    // "When an author does not specify a port, they usually intend the default port."
    if (this.#result.hostname !== undefined) this.#result.port ??= "";
    return this.#result;
  }

  #end() {
    if (this.#state === "init") {
      // No protocol was found: the pattern is relative.
      this.#rewind();
      if (this.#isAHashPrefix()) this.#changeState("hash", 1);
      else if (this.#isASearchPrefix()) this.#changeState("search", 1);
      else this.#changeState("pathname", 0);
    } else if (this.#state === "authority") {
      this.#rewindAndSetState("hostname"); // no "@" was found
    } else {
      this.#changeState("done", 0);
    }
  }

  #step() {
    switch (this.#state) {
      case "init":
        if (this.#isAProtocolSuffix()) this.#rewindAndSetState("protocol");
        break;
      case "protocol":
        if (this.#isAProtocolSuffix()) this.#endProtocol();
        break;
      case "authority":
        if (this.#isAnIdentityTerminator()) this.#rewindAndSetState("username");
        else if (this.#isAPathnameStart() || this.#isASearchPrefix() || this.#isAHashPrefix()) {
          this.#rewindAndSetState("hostname");
        }
        break;
      case "username":
        if (this.#isAPasswordPrefix()) this.#changeState("password", 1);
        else if (this.#isAnIdentityTerminator()) this.#changeState("hostname", 1);
        break;
      case "password":
        if (this.#isAnIdentityTerminator()) this.#changeState("hostname", 1);
        break;
      case "hostname":
        if (this.#isANonSpecialPatternChar(0, "[")) this.#hostnameIPv6BracketDepth++;
        else if (this.#isANonSpecialPatternChar(0, "]")) this.#hostnameIPv6BracketDepth--;
        else if (this.#isAPortPrefix() && this.#hostnameIPv6BracketDepth === 0) this.#changeState("port", 1);
        else this.#endAuthority();
        break;
      case "port":
        this.#endAuthority();
        break;
      case "pathname":
        if (this.#isASearchPrefix()) this.#changeState("search", 1);
        else if (this.#isAHashPrefix()) this.#changeState("hash", 1);
        break;
      case "search":
        if (this.#isAHashPrefix()) this.#changeState("hash", 1);
    }
  }

  #endProtocol() {
    this.#computeProtocolMatchesASpecialSchemeFlag();
    if (this.#nextIsAuthoritySlashes()) this.#changeState("authority", 3);
    else this.#changeState(this.#protocolMatchesASpecialScheme ? "authority" : "pathname", 1);
  }

  #endAuthority() {
    if (this.#isAPathnameStart()) this.#changeState("pathname", 0);
    else if (this.#isASearchPrefix()) this.#changeState("search", 1);
    else if (this.#isAHashPrefix()) this.#changeState("hash", 1);
  }

  /** https://urlpattern.spec.whatwg.org/#change-state */
  #changeState(newState, skip) {
    const result = this.#result;
    if (this.#state !== "init" && this.#state !== "authority") result[this.#state] = this.#makeAComponentString();
    if (this.#state !== "init" && newState !== "done") {
      // Components that the string leaves out before one that it has are empty, and not wildcards.
      const isSkipped = (component) => ORDER[this.#state] < ORDER[component] && ORDER[component] < ORDER[newState];
      if (isSkipped("hostname")) result.hostname ??= "";
      if (isSkipped("pathname")) result.pathname ??= this.#protocolMatchesASpecialScheme ? "/" : "";
      if (isSkipped("search")) result.search ??= "";
    }
    this.#state = newState;
    this.#tokenIndex += skip;
    this.#componentStart = this.#tokenIndex;
    this.#tokenIncrement = 0;
  }

  #rewind() {
    this.#tokenIndex = this.#componentStart;
    this.#tokenIncrement = 0;
  }

  #rewindAndSetState(state) {
    this.#rewind();
    this.#state = state;
  }

  #getASafeToken(index) {
    return this.#tokenList[index] ?? this.#tokenList[this.#tokenList.length - 1];
  }

  /** `offset` is from the current token. */
  #isANonSpecialPatternChar(offset, value) {
    const token = this.#getASafeToken(this.#tokenIndex + offset);
    return (
      token.value === value &&
      (token.type === "char" || token.type === "escaped-char" || token.type === "invalid-char")
    );
  }

  #isAProtocolSuffix() {
    return this.#isANonSpecialPatternChar(0, ":");
  }

  #nextIsAuthoritySlashes() {
    return this.#isANonSpecialPatternChar(1, "/") && this.#isANonSpecialPatternChar(2, "/");
  }

  #isAnIdentityTerminator() {
    return this.#isANonSpecialPatternChar(0, "@");
  }

  #isAPasswordPrefix() {
    return this.#isANonSpecialPatternChar(0, ":");
  }

  #isAPortPrefix() {
    return this.#isANonSpecialPatternChar(0, ":");
  }

  #isAPathnameStart() {
    return this.#isANonSpecialPatternChar(0, "/");
  }

  /** https://urlpattern.spec.whatwg.org/#is-a-search-prefix */
  #isASearchPrefix() {
    if (this.#isANonSpecialPatternChar(0, "?")) return true;
    if (this.#tokenList[this.#tokenIndex].value !== "?") return false;
    if (this.#tokenIndex === 0) return true;
    // Otherwise the question mark is a modifier.
    const { type } = this.#tokenList[this.#tokenIndex - 1];
    return type !== "name" && type !== "regexp" && type !== "close" && type !== "asterisk";
  }

  #isAHashPrefix() {
    return this.#isANonSpecialPatternChar(0, "#");
  }

  #makeAComponentString() {
    const { index } = this.#getASafeToken(this.#componentStart);
    return StringPrototypeSlice(this.#input, index, this.#tokenList[this.#tokenIndex].index);
  }

  #computeProtocolMatchesASpecialSchemeFlag() {
    const component = compileAComponent(this.#makeAComponentString(), canonicalizeAProtocol, defaultOptions);
    this.#protocolMatchesASpecialScheme = protocolComponentMatchesASpecialScheme(component);
  }
}

/**
 * https://urlpattern.spec.whatwg.org/#parse-a-constructor-string
 * @returns a URLPatternInit
 * @throws TypeError
 */
export const parseAConstructorString = (input) => new ConstructorStringParser(input).parse();

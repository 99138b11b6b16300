// https://urlpattern.spec.whatwg.org/#urlpattern-internals: a component of a URL pattern is
// { patternString, regularExpression, groupNameList, hasRegexpGroups }.
import {
  ObjectDefineProperty,
  RegExpConstructor,
  RegExpPrototypeExec,
  RegExpPrototypeTest,
} from "../infra/primordials.js";
import { generateAPatternString, generateARegularExpressionAndNameList } from "./part_list.js";
import { parseAPatternString } from "./pattern_parser.js";
import { invalidPattern } from "./tokenizer.js";

// https://urlpattern.spec.whatwg.org/#options-header
export const defaultOptions = { delimiter: "", prefix: "", ignoreCase: false };
export const hostnameOptions = { delimiter: ".", prefix: "", ignoreCase: false };
export const pathnameOptions = { delimiter: "/", prefix: "/", ignoreCase: false };

const SPECIAL_SCHEMES = ["ftp", "file", "http", "https", "ws", "wss"];

/** https://url.spec.whatwg.org/#special-scheme */
export function isASpecialScheme(scheme) {
  for (let i = 0; i < SPECIAL_SCHEMES.length; i++) if (scheme === SPECIAL_SCHEMES[i]) return true;
  return false;
}

/** https://urlpattern.spec.whatwg.org/#compile-a-component */
export function compileAComponent(input, encodingCallback, options) {
  const partList = parseAPatternString(input, options, encodingCallback);
  const { regularExpressionString, nameList } = generateARegularExpressionAndNameList(partList, options);
  let hasRegexpGroups = false;
  for (let i = 0; i < partList.length; i++) if (partList[i].type === "regexp") hasRegexpGroups = true;
  let regularExpression;
  try {
    // Only groups that the author wrote can differ between the flags "v" and "u".
    const source = hasRegexpGroups
      ? load("./unicode_sets.js").withoutUnicodeSets(regularExpressionString)
      : regularExpressionString;
    regularExpression = new RegExpConstructor(source, options.ignoreCase ? "ui" : "u");
  } catch (error) {
    throw invalidPattern(`'${input}': ${error.message}.`);
  }
  const patternString = generateAPatternString(partList, options);
  return { patternString, regularExpression, groupNameList: nameList, hasRegexpGroups };
}

/** The result of the component's regular expression, or null. */
export const exec = (component, input) => RegExpPrototypeExec(component.regularExpression, input);

/** https://urlpattern.spec.whatwg.org/#create-a-component-match-result */
export function createAComponentMatchResult({ groupNameList }, input, execResult) {
  const groups = {};
  for (let i = 0; i < groupNameList.length; i++) {
    // Defined, since "__proto__" is a name like any other.
    const group = { __proto__: null, value: execResult[i + 1], writable: true, enumerable: true, configurable: true };
    ObjectDefineProperty(groups, groupNameList[i], group);
  }
  return { groups, input };
}

/** https://urlpattern.spec.whatwg.org/#protocol-component-matches-a-special-scheme */
export function protocolComponentMatchesASpecialScheme(protocolComponent) {
  for (let i = 0; i < SPECIAL_SCHEMES.length; i++) {
    if (RegExpPrototypeTest(protocolComponent.regularExpression, SPECIAL_SCHEMES[i])) return true;
  }
  return false;
}

/** https://urlpattern.spec.whatwg.org/#hostname-pattern-is-an-ipv6-address */
export const hostnamePatternIsAnIPv6Address = (input) => RegExpPrototypeTest(/^(?:\[.|[{\\]\[)/s, input);

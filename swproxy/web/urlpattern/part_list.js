// What a part list becomes: a regular expression, and the normalized pattern string. A part is
// { type, value, modifier, name, prefix, suffix }; https://urlpattern.spec.whatwg.org/#parts.
import { RegExpPrototypeTest, StringPrototypeEndsWith, StringPrototypeIncludes } from "../infra/primordials.js";
import { codePointAt, isValidNameCodePoint } from "./tokenizer.js";

export const FULL_WILDCARD_REGEXP_VALUE = ".*";

const MODIFIERS = { __proto__: null, "zero-or-more": "*", optional: "?", "one-or-more": "+", none: "" };

function escape(input, special) {
  let result = "";
  for (let i = 0; i < input.length; i++) {
    if (StringPrototypeIncludes(special, input[i])) result += "\\";
    result += input[i];
  }
  return result;
}

/** https://urlpattern.spec.whatwg.org/#escape-a-regexp-string */
const escapeARegexpString = (input) => escape(input, ".+*?^${}()[]|/\\");

/** https://urlpattern.spec.whatwg.org/#escape-a-pattern-string */
export const escapeAPatternString = (input) => escape(input, "+*?:{}()\\");

/** https://urlpattern.spec.whatwg.org/#generate-a-segment-wildcard-regexp */
export const generateASegmentWildcardRegexp = (options) => `[^${escapeARegexpString(options.delimiter)}]+?`;

/**
 * https://urlpattern.spec.whatwg.org/#generate-a-regular-expression-and-name-list
 * @returns { regularExpressionString, nameList }
 */
export function generateARegularExpressionAndNameList(partList, options) {
  let result = "^";
  const nameList = [];
  for (let i = 0; i < partList.length; i++) {
    const part = partList[i];
    if (part.type !== "fixed-text") nameList[nameList.length] = part.name;
    result += regularExpressionOf(part, options);
  }
  return { regularExpressionString: `${result}$`, nameList };
}

function regularExpressionOf(part, options) {
  const modifier = MODIFIERS[part.modifier];
  if (part.type === "fixed-text") {
    const text = escapeARegexpString(part.value);
    return modifier === "" ? text : `(?:${text})${modifier}`;
  }
  let value = part.value;
  if (part.type === "segment-wildcard") value = generateASegmentWildcardRegexp(options);
  else if (part.type === "full-wildcard") value = FULL_WILDCARD_REGEXP_VALUE;
  const isRepeated = part.modifier === "zero-or-more" || part.modifier === "one-or-more";
  if (part.prefix === "" && part.suffix === "") {
    return isRepeated ? `((?:${value})${modifier})` : `(${value})${modifier}`;
  }
  const prefix = escapeARegexpString(part.prefix);
  const suffix = escapeARegexpString(part.suffix);
  if (!isRepeated) return `(?:${prefix}(${value})${suffix})${modifier}`;
  // "We want to exclude the initial prefix and the final suffix, but include them between any repeated elements."
  const repeated = `(?:${prefix}((?:${value})(?:${suffix}${prefix}(?:${value}))*)${suffix})`;
  return part.modifier === "zero-or-more" ? `${repeated}?` : repeated;
}

/** https://urlpattern.spec.whatwg.org/#generate-a-pattern-string */
export function generateAPatternString(partList, options) {
  let result = "";
  for (let i = 0; i < partList.length; i++) {
    const part = partList[i];
    const modifier = MODIFIERS[part.modifier];
    if (part.type === "fixed-text") {
      const text = escapeAPatternString(part.value);
      result += modifier === "" ? text : `{${text}}${modifier}`;
      continue;
    }
    const previousPart = i > 0 ? partList[i - 1] : null;
    const nextPart = i < partList.length - 1 ? partList[i + 1] : null;
    const needsGrouping = partNeedsGrouping(part, previousPart, nextPart, options);
    const group = groupString(part, previousPart, needsGrouping, options);
    result += needsGrouping ? `{${group}}${modifier}` : `${group}${modifier}`;
  }
  return result;
}

const hasCustomName = (part) => !beginsWithDigit(part.name);
const beginsWithDigit = (name) => RegExpPrototypeTest(/^[0-9]/, name);
const beginsWithNameCodePoint = (text) => text !== "" && isValidNameCodePoint(codePointAt(text, 0), false);

/** Whether the part has to stand in braces to be understood as it is. */
function partNeedsGrouping(part, previousPart, nextPart, options) {
  if (part.suffix !== "" || (part.prefix !== "" && part.prefix !== options.prefix)) return true;
  const isPlainName = hasCustomName(part) && part.type === "segment-wildcard" && part.modifier === "none";
  if (isPlainName && nextPart !== null && nextPart.prefix === "" && nextPart.suffix === "") {
    // What follows would become a part of the name, or its regular expression.
    if (nextPart.type === "fixed-text" ? beginsWithNameCodePoint(nextPart.value) : beginsWithDigit(nextPart.name)) {
      return true;
    }
  }
  // The end of the text before would become the prefix.
  return (
    part.prefix === "" &&
    previousPart !== null &&
    previousPart.type === "fixed-text" &&
    options.prefix !== "" &&
    StringPrototypeEndsWith(previousPart.value, options.prefix)
  );
}

/** The part without its braces and modifier. */
function groupString(part, previousPart, needsGrouping, options) {
  const customName = hasCustomName(part);
  let result = escapeAPatternString(part.prefix);
  if (customName) result += `:${part.name}`;
  if (part.type === "regexp") {
    result += `(${part.value})`;
  } else if (part.type === "segment-wildcard") {
    if (!customName) result += `(${generateASegmentWildcardRegexp(options)})`;
    else if (beginsWithNameCodePoint(part.suffix)) result += "\\";
  } else {
    // An asterisk could be a modifier of what stands before it.
    const isAsterisk =
      !customName &&
      (previousPart === null ||
        previousPart.type === "fixed-text" ||
        previousPart.modifier !== "none" ||
        needsGrouping ||
        part.prefix !== "");
    result += isAsterisk ? "*" : `(${FULL_WILDCARD_REGEXP_VALUE})`;
  }
  return result + escapeAPatternString(part.suffix);
}

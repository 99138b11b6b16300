// https://urlpattern.spec.whatwg.org/#parsing: a pattern string becomes a part list.
import { FULL_WILDCARD_REGEXP_VALUE, generateASegmentWildcardRegexp } from "./part_list.js";
import { invalidPattern, tokenize } from "./tokenizer.js";

const MODIFIERS = { __proto__: null, "?": "optional", "*": "zero-or-more", "+": "one-or-more" };

class PatternParser {
  #input;
  #tokenList;
  #options;
  #encodingCallback;
  #segmentWildcardRegexp;
  #partList = [];
  #pendingFixedValue = "";
  #index = 0;
  #nextNumericName = 0;

  constructor(input, options, encodingCallback) {
    this.#input = input;
    this.#tokenList = tokenize(input, "strict");
    this.#options = options;
    this.#encodingCallback = encodingCallback;
    this.#segmentWildcardRegexp = generateASegmentWildcardRegexp(options);
  }

  parse() {
    while (this.#index < this.#tokenList.length) {
      // The sequence <prefix char><name><regexp><modifier>, each of which may be missing.
      const charToken = this.#tryToConsumeAToken("char");
      const nameToken = this.#tryToConsumeAToken("name");
      const regexpOrWildcardToken = this.#tryToConsumeARegexpOrWildcardToken(nameToken);
      if (nameToken !== null || regexpOrWildcardToken !== null) {
        this.#addAGroup(charToken, nameToken, regexpOrWildcardToken);
        continue;
      }
      const fixedToken = charToken ?? this.#tryToConsumeAToken("escaped-char");
      if (fixedToken !== null) {
        this.#pendingFixedValue += fixedToken.value;
        continue;
      }
      if (this.#tryToConsumeAToken("open") !== null) {
        this.#addABracedGroup();
        continue;
      }
      this.#maybeAddAPartFromThePendingFixedValue();
      this.#consumeARequiredToken("end");
    }
    return this.#partList;
  }

  #addAGroup(charToken, nameToken, regexpOrWildcardToken) {
    let prefix = charToken?.value ?? "";
    if (prefix !== "" && prefix !== this.#options.prefix) {
      this.#pendingFixedValue += prefix;
      prefix = "";
    }
    this.#maybeAddAPartFromThePendingFixedValue();
    const modifierToken = this.#tryToConsumeAModifierToken();
    this.#addAPart(prefix, nameToken, regexpOrWildcardToken, "", modifierToken);
  }

  /** The sequence <open><char prefix><name><regexp><char suffix><close><modifier>, after <open>. */
  #addABracedGroup() {
    const prefix = this.#consumeText();
    const nameToken = this.#tryToConsumeAToken("name");
    const regexpOrWildcardToken = this.#tryToConsumeARegexpOrWildcardToken(nameToken);
    const suffix = this.#consumeText();
    this.#consumeARequiredToken("close");
    const modifierToken = this.#tryToConsumeAModifierToken();
    this.#addAPart(prefix, nameToken, regexpOrWildcardToken, suffix, modifierToken);
  }

  #tryToConsumeAToken(type) {
    const nextToken = this.#tokenList[this.#index];
    if (nextToken.type !== type) return null;
    this.#index++;
    return nextToken;
  }

  #tryToConsumeAModifierToken() {
    return this.#tryToConsumeAToken("other-modifier") ?? this.#tryToConsumeAToken("asterisk");
  }

  #tryToConsumeARegexpOrWildcardToken(nameToken) {
    const token = this.#tryToConsumeAToken("regexp");
    return nameToken === null && token === null ? this.#tryToConsumeAToken("asterisk") : token;
  }

  #consumeARequiredToken(type) {
    if (this.#tryToConsumeAToken(type) !== null) return;
    const { index, value } = this.#tokenList[this.#index];
    const found = value === "" ? "the end" : `'${value}'`;
    throw invalidPattern(`'${this.#input}' at index ${index}: ${found} where there should be the ${type}.`);
  }

  #consumeText() {
    let result = "";
    for (;;) {
      const token = this.#tryToConsumeAToken("char") ?? this.#tryToConsumeAToken("escaped-char");
      if (token === null) return result;
      result += token.value;
    }
  }

  #addAFixedTextPart(text, modifier) {
    const value = this.#encodingCallback(text);
    this.#addToPartList({ type: "fixed-text", value, modifier, name: "", prefix: "", suffix: "" });
  }

  #addToPartList(part) {
    this.#partList[this.#partList.length] = part;
  }

  #maybeAddAPartFromThePendingFixedValue() {
    if (this.#pendingFixedValue === "") return;
    this.#addAFixedTextPart(this.#pendingFixedValue, "none");
    this.#pendingFixedValue = "";
  }

  #addAPart(prefix, nameToken, regexpOrWildcardToken, suffix, modifierToken) {
    const modifier = modifierToken === null ? "none" : MODIFIERS[modifierToken.value];
    const isGroup = nameToken !== null || regexpOrWildcardToken !== null;
    if (!isGroup && modifier === "none") {
      this.#pendingFixedValue += prefix; // "This was a {foo} grouping."
      return;
    }
    this.#maybeAddAPartFromThePendingFixedValue();
    if (!isGroup) {
      if (prefix !== "") this.#addAFixedTextPart(prefix, modifier); // "This was a {foo}? grouping."
      return;
    }
    const { type, value } = this.#typeAndValue(regexpOrWildcardToken);
    const name = nameToken?.value ?? `${this.#nextNumericName++}`;
    if (this.#isADuplicateName(name)) throw invalidPattern(`'${this.#input}' has two groups of the name '${name}'.`);
    const encodedPrefix = this.#encodingCallback(prefix);
    const encodedSuffix = this.#encodingCallback(suffix);
    this.#addToPartList({ type, value, modifier, name, prefix: encodedPrefix, suffix: encodedSuffix });
  }

  #typeAndValue(regexpOrWildcardToken) {
    let value = this.#segmentWildcardRegexp;
    if (regexpOrWildcardToken?.type === "asterisk") value = FULL_WILDCARD_REGEXP_VALUE;
    else if (regexpOrWildcardToken !== null) value = regexpOrWildcardToken.value;
    // "We make sure to go to a regular expression first so that an equivalent "regexp" token will be treated the same
    // as a "name" or "asterisk" token."
    if (value === this.#segmentWildcardRegexp) return { type: "segment-wildcard", value: "" };
    if (value === FULL_WILDCARD_REGEXP_VALUE) return { type: "full-wildcard", value: "" };
    return { type: "regexp", value };
  }

  #isADuplicateName(name) {
    for (let i = 0; i < this.#partList.length; i++) if (this.#partList[i].name === name) return true;
    return false;
  }
}

/**
 * https://urlpattern.spec.whatwg.org/#parse-a-pattern-string
 * @param options as in component.js
 * @param encodingCallback gives the canonical form of a piece of text, or throws
 */
export const parseAPatternString = (input, options, encodingCallback) =>
  new PatternParser(input, options, encodingCallback).parse();

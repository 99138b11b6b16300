// https://urlpattern.spec.whatwg.org/#tokenizing. Positions are those of UTF-16 code units; a token begins and ends
// between code points.
import {
  RegExpPrototypeTest,
  StringPrototypeCharCodeAt,
  StringPrototypeSlice,
  TypeErrorConstructor,
} from "../infra/primordials.js";

const IDENTIFIER_START = /^[$_\p{ID_Start}]$/u;
const IDENTIFIER_PART = /^[$\u200c\u200d\p{ID_Continue}]$/u;

/** https://urlpattern.spec.whatwg.org/#is-a-valid-name-code-point; the code point is a string. */
export const isValidNameCodePoint = (codePoint, first) =>
  RegExpPrototypeTest(first ? IDENTIFIER_START : IDENTIFIER_PART, codePoint);

/** The code point that begins at the index, as a string. */
export function codePointAt(input, index) {
  const isPair = (StringPrototypeCharCodeAt(input, index) & 0xfc00) === 0xd800;
  return StringPrototypeSlice(input, index, index + (isPair ? 2 : 1));
}

const isASCII = (codePoint) => codePoint <= "\x7f";

export const invalidPattern = (message) => new TypeErrorConstructor(`Invalid URL pattern: ${message}`);

// What begins a token of one code point.
const SINGLE = {
  __proto__: null,
  "*": "asterisk",
  "+": "other-modifier",
  "?": "other-modifier",
  "{": "open",
  "}": "close",
};

class Tokenizer {
  #input;
  #policy;
  #tokenList = [];
  #index = 0;
  #nextIndex = 0;
  #codePoint = "";

  constructor(input, policy) {
    this.#input = input;
    this.#policy = policy;
  }

  tokenize() {
    while (this.#index < this.#input.length) {
      this.#seekAndGetTheNextCodePoint(this.#index);
      if (SINGLE[this.#codePoint] !== undefined) {
        this.#addATokenWithDefaultPositionAndLength(SINGLE[this.#codePoint]);
      } else if (this.#codePoint === "\\") {
        this.#escape();
      } else if (this.#codePoint === ":") {
        this.#name();
      } else if (this.#codePoint === "(") {
        this.#regexp();
      } else {
        this.#addATokenWithDefaultPositionAndLength("char");
      }
    }
    this.#addATokenWithDefaultLength("end", this.#index, this.#index);
    return this.#tokenList;
  }

  #escape() {
    if (this.#nextIndex === this.#input.length) {
      this.#processATokenizingError(this.#nextIndex, this.#index, "nothing follows the backslash");
      return;
    }
    const escapedIndex = this.#nextIndex;
    this.#getTheNextCodePoint();
    this.#addATokenWithDefaultLength("escaped-char", this.#nextIndex, escapedIndex);
  }

  #name() {
    const nameStart = this.#nextIndex;
    let namePosition = nameStart;
    while (namePosition < this.#input.length) {
      this.#seekAndGetTheNextCodePoint(namePosition);
      if (!isValidNameCodePoint(this.#codePoint, namePosition === nameStart)) break;
      namePosition = this.#nextIndex;
    }
    if (namePosition <= nameStart) {
      this.#processATokenizingError(nameStart, this.#index, "a name must follow the colon");
      return;
    }
    this.#addATokenWithDefaultLength("name", namePosition, nameStart);
  }

  #regexp() {
    const regexpStart = this.#nextIndex;
    const regexpEnd = this.#endOfRegexp(regexpStart);
    if (typeof regexpEnd === "string") {
      this.#processATokenizingError(regexpStart, this.#index, regexpEnd);
      return;
    }
    this.#addAToken("regexp", regexpEnd + 1, regexpStart, regexpEnd - regexpStart);
  }

  /** The position of the parenthesis that closes the regular expression, or what is wrong with it. */
  #endOfRegexp(regexpStart) {
    let depth = 1;
    let regexpPosition = regexpStart;
    while (regexpPosition < this.#input.length) {
      this.#seekAndGetTheNextCodePoint(regexpPosition);
      if (!isASCII(this.#codePoint)) return "a regular expression must be ASCII";
      if (regexpPosition === regexpStart && this.#codePoint === "?")
        return "a regular expression cannot begin with '?'";
      if (this.#codePoint === "\\") {
        if (this.#nextIndex === this.#input.length) return "nothing follows the backslash";
        this.#getTheNextCodePoint();
        if (!isASCII(this.#codePoint)) return "a regular expression must be ASCII";
      } else if (this.#codePoint === ")") {
        depth--;
        if (depth === 0)
          return regexpPosition > regexpStart ? regexpPosition : "a regular expression cannot be empty";
      } else if (this.#codePoint === "(") {
        depth++;
        // A capturing group would be taken for one of the pattern's own.
        if (this.#input[this.#nextIndex] !== "?") return "a regular expression cannot have capturing groups";
      }
      regexpPosition = this.#nextIndex;
    }
    return "a parenthesis is not closed";
  }

  #getTheNextCodePoint() {
    this.#codePoint = codePointAt(this.#input, this.#nextIndex);
    this.#nextIndex += this.#codePoint.length;
  }

  #seekAndGetTheNextCodePoint(index) {
    this.#nextIndex = index;
    this.#getTheNextCodePoint();
  }

  #addAToken(type, nextPosition, valuePosition, valueLength) {
    const value = StringPrototypeSlice(this.#input, valuePosition, valuePosition + valueLength);
    this.#tokenList[this.#tokenList.length] = { type, index: this.#index, value };
    this.#index = nextPosition;
  }

  #addATokenWithDefaultLength(type, nextPosition, valuePosition) {
    this.#addAToken(type, nextPosition, valuePosition, nextPosition - valuePosition);
  }

  #addATokenWithDefaultPositionAndLength(type) {
    this.#addATokenWithDefaultLength(type, this.#nextIndex, this.#index);
  }

  #processATokenizingError(nextPosition, valuePosition, reason) {
    if (this.#policy === "strict") throw invalidPattern(`'${this.#input}' at index ${this.#index}: ${reason}.`);
    this.#addATokenWithDefaultLength("invalid-char", nextPosition, valuePosition);
  }
}

/**
 * https://urlpattern.spec.whatwg.org/#tokenize
 * @param policy "strict", or "lenient": what is wrong becomes tokens of the type "invalid-char"
 * @returns a list of { type, index, value }, the last of which is of the type "end"
 */
export const tokenize = (input, policy) => new Tokenizer(input, policy).tokenize();

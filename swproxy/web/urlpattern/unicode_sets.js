// The engine does not know the flag "v" of regular expressions, which the standard uses. This rewrites their character
// classes for the flag "u": https://tc39.es/ecma262/#prod-ClassSetExpression
//
// A class becomes { chars, atom, strings }: `atom` matches one character of it, `chars` is what stands between the
// brackets of that if it is a plain class, otherwise null; `strings` are those of \q{...} that are not of one character.
import {
  ArrayPrototypeIncludes,
  ArrayPrototypeJoin,
  ArrayPrototypeSort,
  RegExpPrototypeExec,
  RegExpPrototypeTest,
  StringPrototypeIncludes,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  SyntaxErrorConstructor,
} from "../infra/primordials.js";

const SYNTAX_CHARACTERS = "()[]{}/-|";
const RESERVED_DOUBLE_PUNCTUATORS = /^(?:&&|!!|##|\$\$|%%|\*\*|\+\+|,,|\.\.|::|;;|<<|==|>>|\?\?|@@|\^\^|``|~~)/;
const RESERVED_PUNCTUATORS = "&!#%,:;<=>@`~"; // and "-", which may be escaped with "u" too
const ESCAPE = /^\\(?:c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]+\}|[pP]\{[^}]*\}|[^])/;
const CHARACTER_CLASS_ESCAPE = /^\\[dDsSwWpP]/;

const plain = (chars) => ({ chars, atom: `[${chars}]`, strings: [] });
const either = (alternatives) => `(?:${ArrayPrototypeJoin(alternatives, "|")})`;

function union(operands) {
  let chars = "";
  const alternatives = [];
  const strings = [];
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i];
    if (operand.chars === null) alternatives[alternatives.length] = operand.atom;
    else chars += operand.chars;
    for (let j = 0; j < operand.strings.length; j++) strings[strings.length] = operand.strings[j];
  }
  if (alternatives.length === 0) return { ...plain(chars), strings };
  alternatives[alternatives.length] = `[${chars}]`;
  return { chars: null, atom: either(alternatives), strings };
}

/** The intersection of two classes, or the first without the second. */
function combine(a, b, isIntersection) {
  const strings = [];
  for (let i = 0; i < a.strings.length; i++) {
    if (ArrayPrototypeIncludes(b.strings, a.strings[i]) === isIntersection) strings[strings.length] = a.strings[i];
  }
  return { chars: null, atom: `(?:(?${isIntersection ? "=" : "!"}${b.atom})${a.atom})`, strings };
}

function negate({ chars, atom, strings }) {
  if (strings.length > 0) throw new SyntaxErrorConstructor("a negated character class may not contain strings");
  return { chars: null, atom: chars === null ? `(?:(?!${atom})[^])` : `[^${chars}]`, strings };
}

/** As a part of a regular expression: the longest alternatives come first. */
function serialize({ atom, strings }) {
  if (strings.length === 0) return atom;
  const sorted = ArrayPrototypeSort(strings, (a, b) => b.length - a.length);
  const alternatives = [];
  for (let i = 0; i < sorted.length; i++) if (sorted[i] !== "") alternatives[alternatives.length] = sorted[i];
  alternatives[alternatives.length] = atom;
  if (alternatives.length <= sorted.length) alternatives[alternatives.length] = "";
  return either(alternatives);
}

class ClassParser {
  #source;
  #index;

  constructor(source, index) {
    this.#source = source;
    this.#index = index;
  }

  get index() {
    return this.#index;
  }

  /** Reads a class whose opening bracket was read. */
  parseClass() {
    const isNegated = this.#accept("^");
    const result = this.#classContents();
    return isNegated ? negate(result) : result;
  }

  #classContents() {
    if (this.#accept("]")) return plain("");
    const first = this.#operandOrRange();
    if (!first.isRange && (this.#at("--") || this.#at("&&"))) return this.#setOperation(first);
    const operands = [first];
    while (!this.#accept("]")) operands[operands.length] = this.#operandOrRange();
    return union(operands);
  }

  #setOperation(first) {
    const operator = this.#at("--") ? "--" : "&&";
    let result = first;
    while (!this.#accept("]")) {
      if (!this.#accept(operator)) this.#fail();
      result = combine(result, this.#operand(), operator === "&&");
    }
    return result;
  }

  #operandOrRange() {
    const operand = this.#operand();
    if (!operand.isCharacter || this.#at("--") || !this.#accept("-")) return operand;
    const end = this.#operand();
    if (!end.isCharacter) this.#fail();
    return { ...plain(`${operand.chars}-${end.chars}`), isRange: true };
  }

  #operand() {
    if (this.#accept("[")) return this.parseClass();
    if (this.#accept("\\q{")) return this.#stringDisjunction();
    const character = this.#character();
    return { ...plain(character), isCharacter: !RegExpPrototypeTest(CHARACTER_CLASS_ESCAPE, character) };
  }

  /** \q{...}, of which the beginning was read. */
  #stringDisjunction() {
    const operands = [];
    do {
      let string = "";
      let length = 0;
      let character = "";
      while (!this.#at("|") && !this.#at("}")) {
        character = this.#character();
        if (RegExpPrototypeTest(CHARACTER_CLASS_ESCAPE, character)) this.#fail();
        string += `[${character}]`;
        length++;
      }
      operands[operands.length] = length === 1 ? plain(character) : { ...plain(""), strings: [string] };
    } while (this.#accept("|"));
    this.#accept("}");
    return union(operands);
  }

  /** A character or an escape that stands for several, as it is written in a class with the flag "u". */
  #character() {
    const rest = StringPrototypeSlice(this.#source, this.#index);
    if (rest === "" || RegExpPrototypeTest(RESERVED_DOUBLE_PUNCTUATORS, rest)) this.#fail();
    const escape = RegExpPrototypeExec(ESCAPE, rest)?.[0];
    const text = escape ?? rest[0];
    if (StringPrototypeIncludes(SYNTAX_CHARACTERS, text)) this.#fail();
    this.#index += text.length;
    if (escape === undefined) return text === "^" ? "\\^" : text;
    return escape.length === 2 && StringPrototypeIncludes(RESERVED_PUNCTUATORS, escape[1]) ? escape[1] : escape;
  }

  #at(text) {
    return StringPrototypeStartsWith(this.#source, text, this.#index);
  }

  #accept(text) {
    if (!this.#at(text)) return false;
    this.#index += text.length;
    return true;
  }

  #fail() {
    throw new SyntaxErrorConstructor(
      `invalid character class, at '${StringPrototypeSlice(this.#source, this.#index)}'`,
    );
  }
}

/**
 * A regular expression with the flag "v" as one with the flag "u". What is wrong outside of classes stays as it is.
 * @throws SyntaxError
 */
export function withoutUnicodeSets(source) {
  let result = "";
  for (let i = 0; i < source.length;) {
    if (source[i] === "[") {
      const parser = new ClassParser(source, i + 1);
      result += serialize(parser.parseClass());
      i = parser.index;
    } else {
      const length = source[i] === "\\" ? 2 : 1;
      result += StringPrototypeSlice(source, i, i + length);
      i += length;
    }
  }
  return result;
}

// What DOMMatrix and DOMMatrixReadOnly stand for, and the dictionary that describes one:
// https://drafts.csswg.org/geometry-1/#DOMMatrix
import { MathAtan2, MathPI, MathSign, MathSqrt, NumberIsNaN, TypeErrorConstructor } from "../infra/primordials.js";
import { boolean, dictionary, unrestrictedDouble, withDefault } from "../webidl/types.js";
import {
  IDENTITY,
  inverse2D,
  inverse3D,
  list2D,
  product2D,
  product3D,
  rotation,
  sineAndCosine,
  tangentOf,
} from "./matrix_algebra.js";

const zero = withDefault(unrestrictedDouble, 0);
const one = withDefault(unrestrictedDouble, 1);
const DOMMatrix2DInit = dictionary("DOMMatrix2DInit", {
  a: unrestrictedDouble,
  b: unrestrictedDouble,
  c: unrestrictedDouble,
  d: unrestrictedDouble,
  e: unrestrictedDouble,
  f: unrestrictedDouble,
  m11: unrestrictedDouble,
  m12: unrestrictedDouble,
  m21: unrestrictedDouble,
  m22: unrestrictedDouble,
  m41: unrestrictedDouble,
  m42: unrestrictedDouble,
});
export const DOMMatrixInit = dictionary(
  "DOMMatrixInit",
  {
    m13: zero,
    m14: zero,
    m23: zero,
    m24: zero,
    m31: zero,
    m32: zero,
    m33: one,
    m34: zero,
    m43: zero,
    m44: one,
    is2D: boolean,
  },
  DOMMatrix2DInit,
);

/** The names of the elements in column-major order. */
// prettier-ignore
export const ELEMENTS = [
  "m11", "m12", "m13", "m14", "m21", "m22", "m23", "m24", "m31", "m32", "m33", "m34", "m41", "m42", "m43", "m44",
];
/** Other names of the elements of a 2D matrix -> their indices. */
export const ALIASES = { __proto__: null, a: 0, b: 1, c: 4, d: 5, e: 12, f: 13 };

/** Whether a 2D matrix may have that element. */
function fits2D(index, value) {
  const row = index % 4;
  const column = (index - row) / 4;
  return (row < 2 && column !== 2) || value === IDENTITY[index];
}

/** An element that a DOMMatrixInit may have under two names; that of the identity matrix if it has none. */
function namedTwice(init, alias) {
  const index = ALIASES[alias];
  const value = init[ELEMENTS[index]];
  const other = init[alias];
  if (value === undefined) return other ?? IDENTITY[index];
  if (other !== undefined && value !== other && !(NumberIsNaN(value) && NumberIsNaN(other))) {
    throw new TypeErrorConstructor(`${alias} and ${ELEMENTS[index]} are the same element, and have two values.`);
  }
  return value;
}

/** A matrix. Operations change it and give it back. */
export class Matrix {
  /** The 16 numbers in column-major order. */
  elements;
  /** Its "is 2D": in a 2D matrix, all but six elements are those of the identity matrix. */
  is2D;

  constructor(elements, is2D) {
    this.elements = elements;
    this.is2D = is2D;
  }

  /** Of the 6 elements of a 2D matrix, or all 16; `values` is a list or a typed array. */
  static fromNumbers(values, length) {
    if (length === 6) {
      return new Matrix(list2D(values[0], values[1], values[2], values[3], values[4], values[5]), true);
    }
    if (length !== 16) throw new TypeErrorConstructor(`A matrix has 6 or 16 elements, and not ${length}.`);
    const elements = [];
    for (let i = 0; i < 16; i++) elements[i] = values[i];
    return new Matrix(elements, false);
  }

  /** https://drafts.csswg.org/geometry-1/#create-a-dommatrix-from-the-dictionary */
  static fromDictionary(init) {
    const a = namedTwice(init, "a");
    const b = namedTwice(init, "b");
    const c = namedTwice(init, "c");
    const d = namedTwice(init, "d");
    const e = namedTwice(init, "e");
    const f = namedTwice(init, "f");
    // prettier-ignore
    const elements = [
      a, b, init.m13, init.m14, c, d, init.m23, init.m24, init.m31, init.m32, init.m33, init.m34, e, f, init.m43, init.m44,
    ];
    let fits = true;
    for (let i = 0; i < 16; i++) fits &&= fits2D(i, elements[i]);
    if (init.is2D && !fits) throw new TypeErrorConstructor("A 2D matrix has elements of a 3D matrix.");
    return (init.is2D ?? fits) ? new Matrix(list2D(a, b, c, d, e, f), true) : new Matrix(elements, false);
  }

  copy() {
    const { elements } = this;
    const list = [];
    for (let i = 0; i < 16; i++) list[i] = elements[i];
    return new Matrix(list, this.is2D);
  }

  get isIdentity() {
    for (let i = 0; i < 16; i++) if (this.elements[i] !== IDENTITY[i]) return false;
    return true;
  }

  set(index, value) {
    this.elements[index] = value;
    this.is2D &&= fits2D(index, value);
  }

  #product(a, b) {
    this.elements = this.is2D ? product2D(a, b) : product3D(a, b);
    return this;
  }

  /** Post-multiplies another Matrix. */
  multiply(other) {
    this.is2D &&= other.is2D;
    return this.#product(this.elements, other.elements);
  }

  /** Pre-multiplies another Matrix. */
  preMultiply(other) {
    this.is2D &&= other.is2D;
    return this.#product(other.elements, this.elements);
  }

  // Transformations that change one or two columns only: no full product, in which 0 times NaN or Infinity spreads.

  /** The number of rows that a change of columns concerns. Columns are given by the index of their first element. */
  get #rows() {
    return this.is2D ? 2 : 4;
  }

  #scaleColumn(column, factor) {
    for (let row = 0; row < this.#rows; row++) this.elements[column + row] *= factor;
    return this;
  }

  /** Adds to a column another one, multiplied. */
  #addColumn(column, other, factor) {
    if (factor === 0) return this;
    for (let row = 0; row < this.#rows; row++) this.elements[column + row] += this.elements[other + row] * factor;
    return this;
  }

  /** Rotates by degrees around the axis of the third column, when there are two others. */
  #turn(one, other, degrees) {
    if (degrees === 0) return this;
    const { sine, cosine } = sineAndCosine(degrees);
    const { elements } = this;
    for (let row = 0; row < this.#rows; row++) {
      const x = elements[one + row];
      const y = elements[other + row];
      elements[one + row] = cosine * x + sine * y;
      elements[other + row] = cosine * y - sine * x;
    }
    return this;
  }

  translate(x, y, z) {
    this.is2D &&= z === 0;
    return this.#addColumn(12, 0, x).#addColumn(12, 4, y).#addColumn(12, 8, z);
  }

  scale(x, y, z, originX, originY, originZ) {
    this.translate(originX, originY, originZ);
    this.is2D &&= z === 1;
    this.#scaleColumn(0, x).#scaleColumn(4, y).#scaleColumn(8, z);
    return this.translate(-originX, -originY, -originZ);
  }

  /** By degrees around the axes: of z, then y, then x. */
  rotate(x, y, z) {
    this.is2D &&= x === 0 && y === 0;
    this.#turn(0, 4, z);
    return this.#turn(8, 0, y).#turn(4, 8, x);
  }

  /** By the angle between (1, 0) and (x, y). */
  rotateFromVector(x, y) {
    return this.#turn(0, 4, x === 0 && y === 0 ? 0 : (MathAtan2(y, x) * 180) / MathPI);
  }

  rotateAxisAngle(x, y, z, degrees) {
    this.is2D &&= x === 0 && y === 0;
    const length = MathSqrt(x * x + y * y + z * z);
    if (length === 0 || degrees === 0) return this; // a vector without length is the axis of no rotation
    if (x === 0 && y === 0) return this.#turn(0, 4, MathSign(z) * degrees);
    if (x === 0 && z === 0) return this.#turn(8, 0, MathSign(y) * degrees);
    if (y === 0 && z === 0) return this.#turn(4, 8, MathSign(x) * degrees);
    return this.#product(this.elements, rotation(x / length, y / length, z / length, degrees));
  }

  skewX(degrees) {
    return this.#addColumn(4, 0, tangentOf(degrees));
  }

  skewY(degrees) {
    return this.#addColumn(0, 4, tangentOf(degrees));
  }

  /** https://drafts.csswg.org/geometry-1/#dom-dommatrix-invertself */
  invert() {
    const inverse = this.is2D ? inverse2D(this.elements) : inverse3D(this.elements);
    this.is2D &&= inverse !== null;
    this.elements = inverse ?? [NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN];
    return this;
  }

  /** https://drafts.csswg.org/geometry-1/#transforming-a-point-with-a-matrix, of { x, y, z, w }: a list of them */
  transform({ x, y, z, w }) {
    const m = this.elements;
    if (this.is2D && z === 0 && w === 1) return [m[0] * x + m[4] * y + m[12], m[1] * x + m[5] * y + m[13], 0, 1];
    const result = [];
    for (let row = 0; row < 4; row++) result[row] = m[row] * x + m[4 + row] * y + m[8 + row] * z + m[12 + row] * w;
    return result;
  }
}

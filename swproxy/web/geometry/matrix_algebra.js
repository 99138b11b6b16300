// Products, inverses and rotations of matrices, which are lists of 16 numbers in column-major order. A 2D matrix has
// formulas of its own: its other elements are fixed, and 0 times Infinity must not become one of them.
import {
  MathCos,
  MathFloor,
  MathPI,
  MathSign,
  MathSin,
  MathSqrt,
  MathTan,
  NumberIsFinite,
} from "../infra/primordials.js";

export const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** A 2D matrix of its six elements. */
export const list2D = (a, b, c, d, e, f) => [a, b, 0, 0, c, d, 0, 0, 0, 0, 1, 0, e, f, 0, 1];

/** a · b, of two 2D matrices. */
export function product2D(a, b) {
  return list2D(
    a[0] * b[0] + a[4] * b[1],
    a[1] * b[0] + a[5] * b[1],
    a[0] * b[4] + a[4] * b[5],
    a[1] * b[4] + a[5] * b[5],
    a[0] * b[12] + a[4] * b[13] + a[12],
    a[1] * b[12] + a[5] * b[13] + a[13],
  );
}

/** a · b */
export function product3D(a, b) {
  const result = [];
  for (let i = 0; i < 16; i++) {
    const row = i % 4;
    const column = i - row;
    const inPlane = a[row] * b[column] + a[4 + row] * b[column + 1];
    result[i] = inPlane + a[8 + row] * b[column + 2] + a[12 + row] * b[column + 3];
  }
  return result;
}

/** The quotient; 0 where it is -0, so that the identity matrix is its own inverse. */
const quotient = (x, y) => x / y + 0;

/** The inverse of a 2D matrix; null if there is none. */
export function inverse2D(m) {
  const determinant = m[0] * m[5] - m[1] * m[4];
  if (determinant === 0 || !NumberIsFinite(determinant)) return null;
  return list2D(
    quotient(m[5], determinant),
    quotient(-m[1], determinant),
    quotient(-m[4], determinant),
    quotient(m[0], determinant),
    quotient(m[4] * m[13] - m[5] * m[12], determinant),
    quotient(m[1] * m[12] - m[0] * m[13], determinant),
  );
}

/** The 2x2 determinants of the elements i and j of two columns, under the names of i and j. */
function minors(m, column, other) {
  const minor = (i, j) => m[column + i] * m[other + j] - m[column + j] * m[other + i];
  return {
    m01: minor(0, 1),
    m02: minor(0, 2),
    m03: minor(0, 3),
    m12: minor(1, 2),
    m13: minor(1, 3),
    m23: minor(2, 3),
  };
}

/** The cofactors of a column, whose elements begin at `next`: it and the minors of two others are what is left. */
function cofactors(m, next, { m01, m02, m03, m12, m13, m23 }) {
  const x = m[next];
  const y = m[next + 1];
  const z = m[next + 2];
  const w = m[next + 3];
  return [
    y * m23 - z * m13 + w * m12,
    z * m03 - x * m23 - w * m02,
    x * m13 - y * m03 + w * m01,
    y * m02 - x * m12 - z * m01,
  ];
}

/** The inverse, by Cramer's rule; null if there is none. */
export function inverse3D(m) {
  const left = minors(m, 0, 4);
  const right = minors(m, 8, 12);
  const rows = [cofactors(m, 4, right), cofactors(m, 0, right), cofactors(m, 12, left), cofactors(m, 8, left)];
  const first = rows[0];
  const determinant = m[0] * first[0] + m[1] * first[1] + m[2] * first[2] + m[3] * first[3];
  if (determinant === 0 || !NumberIsFinite(determinant)) return null;
  const result = [];
  for (let i = 0; i < 16; i++) {
    const row = i % 4;
    const cofactor = rows[row][(i - row) / 4];
    result[i] = quotient(row % 2 === 0 ? cofactor : -cofactor, determinant);
  }
  return result;
}

const radiansOf = (degrees) => degrees * (MathPI / 180);

export const tangentOf = (degrees) => MathTan(radiansOf(degrees));

/** { sine, cosine }, as exact for many turns as for a part of one: they are whole numbers where they should be. */
export function sineAndCosine(degrees) {
  const part = degrees % 360;
  const quarters = MathFloor(part / 90 + 0.5);
  const rest = part - 90 * quarters;
  const s = rest === 45 || rest === -45 ? MathSign(rest) * MathSqrt(0.5) : MathSin(radiansOf(rest));
  const c = rest === 45 || rest === -45 ? MathSqrt(0.5) : MathCos(radiansOf(rest));
  switch (quarters & 3) {
    case 0:
      return { sine: s, cosine: c };
    case 1:
      return { sine: c, cosine: 0 - s };
    case 2:
      return { sine: 0 - s, cosine: -c };
    default:
      return { sine: -c, cosine: s };
  }
}

/** https://drafts.csswg.org/css-transforms-2/#Rotate3dDefined, around a vector whose length is 1 */
export function rotation(x, y, z, degrees) {
  const { sine, cosine } = sineAndCosine(degrees);
  const rest = 1 - cosine;
  // prettier-ignore
  return [
    x * x * rest + cosine, x * y * rest + z * sine, x * z * rest - y * sine, 0,
    x * y * rest - z * sine, y * y * rest + cosine, y * z * rest + x * sine, 0,
    x * z * rest + y * sine, y * z * rest - x * sine, z * z * rest + cosine, 0,
    0, 0, 0, 1,
  ];
}

// https://drafts.csswg.org/geometry-1/#DOMMatrix
import {
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectKeys,
  TypedArrayConstructors,
  TypedArrayPrototypeGetLength,
  TypeErrorConstructor,
} from "../infra/primordials.js";
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface, optional } from "../webidl/interface.js";
import {
  DOMString,
  Float32ArrayType,
  Float64ArrayType,
  sequence,
  union,
  unrestrictedDouble,
} from "../webidl/types.js";
import { DOMPointInit, transformPoint } from "./dom_point.js";
import { ALIASES, DOMMatrixInit, ELEMENTS, Matrix } from "./matrix.js";

/** What a constructor is called with -> its Matrix. */
function matrixOf(init) {
  if (init === undefined) return Matrix.fromNumbers([1, 0, 0, 1, 0, 0], 6);
  if (typeof init === "string") {
    throw new TypeErrorConstructor("A worker has no CSS: a matrix cannot be made of a string.");
  }
  return Matrix.fromNumbers(init, init.length);
}

/** https://drafts.csswg.org/geometry-1/#dom-dommatrix-rotateself: one angle alone is that around the axis of z. */
function rotate(matrix, x, y, z) {
  return y === undefined && z === undefined ? matrix.rotate(0, 0, x) : matrix.rotate(x, y ?? 0, z ?? 0);
}

const matrixOfArray = (array) => Matrix.fromNumbers(array, TypedArrayPrototypeGetLength(array));

export class DOMMatrixReadOnly {
  #matrix;

  constructor(matrix) {
    this.#matrix = matrix;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #matrix in value;
  }

  static construct(init) {
    return [matrixOf(init)];
  }

  /** Its Matrix, which may be changed. */
  static inner(object) {
    return object.#matrix;
  }

  static fromMatrix(other) {
    return new DOMMatrixReadOnly(Matrix.fromDictionary(other));
  }

  static fromFloat32Array(array) {
    return new DOMMatrixReadOnly(matrixOfArray(array));
  }

  static fromFloat64Array(array) {
    return new DOMMatrixReadOnly(matrixOfArray(array));
  }

  get is2D() {
    return this.#matrix.is2D;
  }

  get isIdentity() {
    return this.#matrix.isIdentity;
  }

  translate(x, y, z) {
    return new DOMMatrix(this.#matrix.copy().translate(x, y, z));
  }

  scale(x, y = x, z, originX, originY, originZ) {
    return new DOMMatrix(this.#matrix.copy().scale(x, y, z, originX, originY, originZ));
  }

  scaleNonUniform(x, y) {
    return new DOMMatrix(this.#matrix.copy().scale(x, y, 1, 0, 0, 0));
  }

  scale3d(scale, originX, originY, originZ) {
    return new DOMMatrix(this.#matrix.copy().scale(scale, scale, scale, originX, originY, originZ));
  }

  rotate(x, y, z) {
    return new DOMMatrix(rotate(this.#matrix.copy(), x, y, z));
  }

  rotateFromVector(x, y) {
    return new DOMMatrix(this.#matrix.copy().rotateFromVector(x, y));
  }

  rotateAxisAngle(x, y, z, angle) {
    return new DOMMatrix(this.#matrix.copy().rotateAxisAngle(x, y, z, angle));
  }

  skewX(angle) {
    return new DOMMatrix(this.#matrix.copy().skewX(angle));
  }

  skewY(angle) {
    return new DOMMatrix(this.#matrix.copy().skewY(angle));
  }

  multiply(other) {
    return new DOMMatrix(this.#matrix.copy().multiply(Matrix.fromDictionary(other)));
  }

  flipX() {
    return new DOMMatrix(this.#matrix.copy().scale(-1, 1, 1, 0, 0, 0));
  }

  flipY() {
    return new DOMMatrix(this.#matrix.copy().scale(1, -1, 1, 0, 0, 0));
  }

  inverse() {
    return new DOMMatrix(this.#matrix.copy().invert());
  }

  transformPoint(point) {
    return transformPoint(point, this.#matrix);
  }

  toFloat32Array() {
    return toTypedArray("Float32Array", this.#matrix);
  }

  toFloat64Array() {
    return toTypedArray("Float64Array", this.#matrix);
  }

  toJSON() {
    const matrix = this.#matrix;
    const json = {};
    for (let i = 0; i < NAMES.length; i++) setMember(json, NAMES[i].name, matrix.elements[NAMES[i].index]);
    setMember(json, "is2D", matrix.is2D);
    setMember(json, "isIdentity", matrix.isIdentity);
    return json;
  }
}

export class DOMMatrix extends DOMMatrixReadOnly {
  #matrix;

  constructor(matrix) {
    super(matrix);
    this.#matrix = matrix;
  }

  static is(value) {
    return typeof value === "object" && value !== null && #matrix in value;
  }

  /** The same Matrix; throws for what only is a DOMMatrixReadOnly. */
  static inner(object) {
    return object.#matrix;
  }

  static fromMatrix(other) {
    return new DOMMatrix(Matrix.fromDictionary(other));
  }

  static fromFloat32Array(array) {
    return new DOMMatrix(matrixOfArray(array));
  }

  static fromFloat64Array(array) {
    return new DOMMatrix(matrixOfArray(array));
  }

  multiplySelf(other) {
    this.#matrix.multiply(Matrix.fromDictionary(other));
    return this;
  }

  preMultiplySelf(other) {
    this.#matrix.preMultiply(Matrix.fromDictionary(other));
    return this;
  }

  translateSelf(x, y, z) {
    this.#matrix.translate(x, y, z);
    return this;
  }

  scaleSelf(x, y = x, z, originX, originY, originZ) {
    this.#matrix.scale(x, y, z, originX, originY, originZ);
    return this;
  }

  scale3dSelf(scale, originX, originY, originZ) {
    this.#matrix.scale(scale, scale, scale, originX, originY, originZ);
    return this;
  }

  rotateSelf(x, y, z) {
    rotate(this.#matrix, x, y, z);
    return this;
  }

  rotateFromVectorSelf(x, y) {
    this.#matrix.rotateFromVector(x, y);
    return this;
  }

  rotateAxisAngleSelf(x, y, z, angle) {
    this.#matrix.rotateAxisAngle(x, y, z, angle);
    return this;
  }

  skewXSelf(angle) {
    this.#matrix.skewX(angle);
    return this;
  }

  skewYSelf(angle) {
    this.#matrix.skewY(angle);
    return this;
  }

  invertSelf() {
    this.#matrix.invert();
    return this;
  }
}

/** The attributes that stand for elements: { name, index }, in the order of the specification. */
const NAMES = [];
const aliases = ObjectKeys(ALIASES);
for (let i = 0; i < 6; i++) NAMES[i] = { name: aliases[i], index: ALIASES[aliases[i]] };
for (let i = 0; i < 16; i++) NAMES[6 + i] = { name: ELEMENTS[i], index: i };

const readonly = ["is2D", "isIdentity"];
const attributes = { __proto__: null };
for (let i = 0; i < NAMES.length; i++) {
  const { name, index } = NAMES[i];
  readonly[readonly.length] = name;
  attributes[name] = unrestrictedDouble;
  const element = {
    get [name]() {
      return DOMMatrixReadOnly.inner(this).elements[index];
    },
  };
  ObjectDefineProperty(DOMMatrixReadOnly.prototype, name, ObjectGetOwnPropertyDescriptor(element, name));
  const mutable = {
    get [name]() {
      return DOMMatrix.inner(this).elements[index];
    },
    set [name](value) {
      DOMMatrix.inner(this).set(index, value);
    },
  };
  ObjectDefineProperty(DOMMatrix.prototype, name, ObjectGetOwnPropertyDescriptor(mutable, name));
}

function setMember(object, name, value) {
  ObjectDefineProperty(object, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function toTypedArray(type, { elements }) {
  const array = new TypedArrayConstructors[type](16);
  for (let i = 0; i < 16; i++) array[i] = elements[i];
  return array;
}

const zero = optional(unrestrictedDouble, 0);
const one = optional(unrestrictedDouble, 1);
const missing = optional(unrestrictedDouble);
const init = [optional(union(DOMString, sequence(unrestrictedDouble)))];
const statics = {
  fromMatrix: [optional(DOMMatrixInit)],
  fromFloat32Array: [Float32ArrayType],
  fromFloat64Array: [Float64ArrayType],
};

defineInterface(DOMMatrixReadOnly, {
  constructor: init,
  statics,
  readonly,
  operations: {
    translate: [zero, zero, zero],
    scale: [one, missing, one, zero, zero, zero],
    scaleNonUniform: [one, one],
    scale3d: [one, zero, zero, zero],
    rotate: [zero, missing, missing],
    rotateFromVector: [zero, zero],
    rotateAxisAngle: [zero, zero, zero, zero],
    skewX: [zero],
    skewY: [zero],
    multiply: [optional(DOMMatrixInit)],
    flipX: [],
    flipY: [],
    inverse: [],
    transformPoint: [optional(DOMPointInit)],
    toFloat32Array: [],
    toFloat64Array: [],
    toJSON: [],
  },
});
defineInterface(DOMMatrix, {
  constructor: init,
  statics,
  attributes,
  operations: {
    multiplySelf: [optional(DOMMatrixInit)],
    preMultiplySelf: [optional(DOMMatrixInit)],
    translateSelf: [zero, zero, zero],
    scaleSelf: [one, missing, one, zero, zero, zero],
    scale3dSelf: [one, zero, zero, zero],
    rotateSelf: [zero, missing, missing],
    rotateFromVectorSelf: [zero, zero],
    rotateAxisAngleSelf: [zero, zero, zero, zero],
    skewXSelf: [zero],
    skewYSelf: [zero],
    invertSelf: [],
  },
});

// https://drafts.csswg.org/geometry-1/#structured-serialization
function serialize(object) {
  const { elements: m, is2D } = DOMMatrixReadOnly.inner(object);
  return { fields: [], bodies: [], values: is2D ? [m[0], m[1], m[4], m[5], m[12], m[13]] : m };
}

registerSerializable("DOMMatrixReadOnly", DOMMatrixReadOnly.is, serialize, (_fields, _bodies, values) => {
  return new DOMMatrixReadOnly(Matrix.fromNumbers(values, values.length));
});
registerSerializable("DOMMatrix", DOMMatrix.is, serialize, (_fields, _bodies, values) => {
  return new DOMMatrix(Matrix.fromNumbers(values, values.length));
});

// https://drafts.csswg.org/geometry-1/#DOMPoint
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { dictionary, unrestrictedDouble, withDefault } from "../webidl/types.js";
import { DOMMatrixInit, Matrix } from "./matrix.js";

export const DOMPointInit = dictionary("DOMPointInit", {
  x: withDefault(unrestrictedDouble, 0),
  y: withDefault(unrestrictedDouble, 0),
  z: withDefault(unrestrictedDouble, 0),
  w: withDefault(unrestrictedDouble, 1),
});

export class DOMPointReadOnly {
  #point;

  constructor(x, y, z, w) {
    this.#point = { x, y, z, w };
  }

  static is(value) {
    return typeof value === "object" && value !== null && #point in value;
  }

  /** Its { x, y, z, w }, which may be changed. */
  static inner(point) {
    return point.#point;
  }

  static fromPoint({ x, y, z, w }) {
    return new DOMPointReadOnly(x, y, z, w);
  }

  get x() {
    return this.#point.x;
  }

  get y() {
    return this.#point.y;
  }

  get z() {
    return this.#point.z;
  }

  get w() {
    return this.#point.w;
  }

  matrixTransform(matrix) {
    return transformPoint(this.#point, Matrix.fromDictionary(matrix));
  }

  toJSON() {
    const { x, y, z, w } = this.#point;
    return { x, y, z, w };
  }
}

export class DOMPoint extends DOMPointReadOnly {
  #point;

  constructor(x, y, z, w) {
    super(x, y, z, w);
    this.#point = DOMPointReadOnly.inner(this);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #point in value;
  }

  static fromPoint({ x, y, z, w }) {
    return new DOMPoint(x, y, z, w);
  }

  get x() {
    return this.#point.x;
  }

  set x(value) {
    this.#point.x = value;
  }

  get y() {
    return this.#point.y;
  }

  set y(value) {
    this.#point.y = value;
  }

  get z() {
    return this.#point.z;
  }

  set z(value) {
    this.#point.z = value;
  }

  get w() {
    return this.#point.w;
  }

  set w(value) {
    this.#point.w = value;
  }
}

/** The DOMPoint of { x, y, z, w } and a Matrix. */
export function transformPoint(point, matrix) {
  const { 0: x, 1: y, 2: z, 3: w } = matrix.transform(point);
  return new DOMPoint(x, y, z, w);
}

const coordinates = [
  optional(unrestrictedDouble, 0),
  optional(unrestrictedDouble, 0),
  optional(unrestrictedDouble, 0),
  optional(unrestrictedDouble, 1),
];

defineInterface(DOMPointReadOnly, {
  constructor: coordinates,
  readonly: ["x", "y", "z", "w"],
  statics: { fromPoint: [optional(DOMPointInit)] },
  operations: { matrixTransform: [optional(DOMMatrixInit)], toJSON: [] },
});
defineInterface(DOMPoint, {
  constructor: coordinates,
  attributes: { x: unrestrictedDouble, y: unrestrictedDouble, z: unrestrictedDouble, w: unrestrictedDouble },
  statics: { fromPoint: [optional(DOMPointInit)] },
});

// https://drafts.csswg.org/geometry-1/#structured-serialization
function serialize(point) {
  const { x, y, z, w } = DOMPointReadOnly.inner(point);
  return { fields: [], bodies: [], values: [x, y, z, w] };
}

registerSerializable(
  "DOMPointReadOnly",
  DOMPointReadOnly.is,
  serialize,
  (_fields, _bodies, { 0: x, 1: y, 2: z, 3: w }) => {
    return new DOMPointReadOnly(x, y, z, w);
  },
);
registerSerializable("DOMPoint", DOMPoint.is, serialize, (_fields, _bodies, { 0: x, 1: y, 2: z, 3: w }) => {
  return new DOMPoint(x, y, z, w);
});

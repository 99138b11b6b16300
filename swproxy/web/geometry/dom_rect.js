// https://drafts.csswg.org/geometry-1/#DOMRect
import { MathMax, MathMin } from "../infra/primordials.js";
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { dictionary, unrestrictedDouble, withDefault } from "../webidl/types.js";

export const DOMRectInit = dictionary("DOMRectInit", {
  x: withDefault(unrestrictedDouble, 0),
  y: withDefault(unrestrictedDouble, 0),
  width: withDefault(unrestrictedDouble, 0),
  height: withDefault(unrestrictedDouble, 0),
});

export class DOMRectReadOnly {
  #rect;

  constructor(x, y, width, height) {
    this.#rect = { x, y, width, height };
  }

  static is(value) {
    return typeof value === "object" && value !== null && #rect in value;
  }

  /** Its { x, y, width, height }, which may be changed. */
  static inner(rect) {
    return rect.#rect;
  }

  static fromRect({ x, y, width, height }) {
    return new DOMRectReadOnly(x, y, width, height);
  }

  get x() {
    return this.#rect.x;
  }

  get y() {
    return this.#rect.y;
  }

  get width() {
    return this.#rect.width;
  }

  get height() {
    return this.#rect.height;
  }

  // The language's minimum and maximum are those that the specification calls NaN-safe.

  get top() {
    const { y, height } = this.#rect;
    return MathMin(y, y + height);
  }

  get right() {
    const { x, width } = this.#rect;
    return MathMax(x, x + width);
  }

  get bottom() {
    const { y, height } = this.#rect;
    return MathMax(y, y + height);
  }

  get left() {
    const { x, width } = this.#rect;
    return MathMin(x, x + width);
  }

  toJSON() {
    const { x, y, width, height } = this.#rect;
    return {
      x,
      y,
      width,
      height,
      top: MathMin(y, y + height),
      right: MathMax(x, x + width),
      bottom: MathMax(y, y + height),
      left: MathMin(x, x + width),
    };
  }
}

export class DOMRect extends DOMRectReadOnly {
  #rect;

  constructor(x, y, width, height) {
    super(x, y, width, height);
    this.#rect = DOMRectReadOnly.inner(this);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #rect in value;
  }

  static fromRect({ x, y, width, height }) {
    return new DOMRect(x, y, width, height);
  }

  get x() {
    return this.#rect.x;
  }

  set x(value) {
    this.#rect.x = value;
  }

  get y() {
    return this.#rect.y;
  }

  set y(value) {
    this.#rect.y = value;
  }

  get width() {
    return this.#rect.width;
  }

  set width(value) {
    this.#rect.width = value;
  }

  get height() {
    return this.#rect.height;
  }

  set height(value) {
    this.#rect.height = value;
  }
}

const number = optional(unrestrictedDouble, 0);

defineInterface(DOMRectReadOnly, {
  constructor: [number, number, number, number],
  readonly: ["x", "y", "width", "height", "top", "right", "bottom", "left"],
  statics: { fromRect: [optional(DOMRectInit)] },
  operations: { toJSON: [] },
});
defineInterface(DOMRect, {
  constructor: [number, number, number, number],
  attributes: { x: unrestrictedDouble, y: unrestrictedDouble, width: unrestrictedDouble, height: unrestrictedDouble },
  statics: { fromRect: [optional(DOMRectInit)] },
});

// https://drafts.csswg.org/geometry-1/#structured-serialization
function serialize(rect) {
  const { x, y, width, height } = DOMRectReadOnly.inner(rect);
  return { fields: [], bodies: [], values: [x, y, width, height] };
}

registerSerializable("DOMRectReadOnly", DOMRectReadOnly.is, serialize, (_fields, _bodies, values) => {
  return new DOMRectReadOnly(values[0], values[1], values[2], values[3]);
});
registerSerializable("DOMRect", DOMRect.is, serialize, (_fields, _bodies, values) => {
  return new DOMRect(values[0], values[1], values[2], values[3]);
});

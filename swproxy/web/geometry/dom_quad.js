// https://drafts.csswg.org/geometry-1/#DOMQuad
import { MathMax, MathMin } from "../infra/primordials.js";
import { registerSerializable } from "../structured_clone/registry.js";
import { defineInterface, optional } from "../webidl/interface.js";
import { dictionary } from "../webidl/types.js";
import { DOMPoint, DOMPointInit, DOMPointReadOnly } from "./dom_point.js";
import { DOMRect, DOMRectInit } from "./dom_rect.js";

const DOMQuadInit = dictionary("DOMQuadInit", {
  p1: DOMPointInit,
  p2: DOMPointInit,
  p3: DOMPointInit,
  p4: DOMPointInit,
});

const pointOf = (init) => (init === undefined ? new DOMPoint(0, 0, 0, 1) : DOMPoint.fromPoint(init));

export class DOMQuad {
  #points;

  /** Takes four DOMPoints. */
  constructor(p1, p2, p3, p4) {
    this.#points = { p1, p2, p3, p4 };
  }

  static is(value) {
    return typeof value === "object" && value !== null && #points in value;
  }

  static construct(p1, p2, p3, p4) {
    return [pointOf(p1), pointOf(p2), pointOf(p3), pointOf(p4)];
  }

  /** Its { p1, p2, p3, p4 }. */
  static inner(quad) {
    return quad.#points;
  }

  static fromRect({ x, y, width, height }) {
    const right = x + width;
    const bottom = y + height;
    return new DOMQuad(
      new DOMPoint(x, y, 0, 1),
      new DOMPoint(right, y, 0, 1),
      new DOMPoint(right, bottom, 0, 1),
      new DOMPoint(x, bottom, 0, 1),
    );
  }

  static fromQuad({ p1, p2, p3, p4 }) {
    return new DOMQuad(pointOf(p1), pointOf(p2), pointOf(p3), pointOf(p4));
  }

  get p1() {
    return this.#points.p1;
  }

  get p2() {
    return this.#points.p2;
  }

  get p3() {
    return this.#points.p3;
  }

  get p4() {
    return this.#points.p4;
  }

  getBounds() {
    const { p1, p2, p3, p4 } = this.#points;
    const a = DOMPointReadOnly.inner(p1);
    const b = DOMPointReadOnly.inner(p2);
    const c = DOMPointReadOnly.inner(p3);
    const d = DOMPointReadOnly.inner(p4);
    const left = MathMin(a.x, b.x, c.x, d.x);
    const top = MathMin(a.y, b.y, c.y, d.y);
    const right = MathMax(a.x, b.x, c.x, d.x);
    const bottom = MathMax(a.y, b.y, c.y, d.y);
    return new DOMRect(left, top, right - left, bottom - top);
  }

  toJSON() {
    const { p1, p2, p3, p4 } = this.#points;
    return { p1, p2, p3, p4 };
  }
}

defineInterface(DOMQuad, {
  constructor: [optional(DOMPointInit), optional(DOMPointInit), optional(DOMPointInit), optional(DOMPointInit)],
  readonly: ["p1", "p2", "p3", "p4"],
  statics: { fromRect: [optional(DOMRectInit)], fromQuad: [optional(DOMQuadInit)] },
  operations: { getBounds: [], toJSON: [] },
});

registerSerializable(
  "DOMQuad",
  DOMQuad.is,
  (quad) => {
    const { p1, p2, p3, p4 } = DOMQuad.inner(quad);
    return { fields: [], bodies: [], values: [p1, p2, p3, p4] };
  },
  (_fields, _bodies, points) => new DOMQuad(points[0], points[1], points[2], points[3]),
);

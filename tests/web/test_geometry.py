"""Points, rectangles, quadrilaterals and matrices, and their clones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import realm_process

from swproxy.ipc import messages

RunJs = Callable[..., Any]

# What JSON cannot carry becomes a string, and a matrix its elements, those of a 2D matrix alone, rounded.
SHOW = """
  const exact = (x) => typeof x !== "number" || (Number.isFinite(x) && !Object.is(x, -0)) ? x
    : Object.is(x, -0) ? "-0" : String(x);
  const rounded = (x) => exact(Math.round(x * 1e6) / 1e6 + 0);
  const of = (object, ...names) => names.map((name) => exact(object[name]));
  const point = (p) => of(p, "x", "y", "z", "w");
  const rect = (r) => of(r, "x", "y", "width", "height");
  const edges = (r) => of(r, "top", "right", "bottom", "left");
  const matrix = (m) => m.is2D ? ["a", "b", "c", "d", "e", "f"].map((name) => rounded(m[name]))
    : [...m.toFloat64Array()].map(rounded);
  const failure = (f) => { try { f(); return null; } catch (error) { return error.name; } };
"""


# Points


@pytest.mark.parametrize("interface", ["DOMPoint", "DOMPointReadOnly"])
def test_points(run_js: RunJs, interface: str) -> None:
    """Four numbers, any of them; from arguments or a dictionary; as JSON in the order of the specification."""
    script = f"""
      {SHOW}
      const made = [new {interface}(), new {interface}("1", null, NaN, -0), {interface}.fromPoint(),
        {interface}.fromPoint({{ y: 2, w: Infinity }}), {interface}.fromPoint(new DOMPoint(1, 2, 3, 4))];
      return [made.every((p) => p.constructor === {interface}), made.map(point),
        JSON.stringify(new {interface}(1, 2, 3, NaN)), failure(() => new {interface}(1n)),
        failure(() => {interface}.fromPoint(5)), String(new {interface}()), {interface}.length];
    """
    assert run_js(script) == [
        *[True, [[0, 0, 0, 1], [1, 0, "NaN", "-0"], [0, 0, 0, 1], [0, 2, 0, "Infinity"], [1, 2, 3, 4]]],
        *['{"x":1,"y":2,"z":3,"w":null}', "TypeError", "TypeError", f"[object {interface}]", 0],
    ]


def test_only_mutable_interfaces_have_setters(run_js: RunJs) -> None:
    """And their accessors refuse objects that are read-only."""
    script = f"""
      "use strict";
      {SHOW}
      const members = [[DOMPointReadOnly, DOMPoint, "w"], [DOMRectReadOnly, DOMRect, "width"],
        [DOMMatrixReadOnly, DOMMatrix, "f"], [DOMMatrixReadOnly, DOMMatrix, "m33"]];
      return members.map(([ReadOnly, Mutable, name]) => {{
        const object = new Mutable();
        object[name] = "5";
        const {{ get, set }} = Object.getOwnPropertyDescriptor(Mutable.prototype, name);
        const inherited = Object.getOwnPropertyDescriptor(ReadOnly.prototype, name).get;
        return [object instanceof ReadOnly, object[name], inherited.call(object),
          failure(() => {{ new ReadOnly()[name] = 5; }}), failure(() => get.call(new ReadOnly())),
          failure(() => set.call(new ReadOnly(), 5))];
      }});
    """
    assert run_js(script) == [[True, 5, 5, *["TypeError"] * 3]] * 4


def test_points_are_transformed(run_js: RunJs) -> None:
    """By a matrix or its dictionary, without a division by w; the point stays as it was."""
    script = f"""
      {SHOW}
      const p = new DOMPointReadOnly(1, 2, 3, 4);
      const flat = new DOMMatrix([1, 2, 3, 4, 5, 6]);
      const deep = new DOMMatrix(Array.from({{ length: 16 }}, (_, i) => i));
      return [p.matrixTransform(), p.matrixTransform(flat), p.matrixTransform({{ m34: 1, e: 1 }}),
        p.matrixTransform(deep), flat.transformPoint({{ x: 1, y: 1 }}), deep.transformPoint(p),
        flat.transformPoint(), p]
        .map((q) => [q.constructor.name, ...point(q)]);
    """
    assert run_js(script) == [
        *[["DOMPoint", 1, 2, 3, 4], ["DOMPoint", 27, 34, 3, 4], ["DOMPoint", 5, 2, 3, 7]],
        *[["DOMPoint", 80, 90, 100, 110], ["DOMPoint", 9, 12, 0, 1], ["DOMPoint", 80, 90, 100, 110]],
        *[["DOMPoint", 5, 6, 0, 1], ["DOMPointReadOnly", 1, 2, 3, 4]],
    ]


# Rectangles and quadrilaterals


@pytest.mark.parametrize("interface", ["DOMRect", "DOMRectReadOnly"])
def test_rectangles(run_js: RunJs, interface: str) -> None:
    """Their edges are in order whatever the signs of width and height; NaN makes NaN of those that it is part of."""
    script = f"""
      {SHOW}
      const made = [new {interface}(), new {interface}(1, 2, 3, 4), new {interface}(1, 2, -3, -4),
        {interface}.fromRect({{ x: NaN, height: 5 }}), {interface}.fromRect(new DOMRect(1, 2, 3, 4))];
      return [made.every((r) => r.constructor === {interface}), made.map(rect), made.map(edges),
        JSON.stringify(made[2])];
    """
    members = '"x":1,"y":2,"width":-3,"height":-4,"top":-2,"right":1,"bottom":2,"left":-2'
    nothing, plain = [0, 0, 0, 0], [1, 2, 3, 4]
    assert run_js(script) == [
        *[True, [nothing, plain, [1, 2, -3, -4], ["NaN", 0, 0, 5], plain]],
        *[[nothing, [2, 4, 6, 1], [-2, 1, 2, -2], [0, "NaN", 5, "NaN"], [2, 4, 6, 1]], f"{{{members}}}"],
    ]


def test_quadrilaterals(run_js: RunJs) -> None:
    """Of four points that are copied; of a rectangle; the points are always the same objects and can be moved."""
    script = f"""
      {SHOW}
      const points = (q) => [q.p1, q.p2, q.p3, q.p4].map(point);
      const given = new DOMPoint(1, 2, 3, 4);
      const quad = new DOMQuad(given, {{ x: 5 }}, null);
      const before = points(quad);
      quad.p4.x = -1;
      quad.p4.y = 7;
      return [quad.p1 !== given, quad.p1 === quad.p1, quad.p1 instanceof DOMPoint, before, rect(quad.getBounds()),
        points(DOMQuad.fromRect({{ x: 1, y: 2, width: 3, height: -4 }})),
        points(DOMQuad.fromQuad({{ p2: {{ z: 5 }} }})), points(DOMQuad.fromQuad(quad))[3],
        quad.toJSON().p1 === quad.p1, JSON.stringify(new DOMQuad()).slice(0, 34),
        rect(DOMQuad.fromQuad({{ p3: {{ x: NaN }} }}).getBounds()), quad.getBounds() !== quad.getBounds()];
    """
    origin = [0, 0, 0, 1]
    assert run_js(script) == [
        *[True, True, True, [[1, 2, 3, 4], [5, 0, 0, 1], origin, origin], [-1, 0, 6, 7]],
        *[[[1, 2, 0, 1], [4, 2, 0, 1], [4, -2, 0, 1], [1, -2, 0, 1]], [origin, [0, 0, 5, 1], origin, origin]],
        *[[-1, 7, 0, 1], True, '{"p1":{"x":0,"y":0,"z":0,"w":1},"p', ["NaN", 0, "NaN", 0], True],
    ]


# Matrices


@pytest.mark.parametrize("interface", ["DOMMatrix", "DOMMatrixReadOnly"])
def test_matrices_are_made_of_numbers(run_js: RunJs, interface: str) -> None:
    """Six or sixteen, in a sequence or a typed array; workers have no CSS, so a string is a TypeError."""
    script = f"""
      {SHOW}
      const sixteen = Array.from({{ length: 16 }}, (_, i) => i);
      const made = [new {interface}(), new {interface}(undefined), new {interface}(new Set([1, 2, 3, 4, 5, "6"])),
        new {interface}(sixteen), {interface}.fromFloat32Array(new Float32Array([1, 2, 3, 4, 5, 0.1])),
        {interface}.fromFloat64Array(new Float64Array(16))];
      return [made.every((m) => m.constructor === {interface}), made.map(matrix), made.map((m) => m.isIdentity),
        ["", "none", "matrix(1, 0, 0, 1, 0, 0)", null, 5, {{}}, [], [1, 2, 3, 4, 5], Symbol(), [1, 2, 3, 4, 5, 6n],
          made[0]].map((init) => failure(() => new {interface}(init))),
        failure(() => {interface}.fromFloat32Array(new Float64Array(6))),
        failure(() => {interface}.fromFloat64Array(new Float64Array(7))),
        failure(() => {interface}.fromFloat64Array([1, 2, 3, 4, 5, 6]))];
    """
    identity = [1, 0, 0, 1, 0, 0]
    assert run_js(script) == [
        *[True, [identity, identity, [1, 2, 3, 4, 5, 6], [*range(16)], [1, 2, 3, 4, 5, 0.1], [0] * 16]],
        *[[True, True, False, False, False, False], ["TypeError"] * 11, *["TypeError"] * 3],
    ]


def test_matrices_are_made_of_dictionaries(run_js: RunJs) -> None:
    """Elements may have two names if they agree; is2D is false if an element says so, and must not contradict it."""
    script = f"""
      {SHOW}
      const from = (init) => {{
        try {{ return matrix(DOMMatrix.fromMatrix(init)); }} catch (error) {{ return error.name; }}
      }};
      return [undefined, null, {{ a: 2, m12: 3, f: NaN }}, {{ a: 1, m11: 2 }}, {{ f: NaN, m42: NaN }},
        {{ a: 0, m11: -0 }}, {{ m13: -0 }}, {{ m13: 5 }}, {{ is2D: false, e: 4 }}, {{ is2D: true, m13: 5 }},
        {{ is2D: true, m44: NaN }},
        {{ is2D: true, m44: 1, c: 7 }}, new DOMMatrix([1, 2, 3, 4, 5, 6]), 5].map(from);
    """
    identity = [1, 0, 0, 1, 0, 0]
    deep = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert run_js(script) == [
        *[identity, identity, [2, 3, 0, 1, 0, "NaN"], "TypeError", [1, 0, 0, 1, 0, "NaN"], [0, 0, 0, 1, 0, 0]],
        *[identity, [*deep[:2], 5, *deep[3:]], [*deep[:12], 4, *deep[13:]], "TypeError", "TypeError"],
        *[[1, 0, 7, 1, 0, 0], [1, 2, 3, 4, 5, 6], "TypeError"],
    ]


def test_elements_have_names(run_js: RunJs) -> None:
    """Of which a 2D matrix has six more; a 3D value of an element ends that the matrix is 2D, for good."""
    script = f"""
      {SHOW}
      const elements = Object.keys(DOMMatrix.prototype).filter((name) => name.startsWith("m") && name.length === 3);
      const flags = elements.map((name, i) => {{
        const m = new DOMMatrix();
        const identity = m[name];
        m[name] = identity === 0 ? -0 : identity;
        const still = m.is2D && m.isIdentity;
        m[name] = NaN;
        const first = [...m.toFloat64Array()].findIndex(Number.isNaN) === i;
        const left = m.is2D;
        m[name] = identity;
        return still && first && m.isIdentity && m.is2D === left ? left : "wrong";
      }});
      const m = new DOMMatrix();
      Object.assign(m, {{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }});
      return [elements.filter((name, i) => flags[i] === true), flags.includes("wrong"), m.m21, matrix(m),
        m.toFloat32Array() instanceof Float32Array, Object.keys(m.toJSON()).join(), m.toJSON().m42];
    """
    named, wrong, *rest = run_js(script)
    assert named == ["m11", "m12", "m21", "m22", "m41", "m42"]
    assert not wrong
    keys = [*"abcdef", *(f"m{column}{row}" for column in range(1, 5) for row in range(1, 5)), "is2D", "isIdentity"]
    assert rest == [3, [1, 2, 3, 4, 5, 6], True, ",".join(keys), 6]


HALF = 0.707107
FLAT = [  # of the matrix (2, 0, 0, 3, 10, 20)
    ("translate(3, 4)", [2, 0, 0, 3, 16, 32]),
    ("translate(1, 1, -0)", [2, 0, 0, 3, 12, 23]),
    ("scale(2)", [4, 0, 0, 6, 10, 20]),
    ("scale(2, undefined)", [4, 0, 0, 6, 10, 20]),
    ("scale(2, 3)", [4, 0, 0, 9, 10, 20]),
    ("scale(2, 3, 1, 4, 5)", [4, 0, 0, 9, 2, -10]),
    ("scaleNonUniform(2)", [4, 0, 0, 3, 10, 20]),
    ("scale3d()", [2, 0, 0, 3, 10, 20]),
    ("rotate(90)", [0, 3, -2, 0, 10, 20]),
    ("rotate(-630)", [0, 3, -2, 0, 10, 20]),
    ("rotate(45)", [1.414214, 2.12132, -1.414214, 2.12132, 10, 20]),
    ("rotate(0, 0, 180)", [-2, 0, 0, -3, 10, 20]),
    ("rotateFromVector(0, 5)", [0, 3, -2, 0, 10, 20]),
    ("rotateFromVector(-0, 0)", [2, 0, 0, 3, 10, 20]),
    ("rotateAxisAngle(0, 0, 0.1, 90)", [0, 3, -2, 0, 10, 20]),
    ("rotateAxisAngle(0, 0, -7, 90)", [0, -3, 2, 0, 10, 20]),
    ("rotateAxisAngle(0, 0, 0, 90)", [2, 0, 0, 3, 10, 20]),
    ("skewX(45)", [2, 0, 2, 3, 10, 20]),
    ("skewY(45)", [2, 3, 0, 3, 10, 20]),
    ("multiply({ a: 2, f: 1 })", [4, 0, 0, 3, 10, 23]),
    ("flipX()", [-2, 0, 0, 3, 10, 20]),
    ("flipY()", [2, 0, 0, -3, 10, 20]),
    ("inverse()", [0.5, 0, 0, 0.333333, -5, -6.666667]),
]
DEEP = [  # of the identity matrix
    ("translate(1, 2, 3)", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 2, 3, 1]),
    ("scale(2, 3, 4, 1, 1, 1)", [2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 4, 0, -1, -2, -3, 1]),
    ("scale3d(2, 1, 1, 1)", [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, -1, -1, -1, 1]),
    ("scale(1, 1, 1, 0, 0, 5)", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
    ("rotate(90, 0)", [1, 0, 0, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1]),
    ("rotate(0, 90)", [0, 0, -1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]),
    ("rotate(90, 90, 90)", [0, 0, -1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]),
    ("rotateAxisAngle(2, 0, 0, 45)", [1, 0, 0, 0, 0, HALF, HALF, 0, 0, -HALF, HALF, 0, 0, 0, 0, 1]),
    ("rotateAxisAngle(0, -1, 0, 90)", [0, 0, 1, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 0, 1]),
    ("rotateAxisAngle(3, 3, 3, 120)", [0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1]),
    ("multiply({ m34: 2, e: 3 })", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 0, 0, 1]),
    ("multiply({ is2D: false })", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
]


@pytest.mark.parametrize(("start", "table"), [("2, 0, 0, 3, 10, 20", FLAT), ("1, 0, 0, 1, 0, 0", DEEP)])
def test_transformations(run_js: RunJs, start: str, table: list[tuple[str, list[float]]]) -> None:
    """Each gives a new DOMMatrix, and leaves the matrix as it was."""
    script = f"""
      {SHOW}
      const m = new DOMMatrixReadOnly([{start}]);
      const results = [{", ".join(f"m.{call}" for call, _ in table)}];
      return [results.every((result) => result.constructor === DOMMatrix), matrix(m).join(", "), results.map(matrix)];
    """
    made, unchanged, results = run_js(script)
    assert (made, unchanged) == (True, start)
    assert list(zip([call for call, _ in table], results, strict=True)) == table


def test_transformations_of_itself(run_js: RunJs) -> None:
    """They give the matrix back, and do the same as those that make a new one."""
    script = f"""
      {SHOW}
      const calls = {{ multiply: [{{ a: 2, m13: 1 }}], translate: [1, 2, 3], scale: [2, 3, 4, 5, 6, 7],
        scale3d: [2, 1, 2, 3], rotate: [10, 20, 30], rotateFromVector: [3, 4], rotateAxisAngle: [1, 2, 3, 40],
        skewX: [20], skewY: [30] }};
      const numbers = [1, 0, 2, 0, 3, 1, 0, 0.5, 0, 1, 1, 0, 4, 5, 6, 2];
      const wrong = Object.keys(calls).filter((name) => {{
        const m = new DOMMatrix(numbers);
        const expected = m[name](...calls[name]);
        return m[`${{name}}Self`](...calls[name]) !== m || String(matrix(m)) !== String(matrix(expected));
      }});
      const m = new DOMMatrix(numbers);
      const inverse = m.inverse();
      const product = matrix(m.multiply(inverse));
      const other = new DOMMatrix([1, 2, 3, 4, 5, 6]);
      return [wrong, m.invertSelf() === m, String(matrix(m)) === String(matrix(inverse)), product,
        matrix(new DOMMatrix([2, 0, 0, 3, 0, 0]).preMultiplySelf(other)), matrix(other.multiplySelf(other))];
    """
    identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert run_js(script) == [[], True, True, identity, [2, 4, 9, 12, 5, 6], [7, 10, 15, 22, 28, 40]]


def test_matrices_without_an_inverse(run_js: RunJs) -> None:
    """All elements become NaN, and the matrix 3D."""
    script = f"""
      {SHOW}
      return [[1, 2, 2, 4, 0, 0], [NaN, 0, 0, 1, 0, 0], Array(16).fill(1)]
        .map((numbers) => matrix(new DOMMatrix(numbers).inverse()));
    """
    assert run_js(script) == [["NaN"] * 16] * 3


def test_numbers_that_are_not_finite(run_js: RunJs) -> None:
    """They do not spread to where a transformation has nothing to do with them, nor out of the 2D elements."""
    script = f"""
      {SHOW}
      const infinite = () => new DOMMatrix([Infinity, 0, 0, 1, 0, 0]);
      const all = (m) => [...m.toFloat64Array()].map(exact).join(" ");
      const results = [infinite().translate(0, 5), infinite().scale(2), infinite().rotate(0),
        new DOMMatrix().translate(NaN, 0, 1), new DOMMatrix().rotate(NaN), new DOMMatrix().rotate(Infinity)];
      return [...results.map(all), infinite().multiply().is2D];
    """
    [translated, scaled, rotated, deep, *nan, flat] = run_js(script)
    assert translated == "Infinity 0 0 0 0 1 0 0 0 0 1 0 0 5 0 1"
    assert scaled == "Infinity 0 0 0 0 2 0 0 0 0 1 0 0 0 0 1"
    assert rotated == "Infinity 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"
    assert flat is True
    assert deep == "1 0 0 0 0 1 0 0 0 0 1 0 NaN NaN NaN NaN"
    assert nan == ["NaN NaN 0 0 NaN NaN 0 0 0 0 1 0 0 0 0 1"] * 2


def test_what_only_windows_have(run_js: RunJs) -> None:
    """Strings of CSS, and names of before."""
    script = """
      const names = ["DOMRectList", "SVGPoint", "SVGRect", "SVGMatrix", "WebKitCSSMatrix", "WebKitPoint"];
      return [String(new DOMMatrix()), String(new DOMMatrixReadOnly([NaN, 0, 0, 0, 0, 0])),
        "setMatrixValue" in DOMMatrix.prototype, Object.hasOwn(DOMMatrixReadOnly.prototype, "toString"),
        names.filter((name) => name in self)];
    """
    assert run_js(script) == ["[object DOMMatrix]", "[object DOMMatrixReadOnly]", False, False, []]


def test_nothing_of_the_site_is_called(run_js: RunJs) -> None:
    """What it puts in the place of methods and functions, or adds to Object.prototype."""
    script = f"""
      {SHOW}
      const spied = [];
      for (const name of ["translateSelf", "scaleSelf", "rotateSelf", "multiplySelf", "invertSelf"]) {{
        DOMMatrix.prototype[name] = () => spied.push(name);
      }}
      Math.sin = Math.cos = Math.min = Math.max = () => 7;
      for (const key of ["a", "m11", "x", "p1"]) {{
        Object.defineProperty(Object.prototype, key, {{ set() {{ spied.push(key); }}, configurable: true }});
      }}
      const m = new DOMMatrix().rotate(90).translate(1, 2).inverse();
      const bounds = new DOMQuad({{ x: 3 }}).getBounds();
      structuredClone([m, bounds]);
      const json = m.toJSON();
      return [spied, matrix(m), rect(bounds), json.m42, new DOMPoint(4).toJSON().x];
    """
    assert run_js(script) == [[], [0, -1, 1, 0, -1, -2], [0, 0, 3, 0], -2, 4]


# Clones


def test_clones(run_js: RunJs) -> None:
    """New objects of the same interface, with the same numbers, whatever they are, and without other properties."""
    script = f"""
      {SHOW}
      const odd = [-0, NaN, Infinity, -Infinity];
      const deep = [...odd, ...odd, ...odd, ...odd];
      class Sub extends DOMRect {{}}
      const originals = [new DOMPoint(...odd), new DOMPointReadOnly(...odd), new DOMRect(...odd),
        new DOMRectReadOnly(...odd), new DOMMatrix(deep), new DOMMatrixReadOnly(deep), new DOMMatrix([1, 2, ...odd]),
        DOMMatrix.fromMatrix({{ is2D: false }}), new DOMQuad(new DOMPoint(...odd), {{ x: 1 }}, {{ y: 2 }})];
      originals[0].mine = 5;
      const text = (object) => JSON.stringify(object, (_, value) => exact(value));
      const clones = structuredClone(originals);
      return [
        clones.every((clone, i) => clone !== originals[i] && clone.constructor === originals[i].constructor),
        clones.filter((clone, i) => text(clone) !== text(originals[i])), "mine" in clones[0],
        structuredClone(new Sub(1)).constructor.name,
      ];
    """
    assert run_js(script) == [True, [], False, "DOMRect"]


def test_clones_keep_what_is_the_same(run_js: RunJs) -> None:
    """A point of a quadrilateral too, before and after it; objects that come later are counted rightly."""
    script = """
      const quad = new DOMQuad();
      const { p1, p3 } = quad;
      const last = {};
      const copy = structuredClone([p1, quad, p3, quad, last, new DOMMatrix(), last]);
      return [copy[0] === copy[1].p1, copy[2] === copy[1].p3, copy[1] === copy[3], copy[4] === copy[6],
        copy[5].isIdentity];
    """
    assert run_js(script) == [True] * 5


def test_a_clone_from_elsewhere(tmp_path: Path) -> None:
    """The interface is loaded then; the record has its numbers as sub-serializations."""
    source = """
      const channel = new BroadcastChannel("x");
      channel.onmessage = ({ data: [a, b] }) => {
        console.log(a.constructor === DOMQuad, Object.is(a.p2.x, -0), a.p2.y, a.p4 === b);
      };
      new BroadcastChannel("y").postMessage(new DOMRectReadOnly(1, -0, NaN));
    """
    number = '2,1,2,"-0",2,"NaN",2,0'
    points = ",".join(f'23,"DOMPoint",0,0,4,{values}' for values in ["2,0,2,0,2,0,2,1", '2,"-0",2,"NaN",2,0,2,1'] * 2)
    text = f'[1,5,2,23,"DOMQuad",0,0,4,{points},8,5,0]'
    with realm_process(tmp_path, source) as process:
        process.wait_for(messages.Started)
        [(_, [_, record])] = process.calls_made
        assert json.loads(record["text"]) == json.loads(f'[1,23,"DOMRectReadOnly",0,0,4,{number}]')
        process.send(messages.Deliver("broadcast", {"key": '"x"', "message": {"text": text, "parts": []}}))
        assert process.wait_for(messages.Log).text == "true true NaN true"

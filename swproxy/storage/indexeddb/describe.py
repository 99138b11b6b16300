"""Stored values as JSON, for people and their programs.

What JSON has stands for itself. All else is an object with one key that says what it is:

- ``$undefined``: true; ``$number``: "NaN", "Infinity", "-Infinity", "-0"; ``$bigint``: its digits
- ``$date``: milliseconds since the epoch; ``$regexp``: [source, flags]; ``$bytes``: Base64, of an ArrayBuffer
- ``$resizable``: {maximum, bytes}; ``$view``: {type, offset, length, buffer}, where a length of null is tracked
- ``$map``: [[key, value], ...]; ``$set``: [value, ...]; ``$error``: {name, message, stack, cause}
- ``$Boolean``, ``$Number``, ``$BigInt``, ``$String``: the value of such an object
- ``$array``: the length and all properties of an array that has holes or other properties than elements
- ``$blob``: {size, type, bytes}; ``$file``: {size, type, name, lastModified, bytes}
- ``$platform``: {name, fields}, of another platform object, perhaps with the ``values`` that make it up; its bytes,
  such as those of a CryptoKey, are left out
- ``$object``: an object of the site that has one key, which begins with $
- ``$ref``: the JSON Pointer, within the value, of an object that has come before
- ``$raw``: the stored text, if it is nested too deeply to be shown, or made by another version
"""

import base64
import json
import math
from typing import Any

from swproxy.storage.bodies import CompleteBody
from swproxy.storage.indexeddb.keys import Date, Key
from swproxy.storage.indexeddb.schema import KeyPath
from swproxy.storage.indexeddb.values import StoredValue

_VERSION = 1
_NONE = object()
_BOXES = {10: "$Boolean", 11: "$Number", 12: "$BigInt", 13: "$String"}


class _Special:
    """A value that has no type in Python. ``content`` is what stands behind the key, not rendered yet."""

    def __init__(self, kind: str, content: Any = None) -> None:
        self.kind = kind
        self.content = content


class _Array(dict[str, Any]):
    """An array that is not just its elements: all its properties."""


class _Tokens:
    """The tokens of a structured clone record (swproxy/web/structured_clone/README.md) as values."""

    def __init__(self, tokens: list[Any], parts: list[CompleteBody]) -> None:
        self._tokens = iter(tokens)
        self._parts = parts
        self._objects: list[Any] = []
        if self._token() != _VERSION:
            raise ValueError("another version")

    def _token(self) -> Any:
        token = next(self._tokens, _NONE)
        if token is _NONE:
            raise ValueError("a value is missing")
        return token

    def value(self) -> Any:
        return self._value_of(self._token())

    def _value_of(self, token: Any) -> Any:
        if isinstance(token, str | bool) or token is None:
            return token
        match token:
            case 1:
                return _Special("$undefined", True)
            case 2:
                return self._number()
            case 3:
                return _Special("$bigint", self._token())
            case 8:
                return self._objects[self._token()]
            case 21:
                return self._view()
        return self._object(token)

    def _number(self) -> float:
        token = self._token()
        return float(token) if isinstance(token, str) else token

    def _remember(self, value: Any) -> Any:
        self._objects.append(value)
        return value

    def _object(self, token: int) -> Any:
        match token:
            case 4:
                return self._properties(self._remember({}))
            case 5:
                return self._array()
            case 6:
                return self._properties(self._remember(_Array(length=self._token())))
            case 10 | 12 | 13:
                return self._remember(_Special(_BOXES[token], self._token()))
            case 11:
                return self._remember(_Special("$Number", self._number()))
            case 14:
                return self._remember(_Special("$date", _time(self._number())))
            case 15:
                return self._remember(_Special("$regexp", [self._token(), self._token()]))
            case 16 | 17:
                return self._collection("$map" if token == 16 else "$set")
            case 18:
                return self._error()
            case 19:
                return self._remember(_Special("$bytes", self._bytes()))
            case 20:
                maximum = self._token()
                return self._remember(_Special("$resizable", {"maximum": maximum, "bytes": self._bytes()}))
            case 22:
                return self._platform_object()
            case 23:
                return self._composed_platform_object()
        raise ValueError("an unknown token")

    def _properties(self, found: dict[str, Any]) -> dict[str, Any]:
        while (key := self._token()) != 0:
            found[key] = self.value()
        return found

    def _array(self) -> Any:
        """A list, unless it has more than elements; it may be referred to before that is known."""
        length = self._token()
        elements: list[Any] = []
        array = self._remember(_Special("$array", elements))
        for _ in range(length):
            token = self._token()
            elements.append(_NONE if token == 7 and not isinstance(token, bool) else self._value_of(token))
        others = self._properties({})
        if others or _NONE in elements:
            present = {str(at): value for at, value in enumerate(elements) if value is not _NONE}
            array.content = _Array(length=length, **present, **others)
        return array

    def _collection(self, kind: str) -> _Special:
        content: list[Any] = []
        found: _Special = self._remember(_Special(kind, content))
        for _ in range(self._token()):
            entry = [self.value(), self.value()] if kind == "$map" else self.value()
            content.append(entry)
        return found

    def _error(self) -> _Special:
        content = {"name": self._token(), "message": self._token(), "stack": self._token()}
        found: _Special = self._remember(_Special("$error", content))
        if self._token():
            content["cause"] = self.value()
        return found

    def _view(self) -> _Special:
        content = {"type": self._token(), "offset": self._token(), "length": self._token()}
        content["buffer"] = self.value()
        return self._remember(_Special("$view", content))  # type: ignore[no-any-return]

    def _platform_object(self) -> _Special:
        name = self._token()
        fields = [self._token() for _ in range(self._token())]
        parts = [self._token() for _ in range(self._token())]
        if name not in ("Blob", "File"):
            content: dict[str, Any] = {"name": name, "fields": fields}
            return self._remember(_Special("$platform", content))  # type: ignore[no-any-return]
        content = dict(zip(("size", "type", "name", "lastModified"), fields, strict=False))
        content["bytes"] = _base64(self._parts[parts[0]])
        return self._remember(_Special(f"${name.lower()}", content))  # type: ignore[no-any-return]

    def _composed_platform_object(self) -> _Special:
        content: dict[str, Any] = {}
        found: _Special = self._remember(_Special("$platform", content))
        content["name"] = self._token()
        content["fields"] = [self._token() for _ in range(self._token())]
        for _ in range(self._token()):
            self._token()  # a part
        content["values"] = [self.value() for _ in range(self._token())]
        return found

    def _bytes(self) -> str:
        return _base64(self._parts[self._token()])


def _base64(part: CompleteBody) -> str:
    return base64.b64encode(part.read(0, part.size)).decode()


def _time(milliseconds: float) -> float | None:
    return None if math.isnan(milliseconds) else milliseconds


class _Renderer:
    """Makes JSON of values, with references for what has come before."""

    def __init__(self) -> None:
        self._places: dict[int, str] = {}

    def render(self, value: Any, place: str = "") -> Any:
        if isinstance(value, float):
            return _number(value)
        if not isinstance(value, dict | list | _Special):
            return value
        known = self._places.setdefault(id(value), place)
        if known != place:
            return {"$ref": known}
        if isinstance(value, _Special):
            return self._special(value, place)
        if isinstance(value, list):
            return self._list(value, place)
        if isinstance(value, _Array):
            return {"$array": self._properties(value, f"{place}/$array")}
        if len(value) == 1 and next(iter(value)).startswith("$"):
            return {"$object": self._properties(value, f"{place}/$object")}
        return self._properties(value, place)

    def _special(self, value: _Special, place: str) -> Any:
        content = value.content
        if value.kind == "$array":
            if isinstance(content, _Array):
                return {"$array": self._properties(content, f"{place}/$array")}
            return self._list(content, place)
        place = f"{place}/{value.kind}"
        if value.kind == "$map":
            entries = enumerate(content)
            return {"$map": [self._list(entry, f"{place}/{at}") for at, entry in entries]}
        if isinstance(content, list):
            return {value.kind: self._list(content, place)}
        if isinstance(content, dict):
            return {value.kind: self._properties(content, place)}
        return {value.kind: self.render(content)}

    def _list(self, values: list[Any], place: str) -> list[Any]:
        return [self.render(value, f"{place}/{at}") for at, value in enumerate(values)]

    def _properties(self, properties: dict[str, Any], place: str) -> dict[str, Any]:
        return {
            key: self.render(value, f"{place}/{key.replace('~', '~0').replace('/', '~1')}")
            for key, value in properties.items()
        }


def _number(value: float) -> Any:
    if math.isfinite(value) and (value != 0 or math.copysign(1, value) == 1):
        return value
    return {"$number": {math.inf: "Infinity", -math.inf: "-Infinity", 0: "-0"}.get(value, "NaN")}


def key_as_json(key: Key) -> Any:
    """A key as what ``json.dumps`` takes."""
    try:
        return _key_as_json(key)
    except RecursionError:
        return {"$raw": "an array that is nested too deeply"}


def _key_as_json(key: Key) -> Any:
    if isinstance(key, Date):
        return {"$date": _number(key.milliseconds)}
    if isinstance(key, bytes):
        return {"$bytes": base64.b64encode(key).decode()}
    if isinstance(key, tuple):
        return [_key_as_json(element) for element in key]
    return _number(key) if isinstance(key, float) else key


def value_as_json(value: StoredValue, key_path: KeyPath, key: Key) -> str:
    """The value as JSON text.

    Args:
        key_path: of the store, where a generated key is put.
    """
    try:
        if value.is_json and not value.inject and '"$' not in value.text:
            return value.text
        parsed = json.loads(value.text)
        found = parsed if value.is_json else _Tokens(parsed, value.parts).value()
        if value.inject and isinstance(key_path, str):
            _inject(found, key_path.split("."), key)
        return json.dumps(_Renderer().render(found), ensure_ascii=False)
    except (RecursionError, ValueError, TypeError, LookupError, AttributeError):
        return json.dumps({"$raw": value.text}, ensure_ascii=False)


def _inject(value: Any, identifiers: list[str], key: Key) -> None:
    """https://w3c.github.io/IndexedDB/#inject-a-key-into-a-value-using-a-key-path"""
    for identifier in identifiers[:-1]:
        value = _properties_of(value).setdefault(identifier, {})
    _properties_of(value)[identifiers[-1]] = key


def _properties_of(value: Any) -> dict[str, Any]:
    if isinstance(value, _Special) and value.kind == "$array":
        if isinstance(value.content, list):
            elements = {str(at): element for at, element in enumerate(value.content)}
            value.content = _Array(length=len(elements), **elements)
        return value.content  # type: ignore[no-any-return]
    if not isinstance(value, dict):
        raise TypeError("a key cannot be put into it")
    return value

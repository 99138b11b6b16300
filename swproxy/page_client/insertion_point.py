"""Where the first script of an HTML document goes, found while the document streams by.

The start of https://html.spec.whatwg.org/#parsing is followed, as far as it decides nothing but that a token comes
before the first element that could run a script: the insertion modes up to "in head", and the tokens that may come
there. A script that is put before any other token makes the parser create the same elements, in the same order, as
that token would have.
"""

import re

# https://html.spec.whatwg.org/#prescan-a-byte-stream-to-determine-its-encoding reads as many bytes.
PRESCANNED = 1024
# A tag that is longer is not waited for, in bytes.
_LONGEST_TAG = 1 << 16

_SPACE = rb"[\t\n\f\r ]"
_SPACES = re.compile(rb"[\t\n\f\r ]*+")
# Attributes as https://html.spec.whatwg.org/#before-attribute-name-state and the states after it read them.
_ATTRIBUTE = (
    rb"([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    rb"(?:%(s)s*+=%(s)s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*+)|(?=>))|(?!%(s)s*+=))"
) % {b"s": _SPACE}
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_TAG_NAME = re.compile(rb"</?([A-Za-z][^\t\n\f\r />]*+)(?=[\t\n\f\r />])")
_REST_OF_TAG = re.compile(rb"(?:[\t\n\f\r /]++|" + _ATTRIBUTE + rb")*+>")

_END_OF_COMMENT = re.compile(rb"--!?>")
_ABRUPT_END_OF_COMMENT = re.compile(rb"-?>")
_END_OF_BOGUS_COMMENT = re.compile(rb">")
_END_OF_TITLE = re.compile(rb"</title(?=[\t\n\f\r />])", re.IGNORECASE)
# The beginnings of those, at the end of what has arrived.
_BEGINNINGS = {
    _END_OF_COMMENT: re.compile(rb"--?!?\Z"),
    _END_OF_BOGUS_COMMENT: re.compile(rb"\Z"),
    _END_OF_TITLE: re.compile(rb"<[A-Za-z/]{0,6}\Z"),
}

# Of all end tags, these are not ignored where a head could still begin.
_END_TAGS_THAT_COUNT = frozenset({b"head", b"body", b"html", b"br"})


class InsertionPoint:
    """Reads a document up to where the first script goes.

    That is after what comes before all elements (white space, comments, the doctype), and after the tags of ``html``
    and ``head``, if the document has them; otherwise before the first other token. Where the browser has to find
    the encoding in the first 1024 bytes, what we insert must not push it out of them: then ``title`` and ``meta``
    elements come first, up to the one that names the encoding. None of them runs a script; a ``meta`` with
    ``http-equiv`` could forbid ours, and goes after it, unless it names the encoding.

    Args:
        encoding_is_known: by the response's Content-Type, or a byte order mark.
    """

    def __init__(self, *, encoding_is_known: bool) -> None:
        self._encoding_is_known = encoding_is_known
        self._is_in_head = False
        # What ends the comment or title that is open.
        self._end: re.Pattern[bytes] | None = None
        self._passed = 0

    def find(self, text: bytes, *, is_end: bool = False) -> tuple[int, bool]:
        """Goes on reading.

        Args:
            text: what was left of the text before, and what has come since; in an encoding that extends ASCII.
            is_end: nothing follows.

        Returns:
            How many of the bytes come before the script for certain, and whether it goes right after them. The bytes
            that are left are few: the beginning of something.
        """
        at = 0
        found = False
        while not found:
            after, found = self._read_token(text, at)
            if after == at:
                break
            at = after
        if is_end and not found:
            # Nothing runs after a comment that never ends.
            found = self._end is None
            at = at if found else len(text)
        self._passed += at
        return at, found

    def _read_token(self, text: bytes, at: int) -> tuple[int, bool]:
        """Where the next token ends, or the same place if that is unknown yet; and whether the script goes there."""
        if self._end is not None:
            return self._read_to_end(text, at), False
        if self._is_in_head and not self._may_name_encoding(at):
            return at, True
        after = _SPACES.match(text, at)
        assert after is not None
        if after.end() > at or at == len(text):
            return after.end(), False
        return self._read_markup(text, at) if text[at] == ord("<") else (at, True)

    def _may_name_encoding(self, at: int) -> bool:
        return not self._encoding_is_known and self._passed + at < PRESCANNED

    def _read_to_end(self, text: bytes, at: int) -> int:
        assert self._end is not None
        match = self._end.search(text, at)
        if match is None:
            beginning = _BEGINNINGS[self._end].search(text, at)
            return len(text) if beginning is None else beginning.start()
        after = match.end()
        if self._end is _END_OF_TITLE and (after := self._read_markup(text, match.start())[0]) == match.start():
            return after
        self._end = None
        return after

    def _read_markup(self, text: bytes, at: int) -> tuple[int, bool]:
        """https://html.spec.whatwg.org/#tag-open-state"""
        follows = text[at + 1 : at + 4]
        if follows == b"!--":
            return self._read_comment(text, at), False
        if b"!--".startswith(follows) or follows == b"/":
            return at, False
        if follows[:1] in (b"!", b"?"):
            self._end = _END_OF_BOGUS_COMMENT
            return at + 2, False
        is_end_tag = follows[:1] == b"/"
        letter = follows[1:2] if is_end_tag else follows[:1]
        if letter.isalpha():
            return self._read_tag(text, at, is_end_tag)
        if is_end_tag:
            # "</>" is nothing, and any other a bogus comment: both go to the next ">".
            self._end = _END_OF_BOGUS_COMMENT
            return at + 2, False
        return at, True

    def _read_comment(self, text: bytes, at: int) -> int:
        """https://html.spec.whatwg.org/#comment-start-state"""
        begin = at + len(b"<!--")
        if (match := _ABRUPT_END_OF_COMMENT.match(text, begin)) is not None:
            return match.end()
        if text[begin:] in (b"", b"-"):
            return at
        self._end = _END_OF_COMMENT
        return begin

    def _read_tag(self, text: bytes, at: int, is_end_tag: bool) -> tuple[int, bool]:
        name_match = _TAG_NAME.match(text, at)
        if name_match is None:
            return at, len(text) - at > _LONGEST_TAG
        name = name_match[1].lower()
        if not self._comes_first(name, is_end_tag, at):
            return at, True
        rest = _REST_OF_TAG.match(text, name_match.end())
        if rest is None:
            return at, len(text) - at > _LONGEST_TAG
        if is_end_tag or name == b"html":
            return rest.end(), False
        if name == b"meta" and not self._read_meta(rest[0]):
            return at, True
        if name == b"title":
            self._end = _END_OF_TITLE
        self._is_in_head = True
        return rest.end(), False

    def _comes_first(self, name: bytes, is_end_tag: bool, at: int) -> bool:
        """Whether the script may go after this tag."""
        if is_end_tag:
            return name not in _END_TAGS_THAT_COUNT
        if name in (b"meta", b"title"):
            return self._may_name_encoding(at)
        return name == b"html" or (name == b"head" and not self._is_in_head)

    def _read_meta(self, attributes: bytes) -> bool:
        """Notes whether it names the encoding; returns whether the script may go after it."""
        values: dict[bytes, bytes] = {}
        for match in _ATTRIBUTES.finditer(attributes):
            values.setdefault(match[1].lower(), match[2] or match[3] or match[4] or b"")
        kind = values.get(b"http-equiv")
        names_encoding = b"charset" in values
        if kind is not None:
            if kind.lower() != b"content-type":
                return False
            names_encoding |= b"charset" in values.get(b"content", b"").lower()
        self._encoding_is_known |= names_encoding
        return True

"""A video that is large for its content, so that browsers ask for parts of it: https://www.webmproject.org/docs/container/"""

import struct

# An element of Matroska: its id, then its length in eight bytes, then its data.
_EBML = bytes.fromhex("1A45DFA3")
_SEGMENT = bytes.fromhex("18538067")
_SEEK_HEAD = bytes.fromhex("114D9B74")
_SEEK, _SEEK_ID, _SEEK_POSITION = bytes.fromhex("4DBB"), bytes.fromhex("53AB"), bytes.fromhex("53AC")
_INFO = bytes.fromhex("1549A966")
_TRACKS = bytes.fromhex("1654AE6B")
_CLUSTER = bytes.fromhex("1F43B675")
_CUES = bytes.fromhex("1C53BB6B")
_VOID = bytes.fromhex("EC")


def _element(identifier: bytes | str, data: bytes) -> bytes:
    name = bytes.fromhex(identifier) if isinstance(identifier, str) else identifier
    return name + struct.pack(">Q", 1 << 56 | len(data)) + data


def _number(identifier: bytes | str, value: int) -> bytes:
    return _element(identifier, struct.pack(">Q", value))


def _text(identifier: str, value: str) -> bytes:
    return _element(identifier, value.encode())


def webm(scenes: list[list[bytes]], width: int, height: int, scene_bytes: int) -> bytes:
    """A file with an index at its end.

    Args:
        scenes: a second each: its frames in VP8, the first of them a key frame.
        scene_bytes: how much of nothing follows each scene.
    """
    header = _element(
        _EBML,
        _number("4286", 1)
        + _number("42F7", 1)
        + _number("42F2", 4)
        + _number("42F3", 8)
        + _text("4282", "webm")
        + _number("4287", 4)
        + _number("4285", 2),
    )
    info = _element(
        _INFO,
        _number("2AD7B1", 1_000_000)  # ticks of a millisecond
        + _element("4489", struct.pack(">d", 1000.0 * len(scenes)))
        + _text("4D80", "swproxy")
        + _text("5741", "swproxy"),
    )
    video = _element("E0", _number("B0", width) + _number("BA", height))
    track = _number("D7", 1) + _number("73C5", 1) + _number("83", 1) + _text("86", "V_VP8") + video
    tracks = _element(_TRACKS, _element("AE", track))
    clusters = [_cluster(number, frames, scene_bytes) for number, frames in enumerate(scenes)]

    # Positions count from the start of the segment's data; the seek head is as long with any position in it.
    position = len(_seek_head(0)) + len(info) + len(tracks)
    cues = b""
    for number, cluster in enumerate(clusters):
        positions = _element("B7", _number("F7", 1) + _number("F1", position))
        cues += _element("BB", _number("B3", 1000 * number) + positions)
        position += len(cluster)
    return header + _element(
        _SEGMENT, _seek_head(position) + info + tracks + b"".join(clusters) + _element(_CUES, cues)
    )


def _seek_head(cues: int) -> bytes:
    return _element(_SEEK_HEAD, _element(_SEEK, _element(_SEEK_ID, _CUES) + _number(_SEEK_POSITION, cues)))


def _cluster(number: int, frames: list[bytes], padding: int) -> bytes:
    blocks = b""
    for index, frame in enumerate(frames):
        # Track 1, milliseconds after the cluster's start, and whether it is a key frame.
        head = struct.pack(">BhB", 0x81, 1000 * index // len(frames), 0 if index else 0x80)
        blocks += _element("A3", head + frame)
    return _element(_CLUSTER, _number("E7", 1000 * number) + blocks + _element(_VOID, bytes(padding)))

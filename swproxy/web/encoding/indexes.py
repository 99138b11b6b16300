"""The indexes of the Encoding Standard (https://encoding.spec.whatwg.org/#indexes), made from Python's codecs.

Python has the tables of the vendors, the standard those of the web: where they differ, they are corrected here. An
index is a string with a character for each pointer, ``NONE`` where the standard has none. It is made when first used.
"""

from collections.abc import Iterable
from functools import cache

NONE = "\ufffd"

_C1 = range(0x80, 0xA0)
_SINGLE_BYTE_CORRECTIONS = {"koi8-u": {0xAE: "ў", 0xBE: "Ў"}, "windows-1255": {0xCA: "\u05ba"}}

# pointer and characters from there on: HKSCS-2008, second places of characters, and choices among look-alikes
_BIG5_CORRECTIONS = """
    1000 㡵𡵓𣚞𦀡㻬𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆
    1034 㓦珄𥶹瓆鿇垳䤯呌䄱𣚎堘穲𧭥讏䚮𦺈䆁𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄𣖻䂴鿊䓡𪷿拁灮鿋
    2082 箸 2088 簆 2103 糎 2114 緒 2123 縝 2148 者 2151 耨 2221 菁 2239 蒨 2244 萏 2303 覦覩 2354 起 2400 都
    2413 銹 2477 靜 2498 響 2605 鼖 2673 蔃 2746 兙兛兝兞 2771 鍮 2780 瑹 2990 浧 3087 禛 3259 邗 3301 靝 3436 瀞
    3451 嬨 4136 爁 4138 矗 4141 纇 4182 駖 4206 釔 4220 惞 4230 澶 4241 輶 4258 侻 4273 營 4279 鄄 4282 鷰 4294 菏
    4329 尐秣 4349 婧 4419 輋 4422 筑 4494 拐 4624 恢 4694 痹 4708 汊 4742 鬮 4748 鼗 4815 僭 4828 弌 4902 蠏
    4922 拎 4982 瑨 4992 煢 4997 牐 5029 ‧ 5038 ﹑ 5120 ¯ 5153 ～ 5168 ⊕⊙ 5182 ∕﹨ 5185 ￥ 5187 ￠￡
    5432 ␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟␡€ 10942 廴 10946 无 10948 癶 10950 隶 10957 〃仝 19028 倩
    19035 偽 19088 包 19096 卄 19112 卿 19162 嘅 19240 婷 19299 幵 19305 廐 19326 彘 19355 悤 19398 撐 19439 晴
    19454 杞 19553 沜渝 19557 港 19611 煮 19643 猪 19672 瑜 19697 瓩 19748 砉
"""  # noqa: RUF001, they look alike

# Bytes and characters from there on: GB 18030-2022, whatever edition Python has, and the space that the web wants.
_GB18030_CORRECTIONS = """
    A3A0 3000 A6D9 FE10 A6DA FE12 A6DB FE11 A6DC FE13 A6DD FE14 A6DE FE15 A6DF FE16 A6EC FE17 A6ED FE18 A6F3 FE19
    A8BC 1E3F FE59 9FB4 FE61 9FB5 FE66 9FB6 FE67 9FB7 FE6D 9FB8 FE7E 9FB9 FE90 9FBA FEA0 9FBB
"""


def _characters(codec: str, leads: Iterable[int], trails: Iterable[int], prefix: bytes = b"") -> list[str]:
    """What Python's codec makes of each pair of bytes, in the order of the pointers."""
    trails = tuple(trails)
    return [_character(codec, prefix + bytes((lead, trail))) for lead in leads for trail in trails]


def _character(codec: str, sequence: bytes) -> str:
    try:
        text = sequence.decode(codec)
    except UnicodeDecodeError:
        return NONE
    return text if len(text) == 1 else NONE


def _without(first: int, last: int, *left_out: int) -> list[int]:
    return [byte for byte in range(first, last + 1) if byte not in left_out]


@cache
def single_byte(name: str, codec: str) -> str:
    """The index of a single-byte encoding, with the ASCII half before it."""
    characters = [_character(codec, bytes((byte,))) for byte in range(256)]
    if name.startswith("windows-"):
        for byte in _C1:
            if characters[byte] == NONE:
                characters[byte] = chr(byte)
    for byte, character in _SINGLE_BYTE_CORRECTIONS.get(name, {}).items():
        characters[byte] = character
    return "".join(characters)


@cache
def big5() -> str:
    """Without the four pointers that stand for two characters each."""
    trails = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    index = _characters("big5hkscs", range(0x81, 0xFF), trails)
    words = _BIG5_CORRECTIONS.split()
    for pointer, text in zip(map(int, words[::2]), words[1::2], strict=True):
        index[pointer : pointer + len(text)] = text
    return "".join(index)


@cache
def euc_kr() -> str:
    return "".join(_characters("cp949", range(0x81, 0xFF), range(0x41, 0xFF)))


@cache
def gb18030() -> str:
    trails = _without(0x40, 0xFE, 0x7F)
    index = _characters("gb18030", range(0x81, 0xFF), trails)
    words = _GB18030_CORRECTIONS.split()
    for sequence, character in zip(words[::2], words[1::2], strict=True):
        lead, trail = bytes.fromhex(sequence)
        index[(lead - 0x81) * len(trails) + trails.index(trail)] = chr(int(character, 16))
    return "".join(index)


@cache
def jis0208() -> str:
    """With the private use characters that only the Shift_JIS decoder has, at its pointers 8836 to 10715."""
    leads = [*range(0x81, 0xA0), *range(0xE0, 0xFD)]
    return "".join(_characters("cp932", leads, _without(0x40, 0xFC, 0x7F)))


@cache
def jis0212() -> str:
    index = _characters("euc_jp", range(0xA1, 0xFF), range(0xA1, 0xFF), b"\x8f")
    index[116] = "\uff5e"
    return "".join(index)

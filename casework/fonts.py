"""The one font of printed pages: IPAex Gothic, found beside the package that carries it, never imported."""

from __future__ import annotations

import importlib.util
import struct
from functools import cache
from pathlib import Path

FAMILY = "IPAexGothic"
_PACKAGE, _FILE = "matplotlib_fontja", "ipaexg.ttf"
_CMAP_ENTRY = ">4sIII"
_UNICODE_FULL = (3, 10)


def font_folder() -> Path:
    """Return the folder with the font.  Raises `FileNotFoundError` if the package is missing (its import is not needed)."""
    found = importlib.util.find_spec(_PACKAGE)
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        if (Path(place) / "fonts" / _FILE).is_file():
            return Path(place) / "fonts"
    raise FileNotFoundError(f"{_PACKAGE}: its font is not installed")


def drawable(text: str, other_font: str = "") -> str:
    """
    Return *text* with every character that the font cannot draw as its number: 〈U+20BB7〉.

    *other_font*: for what stands before this character in Unicode another font helps out.
    """
    known = covered()
    return "".join(
        char if ord(char) in known or char in "\n\t" or char < other_font else f"〈U+{ord(char):04X}〉" for char in text
    )


@cache
def covered() -> frozenset[int]:
    """
    Return the code points that the font has glyphs for.

    Read from its `cmap` table, the subtable of full Unicode (platform 3, encoding 10, format 12):
    https://learn.microsoft.com/typography/opentype/spec/cmap
    """
    font = (font_folder() / _FILE).read_bytes()
    table = _table(font, b"cmap")
    (count,) = struct.unpack_from(">H", font, table + 2)
    for number in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", font, table + 4 + 8 * number)
        if (platform, encoding) == _UNICODE_FULL:
            return frozenset(_groups(font, table + offset))
    raise ValueError(f"{_FILE}: has no map of full Unicode")


def _table(font: bytes, tag: bytes) -> int:
    (count,) = struct.unpack_from(">H", font, 4)
    entries = (struct.unpack_from(_CMAP_ENTRY, font, 12 + 16 * number) for number in range(count))
    return next(int(offset) for name, _, offset, _ in entries if name == tag)


def _groups(font: bytes, start: int) -> set[int]:
    (count,) = struct.unpack_from(">I", font, start + 12)
    found: set[int] = set()
    for number in range(count):
        first, last, glyph = struct.unpack_from(">III", font, start + 16 + 12 * number)
        found.update(code for code in range(first, last + 1) if glyph + code - first)
    return found

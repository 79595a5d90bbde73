"""
Text by others, made safe to show on a terminal, in the record and on printed pages.

Printed pages use one font, IPAex Gothic.  Its file is found in the package that ships it; the package is never imported.
"""

from __future__ import annotations

import importlib.util
import struct
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

FAMILY = "IPAexGothic"
_PACKAGE, _FILE = "matplotlib_fontja", "ipaexg.ttf"
_UNICODE_FULL = [3, 10]
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def visible(text: str) -> str:
    """
    Return *text* with its invisible characters written out: 〈U+202E〉.

    Marks that turn the direction of writing, joiners and control characters can make a name look like another, or steer a terminal.
    """
    return _written_out(text, lambda char: unicodedata.category(char) in INVISIBLE)


def drawable(text: str, other_font: str = "") -> str:
    """
    Return *text* with every character that the font cannot draw as its number: 〈U+20BB7〉.

    *other_font*: characters before this one in Unicode are kept, since another font draws them.
    """
    known = covered()
    return _written_out(text, lambda char: ord(char) not in known and char >= other_font)


def _written_out(text: str, unfit: Callable[[str], bool]) -> str:
    return "".join(f"〈U+{ord(char):04X}〉" if unfit(char) and char not in "\n\t" else char for char in text)


def font_folder() -> Path:
    """Return the folder with the font.  Raises `FileNotFoundError` if the package is missing (its import is not needed)."""
    found = importlib.util.find_spec(_PACKAGE)
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        if (Path(place) / "fonts" / _FILE).is_file():
            return Path(place) / "fonts"
    raise FileNotFoundError(f"{_PACKAGE}: its font is not installed")


@cache
def covered() -> frozenset[int]:
    """
    Return the code points that the font has glyphs for.

    Read from its `cmap` table, the subtable of full Unicode (platform 3, encoding 10, format 12):
    https://learn.microsoft.com/typography/opentype/spec/cmap
    """
    font = (font_folder() / _FILE).read_bytes()
    cmap = next(start for tag, _, start, _ in _listed(font, 4, ">H6x", ">4sIII") if tag == b"cmap")
    full = next(start for *which, start in _listed(font, cmap + 2, ">H", ">HHI") if which == _UNICODE_FULL)
    groups = _listed(font, cmap + full + 12, ">I", ">III")
    return frozenset(code for first, last, glyph in groups for code in range(first, last + 1) if glyph + code - first)


def _listed(font: bytes, at: int, head: str, record: str) -> Iterator[tuple[Any, ...]]:
    """Return the records behind a *head* that counts them."""
    (count,) = struct.unpack_from(head, font, at)
    begin = at + struct.calcsize(head)
    return struct.iter_unpack(record, font[begin : begin + count * struct.calcsize(record)])

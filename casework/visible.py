"""What others wrote, fit to be shown: on a terminal, in the record."""

from __future__ import annotations

import unicodedata

_VISIBLE_ENOUGH = {"\n", "\t"}
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def visible(text: str) -> str:
    """
    Return *text* with its invisible characters written out: 〈U+202E〉.

    Marks that turn the direction of writing, joiners and control characters can make a name look like another, or steer a terminal.
    """
    return "".join(
        f"〈U+{ord(char):04X}〉" if unicodedata.category(char) in INVISIBLE and char not in _VISIBLE_ENOUGH else char
        for char in text
    )

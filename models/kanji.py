"""Variants of one kanji (異体字) that people write for each other."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

_VARIANTS = Path(__file__).with_name("kanji_variants.txt")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: they choose how a character is drawn (邉󠄀), and make no other name."""
_USUAL_FORMS = {
    ord(form): line[0]
    for line in _VARIANTS.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for form in line[1:]
}
"""Each variant and its usual form; `kanji_variants.txt` names the sources."""


def usual_forms(text: str) -> str:
    """Return *text* in one width, with the usual form of each kanji."""
    return unicodedata.normalize("NFKC", _SELECTORS.sub("", text)).translate(_USUAL_FORMS)

"""
The words of page, print and terminal, in both languages.

The words of enums are in the glossary, all others in `words.toml`, so that a translator needs no Python.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from casework.visible_text import visible
from models.vocabulary import ConnectionId

_HERE = Path(__file__).resolve().parent
GLOSSARY = _HERE.parent / "docs" / "glossary.md"
_WRITTEN = tomllib.loads((_HERE / "words.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Phrase:
    """
    Words in both languages.  *ja*: empty if both are the same, or if the text is foreign.

    Invisible characters are made visible here, for every output.
    """

    en: str
    ja: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "en", visible(self.en))
        object.__setattr__(self, "ja", visible(self.ja))


EVENTS: Mapping[str, Phrase] = {name: Phrase(*both) for name, both in _WRITTEN["events"].items()}
"""The words of every event type that belongs to a case."""


def said(english: str) -> Phrase:
    """Return words by their English; without an entry in `words.toml` they stay English."""
    return Phrase(english, _WRITTEN["words"].get(english, ""))


def sentence(name: str) -> Phrase:
    """Return a sentence of `words.toml` by its name.  Raises `KeyError`."""
    return Phrase(*_WRITTEN["sentences"][name])


def titled(section: str) -> tuple[str, Phrase, Phrase | None]:
    """Return a section's id, its title and its lead.  Raises `KeyError`."""
    written = _WRITTEN["sections"][section]
    return section, Phrase(*written["title"]), Phrase(*written["lead"]) if "lead" in written else None


def phrase(value: object) -> Phrase:
    """Return any value as words: an enum's member in both languages, text and numbers as they are, None as empty words."""
    match value:
        case Phrase():
            return value
        case StrEnum():
            return named(type(value).__name__, value.value)
        case _:
            return Phrase("" if value is None else str(value))


def joined(separator: str, *parts: object) -> Phrase:
    """Join *parts* in each language; empty ones are left out."""
    told = [part for part in map(phrase, parts) if part.en]
    english, japanese = (
        separator.join(one) for one in ([part.en for part in told], [part.ja or part.en for part in told])
    )
    return Phrase(english, "" if japanese == english else japanese)


@cache
def glossary() -> dict[str, dict[str, str]]:
    """Return the Japanese of each value by enum, from docs/glossary.md, which a test compares with the enums."""
    found: dict[str, dict[str, str]] = {}
    for part in re.split(r"^## ", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        enum = re.search(r"`(\w+)`", title)
        if enum is not None:
            found[enum[1]] = dict(re.findall(r"^\| `([^|`]+)` \| ([^|]+?) \|", body, re.MULTILINE))
    return found


def named(enum: str, value: str) -> Phrase:
    """Return the word *value* of the enum *enum*; without an entry in the glossary it is shown as it is."""
    japanese = glossary().get(enum, {}).get(value, "")
    english = japanese if enum == "Service" and japanese else value.replace("_", " ")
    return Phrase(english, "" if japanese == english else japanese)


def place(connection: ConnectionId | None) -> Phrase:
    """Return a connection's vendor by its name, with the further tenant's own name; None as empty words."""
    vendor, _, name = (connection or "").partition(".")
    called = named("Service", vendor)
    return Phrase(f"{called.en} ({name})", called.ja) if name else called

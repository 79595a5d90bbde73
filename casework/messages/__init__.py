"""
What casework says: codes with parameters inside, sentences at the edge.

The sentences stand beside this file, a room a file, as data: whoever translates needs no Python.  A table is named by its code,
unique over all rooms, and has the sentence in both languages (`en`, `ja`) and, where there is one, the remedy (`remedy_en`,
`remedy_ja`), with the same parameters in braces.  Every one is checked when the first is read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, model_validator

_HERE = Path(__file__).resolve().parent


class Said(NamedTuple):
    """The same in both languages."""

    en: str
    ja: str

    @property
    def fields(self) -> dict[str, str]:
        """As it stands in what is kept and shown."""
        return {"text": self.en, "text_ja": self.ja}

    def filled(self, facts: Mapping[str, object]) -> Said:
        """Return it with its parameters filled; raises `KeyError` where one is missing."""
        english, japanese = ({name: _in(language, fact) for name, fact in facts.items()} for language in Said._fields)
        return Said(self.en.format_map(english), self.ja.format_map(japanese))


@dataclass(frozen=True, slots=True)
class Message:
    """
    What is to be said, in no language yet.

    *facts* fill the parameters.  A message or a `Said` among them is put into the reader's language, a tuple is listed; anything
    else, a vendor's own words above all, is quoted as it is.
    """

    code: str
    facts: Mapping[str, object]

    @property
    def said(self) -> Said:
        """The sentence; raises `KeyError` for a code without one."""
        return catalogue()[self.code].sentence.filled(self.facts)

    @property
    def remedy(self) -> Said:
        """What to do about it; empty where the catalogue has nothing."""
        return catalogue()[self.code].remedy.filled(self.facts)


def message(code: str, /, **facts: object) -> Message:
    """Return the message *code*, with what fills its parameters."""
    return Message(code, facts)


def joined(messages: Iterable[Message], en: str = "; ", ja: str = "。") -> Said:
    """Return several sentences without full stops as one; *en* and *ja* stand between them."""
    every = [one.said for one in messages]
    return Said(en.join(one.en for one in every), ja.join(one.ja for one in every))


def _in(language: str, fact: object) -> object:
    match fact:
        case Message():
            return getattr(fact.said, language)
        case Said():
            return getattr(fact, language)
        case tuple():
            return {"en": ", ", "ja": "、"}[language].join(str(_in(language, part)) for part in fact)
        case _:
            return fact


class Entry(BaseModel):
    """What the catalogue has of one code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    ja: str
    remedy_en: str = ""
    remedy_ja: str = ""

    @property
    def sentence(self) -> Said:
        return Said(self.en, self.ja)

    @property
    def remedy(self) -> Said:
        return Said(self.remedy_en, self.remedy_ja)

    @model_validator(mode="after")
    def _say_the_same(self) -> Self:
        for english, japanese in (self.sentence, self.remedy):
            if bool(english) != bool(japanese) or parameters(english) != parameters(japanese):
                raise ValueError(f"both languages need the same parameters: {english!r}, {japanese!r}")
        return self


def parameters(text: str) -> frozenset[str]:
    """Return the names in braces."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


@cache
def catalogue(folder: Path = _HERE) -> Mapping[str, Entry]:
    """Return every code's sentences; raises `ValueError` for one that lacks a language or stands twice."""
    found: dict[str, Entry] = {}
    for path in sorted(folder.glob("*.toml")):
        entries = TypeAdapter(dict[str, Entry]).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
        if twice := found.keys() & entries.keys():
            raise ValueError(f"{path.name}: stands elsewhere already: {', '.join(sorted(twice))}")
        found |= entries
    return found

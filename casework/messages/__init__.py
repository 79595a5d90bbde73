"""
The messages of casework: codes with parameters in the code, sentences only where they are shown.

The sentences are data in this folder, one file for each room: a translator needs no Python.  A table is named by its code, which
is unique in all rooms.  It has the sentence in both languages (`en`, `ja`) and, if there is one, the remedy (`remedy_en`,
`remedy_ja`), with the same parameters in braces.  All are checked when the first is read.
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


class BilingualText(NamedTuple):
    """One text in both languages."""

    en: str
    ja: str

    @property
    def fields(self) -> dict[str, str]:
        """The text as fields of JSON."""
        return {"text": self.en, "text_ja": self.ja}

    def filled(self, facts: Mapping[str, object]) -> BilingualText:
        """Return the text with its parameters filled; raises `KeyError` for a missing one."""
        english, japanese = (
            {name: _in(language, fact) for name, fact in facts.items()} for language in BilingualText._fields
        )
        return BilingualText(self.en.format_map(english), self.ja.format_map(japanese))


@dataclass(frozen=True, slots=True)
class Message:
    """
    A message without a language yet.

    *facts* fill the parameters.  A message or a `BilingualText` among them is put into the reader's language, a tuple is listed; anything
    else, such as a vendor's own words, is quoted as it is.
    """

    code: str
    facts: Mapping[str, object]

    @property
    def said(self) -> BilingualText:
        """The sentence; raises `KeyError` for a code without one."""
        return catalogue()[self.code].sentence.filled(self.facts)

    @property
    def remedy(self) -> BilingualText:
        """What to do about it; empty if the catalogue has no remedy."""
        return catalogue()[self.code].remedy.filled(self.facts)


def message(code: str, /, **facts: object) -> Message:
    """Return the message *code*; *facts* fill its parameters."""
    return Message(code, facts)


def joined(messages: Iterable[Message], en: str = "; ", ja: str = "。") -> BilingualText:
    """Return several sentences without full stops as one, with *en* and *ja* between them."""
    every = [one.said for one in messages]
    return BilingualText(en.join(one.en for one in every), ja.join(one.ja for one in every))


def _in(language: str, fact: object) -> object:
    match fact:
        case Message():
            return getattr(fact.said, language)
        case BilingualText():
            return getattr(fact, language)
        case tuple():
            return {"en": ", ", "ja": "、"}[language].join(str(_in(language, part)) for part in fact)
        case _:
            return fact


class MessageTexts(BaseModel):
    """The catalogue's texts of one code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    ja: str
    remedy_en: str = ""
    remedy_ja: str = ""

    @property
    def sentence(self) -> BilingualText:
        return BilingualText(self.en, self.ja)

    @property
    def remedy(self) -> BilingualText:
        return BilingualText(self.remedy_en, self.remedy_ja)

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
def catalogue(folder: Path = _HERE) -> Mapping[str, MessageTexts]:
    """Return every code's sentences; raises `ValueError` for a code that lacks a language or occurs twice."""
    found: dict[str, MessageTexts] = {}
    for path in sorted(folder.glob("*.toml")):
        entries = TypeAdapter(dict[str, MessageTexts]).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
        if twice := found.keys() & entries.keys():
            raise ValueError(f"{path.name}: is defined in another file already: {', '.join(sorted(twice))}")
        found |= entries
    return found

"""
The page of the exit pledge: words from a template, filled from the case, printed as PDF.

A name is hostile input.  Each value is reduced to one line of visible characters, and the words are passed to the page as
data: no value can become a line of its own, a directive of the template or markup of the page.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import typst
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from casework.policy import NdaPolicy
from casework.visible_text import INVISIBLE, drawable, font_folder
from models.tables import Case, Pledge

Language = Literal["ja", "en"]
_HERE = Path(__file__).resolve().parent / "templates"
_NUMBERED = re.compile(r"(\d{1,2})\. (.*)")
_LONGEST = 200
_EAST = "\u2e80"  # a second font draws the characters before it, such as Vietnamese and Eastern European accents


def print_pledge(
    case: Case, policy: NdaPolicy, language: Language, *, at: datetime, reference: str
) -> tuple[str, bytes]:
    """
    Return title and PDF of the pledge for *case*'s leaver.  The same case, policy, instant and reference give the same bytes.

    *reference* is random and printed: the PDF's digest is public for ever, and nobody may find it by guessing the words.
    """
    title, lines = _words(case, policy, language, reference)
    page = drawable(json.dumps({"title": title, "language": language, "lines": lines}, ensure_ascii=False), _EAST)
    pdf = typst.compile(
        _HERE / "pledge.typ",
        root=_HERE,
        font_paths=[font_folder()],
        ignore_system_fonts=True,
        sys_inputs={"pledge": page},
        timestamp=at.replace(microsecond=0),
        format="pdf",
    )
    return title, pdf


def words_digest(case: Case, policy: NdaPolicy, language: Language, *, reference: str) -> str:
    """Return the SHA-256 of the pledge's title and words, which does not depend on the program that prints them."""
    return hashlib.sha256(
        json.dumps(_words(case, policy, language, reference), ensure_ascii=False).encode()
    ).hexdigest()


def says_the_same(case: Case, policy: NdaPolicy, pledge: Pledge) -> bool | None:
    """Whether the pledge would have the same words now, above all the same last day; None for an old one without their digest."""
    if pledge.words_sha256 is None:
        return None
    now = words_digest(case, policy, language_of(pledge), reference=pledge.key)
    return now == pledge.words_sha256


def language_of(pledge: Pledge) -> Language:
    """Return the language in which *pledge* was asked for."""
    return "en" if pledge.language == "en" else "ja"


def _words(case: Case, policy: NdaPolicy, language: Language, reference: str) -> tuple[str, list[dict[str, Any]]]:
    template = _TEMPLATES.get_template(f"pledge.{language}.txt.j2")
    filled = template.render(who=case.person, policy=policy, ends_on=case.employment_ends_on, reference=reference)
    first, *rest = [line for line in filled.splitlines() if line.strip()]
    return first.removeprefix("# "), [_line(line) for line in rest]


def _line(line: str) -> dict[str, Any]:
    numbered = _NUMBERED.fullmatch(line)
    number, text = (int(numbered[1]), numbered[2]) if numbered is not None else (None, line)
    return {"number": number, "text": text}


def _visible(value: object) -> str:
    """Reduce a value to one line of at most 200 visible characters; None to an empty text."""
    text = "" if value is None else str(value)
    seen = "".join(" " if unicodedata.category(c) in INVISIBLE else c for c in text)
    return " ".join(seen.split())[:_LONGEST]


_TEMPLATES = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(_HERE),
    undefined=StrictUndefined,
    finalize=_visible,
    autoescape=False,  # plain words, not HTML: an escape would be printed; `_visible` guards the page
)

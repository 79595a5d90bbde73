"""
Whether two names may be one person's.

A full name that agrees, in any script, is a fact.  One that differs in a script that both have is a contradiction.  A
nickname, a shortened name and a name in another script say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from connectors.names import bare_name, former_names, in_latin, spellings, words_of
from models.vocabulary import ComparisonResult, Leaver

_WITH_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30faー]")
_ALMOST = 0.75
"""`SequenceMatcher`'s ratio, from 0 to 1, from which two romanised words count as spellings of one.  Our choice."""


@dataclass(frozen=True, slots=True)
class NameComparison:
    """*says*: None if the names say nothing.  *alike*: a full name agrees; *formerly*: only the former name does."""

    says: ComparisonResult | None
    alike: bool = False
    formerly: bool = False


def compare_names(leaver: Leaver, names: Iterable[str], nicknames: Iterable[str] = ()) -> NameComparison:
    """
    Compare the leaver's names with an account's.  A nickname may agree, and never contradicts.

    The notice's words in brackets are left out: two people of one department, or both 派遣, would agree by them.  The same
    kanji with another reading are neither: the two are namesakes, or one person with a name for foreigners.
    """
    given = [*names]
    theirs = [bare_name(name) for name in given]
    present, former = _full(written_names(leaver)), former_full_names(leaver)
    shown = _all_spellings((*given, *nicknames))
    now, formerly = bool(shown & _all_spellings(present)), bool(shown & _all_spellings(former))
    if now or formerly:
        says = (
            ComparisonResult.NEITHER if _sounds_otherwise(theirs, present if now else former) else ComparisonResult.FACT
        )
        return NameComparison(says, alike=True, formerly=not now)
    against = {_against(ours, name) for ours in (*present, *former) for name in theirs}
    return NameComparison(
        next((says for says in (ComparisonResult.NEITHER, ComparisonResult.CONTRADICTION) if says in against), None)
    )


def _sounds_otherwise(theirs: Iterable[str], ours: Iterable[str]) -> bool:
    """Whether both sides have readings, and each pair of them contradicts."""
    pairs = [(our, name) for our in ours if _reading(our) for name in theirs if _reading(name)]
    return bool(pairs) and all(
        not spellings(our) & spellings(name) and _against(our, name) is ComparisonResult.CONTRADICTION
        for our, name in pairs
    )


def written_names(leaver: Leaver) -> tuple[str, ...]:
    """Return the leaver's present name in each script that HR gave, without asides."""
    return tuple(bare_name(name) for name in (leaver.name, leaver.kana, leaver.romaji) if name)


def former_full_names(leaver: Leaver) -> tuple[str, ...]:
    """Return the leaver's former name in full, in each script; a former family name alone is many people's."""
    return _full(former_names(leaver.former_name, *written_names(leaver))) if leaver.former_name else ()


def _full(names: Iterable[str]) -> tuple[str, ...]:
    """Leave out names of one short word: many people share a given name."""
    split = ((name, words_of(name)) for name in names)
    return tuple(name for name, words in split if len(words) > 1 or any(len(w) > 2 and not w.isascii() for w in words))


def _all_spellings(names: Iterable[str]) -> frozenset[str]:
    return frozenset(form for name in names for form in spellings(name))


@lru_cache(maxsize=65_536)
def _reading(name: str) -> tuple[str, ...] | None:
    """Return the words of a name in Latin letters or kana, in Latin letters; None for any other."""
    latin = in_latin(name)
    words = words_of(name if latin is None else latin)
    return tuple(word for word in words if len(word) > 1) if words and all(word.isascii() for word in words) else None


@lru_cache(maxsize=65_536)
def _against(ours: str, theirs: str) -> ComparisonResult | None:
    """Compare two unequal names; None if they cannot be compared."""
    our_sound, their_sound = _reading(ours), _reading(theirs)
    if (our_sound is None) != (their_sound is None):
        return None
    if our_sound is not None and their_sound is not None:
        return _sounds(our_sound, their_sound)
    return _characters(words_of(ours), words_of(theirs))


def _sounds(ours: tuple[str, ...], theirs: tuple[str, ...]) -> ComparisonResult | None:
    if min(len(ours), len(theirs)) < 2:
        return None
    fewer, more = sorted((ours, theirs), key=len)
    near = all(any(_near(one, other) for other in more) for one in fewer)
    return ComparisonResult.NEITHER if near else ComparisonResult.CONTRADICTION


def _near(one: str, other: str) -> bool:
    if one.startswith(other) or other.startswith(one):
        return True
    return SequenceMatcher(None, one, other).ratio() >= _ALMOST


def _characters(ours: list[str], theirs: list[str]) -> ComparisonResult | None:
    one, other = "".join(ours), "".join(theirs)
    if _WITH_KANA.search(one + other) is not None:
        return None  # a given name in kana may be the same one in kanji
    spaced = min(len(ours), len(theirs)) > 1
    comparable = spaced or (min(len(one), len(other)) > 2 and one not in other and other not in one)
    return ComparisonResult.CONTRADICTION if comparable else None

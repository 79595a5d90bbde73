"""
What two people's names say of their being one person.

A full name that agrees, in any script, is a fact; one that differs in a script that both have is a contradiction; a
nickname, a shortened name and a name in another script are silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from connectors.names import bare_name, former_names, in_latin, spellings, words_of
from models.vocabulary import Leaver, Says

_WITH_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30faー]")
_ALMOST = 0.75
"""How alike two romanised words may be and still be a matter of spelling."""


@dataclass(frozen=True, slots=True)
class Compared:
    """*says* is None for silence.  *alike*: some full name agrees; *formerly*: the former one alone."""

    says: Says | None
    alike: bool = False
    formerly: bool = False


def compare_names(leaver: Leaver, names: Iterable[str], nicknames: Iterable[str] = ()) -> Compared:
    """
    Compare the leaver's names with an account's.  A nickname may agree in full, and never contradicts.

    What the notice has in brackets is nobody's name: two people of one department, or both 派遣, would agree.  The same kanji with
    another reading are neither: they are namesakes, or one person with a name for foreigners.
    """
    given = [*names]
    theirs = [bare_name(name) for name in given]
    present, former = _full(written_names(leaver)), former_full_names(leaver)
    shown = _all_spellings((*given, *nicknames))
    now, formerly = bool(shown & _all_spellings(present)), bool(shown & _all_spellings(former))
    if now or formerly:
        says = Says.NEITHER if _sounds_otherwise(theirs, present if now else former) else Says.FACT
        return Compared(says, alike=True, formerly=not now)
    against = {_against(ours, name) for ours in (*present, *former) for name in theirs}
    return Compared(next((says for says in (Says.NEITHER, Says.CONTRADICTION) if says in against), None))


def _sounds_otherwise(theirs: Iterable[str], ours: Iterable[str]) -> bool:
    """Whether both have readings, and none of theirs could be one of ours."""
    pairs = [(our, name) for our in ours if _reading(our) for name in theirs if _reading(name)]
    return bool(pairs) and all(
        not spellings(our) & spellings(name) and _against(our, name) is Says.CONTRADICTION for our, name in pairs
    )


def written_names(leaver: Leaver) -> tuple[str, ...]:
    """Return the leaver's present name in each script that HR gave, without asides."""
    return tuple(bare_name(name) for name in (leaver.name, leaver.kana, leaver.romaji) if name)


def former_full_names(leaver: Leaver) -> tuple[str, ...]:
    """Return the leaver's former name in full, in each script; a former family name alone is many people's."""
    return _full(former_names(leaver.former_name, *written_names(leaver))) if leaver.former_name else ()


def _full(names: Iterable[str]) -> tuple[str, ...]:
    """Leave out what is one short word: a given name alone tells nobody apart."""
    return tuple(
        name for name in names if len(words := words_of(name)) > 1 or (len(words) == 1 and _unspaced(words[0]))
    )


def _unspaced(word: str) -> bool:
    return not word.isascii() and len(word) > 2


def _all_spellings(names: Iterable[str]) -> frozenset[str]:
    return frozenset(form for name in names for form in spellings(name))


@lru_cache(maxsize=65_536)
def _reading(name: str) -> tuple[str, ...] | None:
    """Return the words of a name that tells its sound: Latin letters, or kana put into them."""
    latin = in_latin(name)
    words = words_of(name if latin is None else latin)
    return tuple(word for word in words if len(word) > 1) if words and all(word.isascii() for word in words) else None


@lru_cache(maxsize=65_536)
def _against(ours: str, theirs: str) -> Says | None:
    """Say how two unequal names stand to each other; None if they cannot be compared."""
    our_sound, their_sound = _reading(ours), _reading(theirs)
    if (our_sound is None) != (their_sound is None):
        return None
    if our_sound is not None and their_sound is not None:
        return _sounds(our_sound, their_sound)
    return _characters(words_of(ours), words_of(theirs))


def _sounds(ours: tuple[str, ...], theirs: tuple[str, ...]) -> Says | None:
    if min(len(ours), len(theirs)) < 2:
        return None
    fewer, more = sorted((ours, theirs), key=len)
    near = all(any(_near(one, other) for other in more) for one in fewer)
    return Says.NEITHER if near else Says.CONTRADICTION


def _near(one: str, other: str) -> bool:
    if one.startswith(other) or other.startswith(one):
        return True
    return SequenceMatcher(None, one, other).ratio() >= _ALMOST


def _characters(ours: list[str], theirs: list[str]) -> Says | None:
    one, other = "".join(ours), "".join(theirs)
    if _WITH_KANA.search(one + other) is not None:
        return None  # a given name in kana may be the same one in kanji
    spaced = min(len(ours), len(theirs)) > 1
    comparable = spaced or (min(len(one), len(other)) > 2 and one not in other and other not in one)
    return Says.CONTRADICTION if comparable else None

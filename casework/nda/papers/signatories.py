"""
Whether a signature is the leaver's, by the name in its certificate.

Three answers, as for accounts: a fact, a contradiction, or neither.  A different spelling does not refuse a paper, and a shared family
name does not make another person's signature the leaver's.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import combinations, permutations

from casework.nda.papers.pdf_seals import GLUED_OFFICE, OFFICE
from connectors.full_names import compare_names, written_names
from connectors.matching import fold_all, fold_email
from connectors.names import bare_name, fold_name, former_names, in_latin, script_of
from models.vocabulary import ComparisonResult, Leaver

_FOR_SOMEBODY = re.compile(r"代理|代筆|\bfor\b|on behalf|\bp\.?p\.")
_BESIDE = re.compile(r"様|殿|さん|氏|印|mr|ms|mrs|miss|dr|prof|jr|sr|代理|代行|補佐|心得|(?=.*\d)[\da-z]+")
_ADDRESS = re.compile(r"[^\s<>()\[\],;]+@[^\s<>()\[\],;]+")
_WITHIN = re.compile(r"['’ʼ‘`]|(?<=[^\W\da-z])\d+|\d+(?=[^\W\da-z])")
"""Characters within a word that are not letters of a name: an apostrophe, a number beside kanji (月影子1)."""
_MOST_WORDS, _SHORTEST_RUN, _SHORTEST_GIVEN = 5, 6, 4
_LONGEST_FAMILY = 2  # in kanji, in front of a given name of one letter, where HR writes both in one word


def says_whose(leaver: Leaver, name: str) -> ComparisonResult:
    """
    Say whether *name* is the leaver's.

    A fact: the full name, present or former, in any order and any script that HR gave, in one word or beside a title, a stamp or another
    family name; or the leaver's address alone.  A contradiction: another full name in a script that both have, with or without a number or a
    title, also the same family name with another given name; a signature on somebody's behalf; another address at the company.  Neither: a
    number, an address elsewhere, another script, only the given name in common (a marriage changes the family name), or one word of two that may
    be either name.
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    if _FOR_SOMEBODY.search(OFFICE.sub(" ", text)):
        return ComparisonResult.CONTRADICTION
    addresses, own = fold_all(_ADDRESS.findall(text)), fold_all((leaver.email or "", *leaver.other_emails))
    domain = fold_email(leaver.email or "").rpartition("@")[2]
    if domain and any(one.rpartition("@")[2] == domain for one in addresses - own):
        return ComparisonResult.CONTRADICTION
    words = _words(_ADDRESS.sub(" ", text))
    if not words:
        return ComparisonResult.FACT if addresses & own else ComparisonResult.NEITHER
    if any(_is_whole(full, words) for full in _full_names(leaver)):
        return ComparisonResult.FACT
    return ComparisonResult.CONTRADICTION if _is_anothers(leaver, words) else ComparisonResult.NEITHER


def _is_anothers(leaver: Leaver, words: tuple[str, ...]) -> bool:
    """Whether *words* are another person's name.  Never in a script that HR did not give: kanji do not show their reading."""
    if script_of("".join(words)) not in {script_of(own) for own in written_names(leaver)}:
        return False
    shared = set(words) & {one for own in _written(leaver) for one in _words(own)}
    latin = all(word.isascii() for word in words)
    given = {one for one in _given(leaver) if one.isascii() == latin}
    if not shared:
        return not (_is_part_of_an_unspaced_name(leaver, words) or _is_the_given_name_in_one(leaver, words, given))
    family_and_another = bool(given) and not shared & given and len(words) == 2
    return family_and_another and compare_names(leaver, [" ".join(words)]).says is ComparisonResult.CONTRADICTION


def _is_part_of_an_unspaced_name(leaver: Leaver, words: tuple[str, ...]) -> bool:
    """Whether *words* may be part of a name that HR writes in one word: 渡辺 or 佐藤 花子 of 渡辺花子."""
    first, last = words[0], words[-1]
    unspaced = [fold_name(own) for own in _written(leaver) if len(_words(own)) == 1 and not own.isascii()]
    return any(
        (own.endswith(last) and (len(last) > 1 or len(own) - len(last) <= _LONGEST_FAMILY))
        or (len(words) == 1 and (own.startswith(first) or (len(own) > len(last[-2:]) and own.endswith(last[-2:]))))
        for own in unspaced
    )


def _is_the_given_name_in_one(leaver: Leaver, words: tuple[str, ...], given: set[str]) -> bool:
    """Whether the only word joins the given name to another family name, as after a marriage: 佐藤空子 or SORAKOSATO of 星 空子."""
    if len(words) > 1:
        return False
    if not words[0].isascii():
        return any(len(one) > 1 and words[0].endswith(one) for one in given)
    known = given or {one for own in _written(leaver) if own.isascii() for one in _words(own)}
    return any(len(one) >= _SHORTEST_GIVEN and (words[0].startswith(one) or words[0].endswith(one)) for one in known)


def _given(leaver: Leaver) -> frozenset[str]:
    """Return the given name in each script, as far as its position shows it: in kanji and kana it is the last word."""
    written = [bare_name(own) for own in (leaver.name, leaver.kana) if own and not own.isascii()]
    found = {words[-1] for own in written if len(words := _words(own)) > 1}
    return frozenset(fold_name(form) for word in found for form in (word, in_latin(word)) if form)


def _written(leaver: Leaver) -> tuple[str, ...]:
    present = written_names(leaver)
    return present + (tuple(former_names(leaver.former_name, *present)) if leaver.former_name else ())


@lru_cache(maxsize=1024)
def _full_names(leaver: Leaver) -> frozenset[tuple[str, ...]]:
    """Return the words of each full name, without single short words, which are many people's names."""
    every = (_words(form) for own in _written(leaver) for form in (own, in_latin(own)) if form)
    return frozenset(
        words
        for words in every
        if len("".join(words)) >= (_SHORTEST_RUN if len(words) == 1 and words[0].isascii() else 2)
    )


@lru_cache(maxsize=1024)
def _is_whole(full: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """
    Whether *words* contain *full*, word by word in any order; or one of the two has fewer words, each a join of whole words of the other.

    Word boundaries are never moved: Yumi Kohara is not Hara Yumiko.
    """
    if set(full) <= set(words):
        return len(full) > 1 or not full[0].isascii() or _may_be_full(full[0], words)
    if max(len(full), len(words)) > _MOST_WORDS:
        return False
    if _is_made_of(full, words, every=False):
        return True
    fewer = (some for count in range(1, len(full)) for some in combinations(words, count))
    return any(_is_made_of(some, full, every=True) for some in fewer if len(some) > 1 or _may_be_full(some[0], words))


def _is_made_of(wholes: tuple[str, ...], parts: tuple[str, ...], *, every: bool) -> bool:
    """Whether each of *wholes* is a join of *parts*, each part used once at most; *every*: each exactly once."""
    if not wholes:
        return not (every and parts)
    for count in range(1, len(parts) + 1):
        for chosen in permutations(range(len(parts)), count):
            if fold_name("".join(parts[n] for n in chosen)) == wholes[0]:
                left = tuple(part for n, part in enumerate(parts) if n not in chosen)
                if _is_made_of(wholes[1:], left, every=every):
                    return True
    return False


def _may_be_full(word: str, words: tuple[str, ...]) -> bool:
    """Whether *word* alone may be a full name; a Latin word only if it is the only one of *words*."""
    return len(words) == 1 and len(word) >= _SHORTEST_RUN if word.isascii() else len(word) > 2


def _words(name: str) -> tuple[str, ...]:
    """Return the folded words of a name, without titles, offices, numbers and stamps."""
    text = _WITHIN.sub("", unicodedata.normalize("NFKC", name).casefold())
    parts = (GLUED_OFFICE.sub("", one) for one in re.split(r"[\W_]+", text))
    return tuple(fold_name(one) for one in parts if one and not _BESIDE.fullmatch(one) and not OFFICE.fullmatch(one))

"""
Whose a signature is, by the name in its certificate.

Three answers, as of accounts: a fact, a contradiction, or neither.  Nobody's paper is refused for a spelling, and nobody else's
signature is taken for the leaver's because they share a family name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import permutations

from connectors.full_names import compare_names, written_names
from connectors.matching import fold_all, fold_email, fold_name
from connectors.names import bare_name, former_names, in_latin
from connectors.nda.seals import OFFICE
from models.vocabulary import Leaver, Says

_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30faー]+")
_FOR_SOMEBODY = re.compile(r"代理|代筆|\bfor\b|on behalf|\bp\.?p\.")
_BESIDE = re.compile(r"様|殿|さん|氏|印|mr|ms|mrs|miss|dr|prof|jr|sr|\d+")
_MOST_WORDS, _SHORTEST_RUN = 5, 6


def says_whose(leaver: Leaver, name: str) -> Says:
    """
    Say whether *name* is the leaver's.

    A fact: the full name in any order and any script that HR gave, also the former one, in one word or with a title, a stamp or another
    family name beside it; or an address of theirs.  A contradiction: another full name in a script that both have, the same family name
    with another given name included.  Neither: a number, an address, another script, the given name alone in common (a marriage
    changes the other), one word of two where nobody can tell which of them it is.
    """
    if fold_email(name) in fold_all((leaver.email or "", *leaver.other_emails)):
        return Says.FACT
    words = _words(name)
    if not words or _FOR_SOMEBODY.search(unicodedata.normalize("NFKC", name).casefold()):
        return Says.NEITHER
    if _own_forms(leaver) & _forms(words):
        return Says.FACT
    return Says.CONTRADICTION if _is_anothers(leaver, name, words) else Says.NEITHER


def _is_anothers(leaver: Leaver, name: str, words: tuple[str, ...]) -> bool:
    """A number or an address (公的個人認証 has serials) names nobody, and kanji do not tell their reading."""
    scripts = {script_of(own) for own in written_names(leaver)}
    if re.search(r"[\d@]", unicodedata.normalize("NFKC", name)) or script_of("".join(words)) not in scripts:
        return False
    shared = {fold_name(word) for word in words} & {fold_name(one) for own in _written(leaver) for one in _words(own)}
    if not shared:
        return not _is_part_of_an_unspaced_name(leaver, words)
    latin = all(word.isascii() for word in words)
    given = {one for one in _given(leaver) if one.isascii() == latin}
    family_and_another = bool(given) and not shared & given and len(words) == 2
    return family_and_another and compare_names(leaver, [" ".join(words)]).says is Says.CONTRADICTION


def _is_part_of_an_unspaced_name(leaver: Leaver, words: tuple[str, ...]) -> bool:
    """渡辺, or 佐藤 花子, where HR writes 渡辺花子: the family name alone, or the given name with another one."""
    first, last = fold_name(words[0]), fold_name(words[-1])
    unspaced = [fold_name(own) for own in _written(leaver) if len(_words(own)) == 1 and not own.isascii()]
    return any(own.endswith(last) or (len(words) == 1 and own.startswith(first)) for own in unspaced)


def _given(leaver: Leaver) -> frozenset[str]:
    """Return the given name in each script, as far as its place tells it: in kanji and kana it stands last."""
    written = [bare_name(own) for own in (leaver.name, leaver.kana) if own and not own.isascii()]
    found = {words[-1] for own in written if len(words := _words(own)) > 1}
    return frozenset(fold_name(form) for word in found for form in (word, in_latin(word)) if form)


def _written(leaver: Leaver) -> tuple[str, ...]:
    present = written_names(leaver)
    return present + (tuple(former_names(leaver.former_name, *present)) if leaver.former_name else ())


@lru_cache(maxsize=1024)
def _own_forms(leaver: Leaver) -> frozenset[str]:
    """Return the full names, each in one word, in every order; a single short word is many people's."""
    every = (words for own in _written(leaver) for form in (own, in_latin(own)) if form and (words := _words(form)))
    full = [words for words in every if len(words) > 1 or len(words[0]) >= (_SHORTEST_RUN if words[0].isascii() else 2)]
    return frozenset(form for words in full for form in (*_orders(words, len(words)), _sorted(words)))


def _forms(words: tuple[str, ...]) -> frozenset[str]:
    """Return what some of *words*, in some order, make in one word.  A Latin word alone is a full name where nothing else stands beside it."""
    some = (form for count in range(2, _MOST_WORDS) for form in _orders(words, count))
    alone = (fold_name(word) for word in words if _may_be_full(word, words))
    return frozenset({*some, *alone, _sorted(words)})


def _orders(words: tuple[str, ...], count: int) -> Iterator[str]:
    return (fold_name("".join(order)) for order in permutations(words[:_MOST_WORDS], min(count, _MOST_WORDS)))


def _sorted(words: tuple[str, ...]) -> str:
    """Return all words in one, in an order of their own: a name of many is compared as a whole."""
    return fold_name("".join(sorted(map(fold_name, words))))


def _may_be_full(word: str, words: tuple[str, ...]) -> bool:
    return len(words) == 1 and len(word) >= _SHORTEST_RUN if word.isascii() else len(word) > 2


def _words(name: str) -> tuple[str, ...]:
    """Return the words of a name, without what is no name."""
    parts = re.split(r"[\W_]+", unicodedata.normalize("NFKC", name).casefold())
    return tuple(one for one in parts if one and not _BESIDE.fullmatch(one) and not OFFICE.fullmatch(one))


def script_of(name: str) -> str:
    """Return in which script *name* is written: `latin`, `kana` or `other`.  Names of different ones cannot be compared."""
    folded = fold_name(name)
    if folded.isascii():
        return "latin"
    return "kana" if _KANA.fullmatch(folded) else "other"

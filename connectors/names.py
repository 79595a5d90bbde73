"""
Spellings of one human name, folded so that they compare equal.

Folding loses information on purpose: an equal name is one fact, and does not prove by itself that two people are one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import jaconv

from models.kanji import usual_forms

_LATIN = str.maketrans({"đ": "d", "ð": "d", "ø": "o", "ł": "l", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"})
_VOICING = "\u3099\u309a"  # the marks that make が of か and ぱ of は: letters, not accents
_SPELLINGS = (
    # Hepburn to Kunrei, then what is said as n and written as m, then long vowels however they are written
    ("tsu", "tu"), ("shi", "si"), ("sha", "sya"), ("shu", "syu"), ("sho", "syo"), ("chi", "ti"), ("cha", "tya"),
    ("chu", "tyu"), ("cho", "tyo"), ("ji", "zi"), ("ja", "zya"), ("ju", "zyu"), ("jo", "zyo"), ("fu", "hu"),
    ("mb", "nb"), ("mp", "np"), ("mm", "nm"), ("ou", "o"), ("oo", "o"), ("oh", "o"), ("uu", "u"),
)  # fmt: skip
_BETWEEN = re.compile(r"[\s,、・･=＝.\-‐'’]+")
_OPEN, _CLOSE = r"(（\[［{｛<＜【〔〈《「『", r")）\]］}｝>＞】〕〉》」』"
_ASIDE = re.compile(rf"[{_OPEN}{_CLOSE}/／|｜]")
_BRACKETED = re.compile(rf"[{_OPEN}][^{_CLOSE}]*[{_CLOSE}]")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30faー・\s]+")


def fold_name(name: str) -> str:
    """
    Fold *name* so that spellings of one name compare equal: width, case, diacritics, word order of Latin names,
    romanisation and long vowels, old and variant forms of kanji, hiragana and katakana.  May be empty.
    """
    words = words_of(name)
    return " ".join(sorted(words)) if all(word.isascii() for word in words) else "".join(words)


@lru_cache(maxsize=65_536)
def spellings(name: str) -> frozenset[str]:
    """
    Return all folded forms under which *name* may be found, never an empty one.

    Besides the plain fold: family name last, as Western directories print it; the name without a display name's brackets and
    what follows a stroke, and each part of these; kana in Latin letters.
    """
    return frozenset(form for part in {name, bare_name(name), *parts_of(name)} for form in _forms(part) if form)


def former_spellings(former: str, *names: str) -> frozenset[str]:
    return frozenset(form for name in former_names(former, *names) for form in spellings(name))


def former_names(former: str, *names: str) -> Iterator[str]:
    """Yield the former name in full; one of a single word (旧姓 alone) replaces each word of *names* in turn."""
    yield former
    if len(_BETWEEN.split(former.strip())) > 1:
        return
    for name in names:
        words = _BETWEEN.split(name.strip())
        for n in range(len(words) if len(words) > 1 else 0):
            yield " ".join([*words[:n], former, *words[n + 1 :]])


def parts_of(name: str) -> list[str]:
    return [part for part in _ASIDE.split(name) if part.strip()]


def bare_name(name: str) -> str:
    """
    Return *name* without brackets and without what follows a stroke: a department, a contract, a former name.  If nothing is
    outside brackets, return their first part.  Never empty.
    """
    return next(iter(parts_of(_BRACKETED.sub("", name)) or parts_of(name)), name).strip()


def _forms(name: str) -> Iterator[str]:
    yield fold_name(name)
    words = words_of(name)
    if len(words) == 2 and not all(word.isascii() for word in words):
        yield "".join(reversed(words))
    latin = in_latin(name)
    if latin is not None:
        yield fold_name(latin)


def in_latin(name: str) -> str | None:
    """Return a name of kana in Latin letters, None for any other."""
    plain = unicodedata.normalize("NFKC", name)
    if not plain.strip() or _KANA.fullmatch(plain) is None:
        return None
    romaji: str = jaconv.kana2alphabet(jaconv.kata2hira(plain)).replace("-", "")
    return romaji


def words_of(name: str) -> list[str]:
    """Return the words of *name*, each folded; spellings of romaji are folded only in names wholly in Latin letters."""
    text = jaconv.hira2kata(usual_forms(name)).casefold()
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if c in _VOICING or not _is_mark(c))
    plain = unicodedata.normalize("NFC", bare).translate(_LATIN)
    words = [word for word in _BETWEEN.split(plain) if word]
    return [_one_spelling(word) for word in words] if all(word.isascii() for word in words) else words


def script_of(name: str) -> str:
    """
    Return the script of *name*: `latin`, `kana`, `kanji` (with kana), or another by its name.

    Names in different scripts cannot be compared.  Characters outside Japanese (simplified Chinese, hangul) count as others.
    """
    folded = fold_name(name)
    if folded.isascii():
        return "latin"
    if _KANA.fullmatch(folded):
        return "kana"
    try:
        usual_forms(folded).encode("cp932")
    except UnicodeEncodeError:
        return unicodedata.name(folded[0], "?").split()[0].casefold()
    return "cyrillic" if re.search(r"[\u0370-\u052f]", folded) else "kanji"


def _is_mark(character: str) -> bool:
    """Whether it is an accent, or invisible (zero-width spaces, joiners)."""
    return unicodedata.combining(character) != 0 or unicodedata.category(character) == "Cf"


def _one_spelling(word: str) -> str:
    for long, short in _SPELLINGS:
        word = word.replace(long, short)
    return word

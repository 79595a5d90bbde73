"""Whose address something was shared with or sent on to: the company's, the leaver's own, or somebody else's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

from connectors.full_names import former_full_names, written_names
from connectors.matching import fold_email
from connectors.names import in_latin, words_of
from models.vocabulary import Leaver

_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:=|]+@[^\s<>()\[\]\"',;:=|]+")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_LONG = 6
"""Fewest letters of a word in which family and given name written together are no coincidence; a choice."""
_VERY_LONG = 8
"""Fewest letters of a one-word company local part for which the same private mailbox is no coincidence; a choice."""
_MOST_WORDS = 4
"""Most words of a name whose orders are tried as one word."""
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
"""How German and Scandinavian letters are written in addresses, beside the letter without its mark."""
_ROLES = frozenset(words_of(
    "accounting admin billing booking branch bu contact daycare desk eigyo finance front general gyomu help honsha honten hr info jimu jinji jinzai "
    "ka kaikei kanri keiri kikaku kitchen kobai koho kojo legal mail marketing noreply office order payroll pr press purchase reception recruit "
    "reply room saiyo sales service shisha shop shiten shomu somu staff store support system tax team uketsuke web"
))  # fmt: skip
"""Words of addresses that belong to an office, not to a person; consulted only where HR gives no name in letters that an address has."""
PRIVATE = frozenset({
    "gmail.com", "googlemail.com", "yahoo.co.jp", "yahoo.com", "outlook.com", "outlook.jp", "hotmail.com", "hotmail.co.jp", "live.jp",
    "live.com", "msn.com", "icloud.com", "me.com", "mac.com", "docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp", "i.softbank.jp",
    "proton.me", "protonmail.com", "gmx.com", "gmx.net", "aol.com", "nifty.com", "qq.com", "163.com", "naver.com",
})  # fmt: skip
"""Domains at which anybody may have a mailbox."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """
    *domains*: the company's, as far as the leaver's accounts show them, with their subdomains.  *own*: the leaver's addresses outside them.

    A private mailbox also counts as the leaver's if its words include all words of one of *names*, or if its only word is one of *joined*, the names
    written as one word, or falls into pieces that are spellings of one name's words.  So does one whose words are *local*, those of a company address that is made of the name.  Digits do not count, and spellings are
    folded.  It may be a namesake's.  Half a name does not count, nor does it beside a role.
    """

    domains: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    names: frozenset[frozenset[str]] = frozenset()
    joined: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()

    @classmethod
    def of(cls, leaver: Leaver, accounts: Iterable[str] = ()) -> Addresses:
        """
        Take the domains from HR's company address and from the addresses of the leaver's *accounts*.

        Where HR gives the name in kanji alone, a company address of several words that are no role's is taken for the name.
        """
        company = (fold_email(address) for address in (leaver.email, *accounts) if address and "@" in address)
        domains = frozenset(address.rpartition("@")[2] for address in company) - PRIVATE
        names, local = frozenset(_names_of(leaver)), _words((leaver.email or "").partition("@")[0])
        is_of_name = any(_is_made_of(local, name) for name in names)
        if not names and len(local) > 1 and not local & _ROLES:
            names = frozenset({local})
        own = (fold_email(address) for address in leaver.other_emails)
        return cls(
            domains, frozenset(address for address in own if not _is_at(address, domains)),
            names, frozenset(_joined(leaver)), local if is_of_name else frozenset(),
        )  # fmt: skip

    def is_inside(self, target: str | None) -> bool:
        """Whether *target* names addresses, all of them the company's."""
        named = _in(target)
        return bool(named) and all(_is_at(address, self.domains) for address in named)

    def is_own(self, target: str | None) -> bool:
        """Whether one of the addresses in *target* is the leaver's own."""
        return any(address in self.own or self._is_named(address) for address in _in(target))

    def _is_named(self, address: str) -> bool:
        local, _, domain = address.rpartition("@")
        if domain not in PRIVATE or not (words := _words(local)):
            return False
        return (
            words == self.local
            or any(name <= words for name in self.names)
            or any(len(words) == 1 and self._is_joined(word) for word in _letters(local))
        )

    def _is_joined(self, word: str) -> bool:
        return len(word) >= _LONG and (word in self.joined or any(_is_split(word, name) for name in self.names))


def _words(text: str) -> frozenset[str]:
    """Return the words of a name or a local part, split at dots, hyphens, digits and the like, each folded; initials are left out."""
    return frozenset(words_of(" ".join(_letters(text))))


def _letters(text: str) -> list[str]:
    """Return the words of a name or a local part as they are written."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return _LETTERS.findall(plain)


def _names_of(leaver: Leaver) -> Iterator[frozenset[str]]:
    """Yield the words of each name of the leaver, the former one included, that can be written in Latin letters; of whole names only."""
    for written in (*written_names(leaver), *_former_names(leaver)):
        name = unicodedata.normalize("NFKC", in_latin(written) or written).casefold()
        for words in (_words(name), _words(name.translate(_TWO_LETTERS))):
            if len(words) > 1 and all(word.isascii() for word in words):
                yield words


def _former_names(leaver: Leaver) -> Iterator[str]:
    """
    Yield the former names that replace the family name.  That is the first word in kana; without kana nobody knows which it is, and two
    family names are no whole name.
    """
    latin = (in_latin(name) for name in written_names(leaver))
    families = {word for name in latin if name for word in words_of(name)[:1]}
    is_whole = len(_words(leaver.former_name or "")) > 1
    for name in former_full_names(leaver):
        if is_whole or (families and families.isdisjoint(_words(name))):
            yield name


def _joined(leaver: Leaver) -> Iterator[str]:
    """Yield each present name as one long word, its words in each order, spelt as HR spells them."""
    for written in written_names(leaver):
        words = _letters(in_latin(written) or written)
        if 1 < len(words) <= _MOST_WORDS:
            yield from ("".join(order) for order in permutations(words))


def _is_split(word: str, name: frozenset[str]) -> bool:
    """
    Whether *word* falls into as many pieces as *name* has words, each a spelling of one of these.

    No piece but the last ends in a letter that only lengthens it: hanakoomori is Hanako Omori's, not Hanako Mori's.
    """
    if len(name) == 1:
        return _words(word) == name
    starts = ((_words(word[:n]), _words(word[: n - 1]), word[n:]) for n in range(2, len(word) - 1))
    return any(
        piece and piece <= name and piece != less and _is_split(rest, name - piece) for piece, less, rest in starts
    )


def _is_made_of(local: frozenset[str], name: frozenset[str]) -> bool:
    """
    Whether *local* is made of *name*: a whole word of it and the beginnings of others (sora.hoshi), or in one long word a whole one beside the
    beginning of another (nwatanabe).
    """
    if len(local) > 1:
        return bool(local & name) and all(any(part.startswith(word) for part in name) for word in local)
    return any(
        len(word) >= _VERY_LONG and word in {part + other[:n], other[:n] + part}
        for word in local
        for part, other in permutations(name, 2)
        for n in range(1, len(other) + 1)
    )


def _is_at(address: str, domains: frozenset[str]) -> bool:
    domain = address.rpartition("@")[2]
    return any(domain == known or domain.endswith(f".{known}") for known in domains)


def _in(target: str | None) -> list[str]:
    return (
        []
        if target is None or "@" not in target
        else [fold_email(found.rstrip(".")) for found in _ADDRESS.findall(target)]
    )

"""Whose address something was shared with or sent on to: the company's, the leaver's own, or somebody else's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.matching import fold_email
from models.vocabulary import Leaver

_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:=|]+@[^\s<>()\[\]\"',;:=|]+")
_PART = re.compile(r"[a-z]{2,}")
_LONG = 6
"""Fewest letters of a word in which family and given name written together are no coincidence; a choice."""
_VERY_LONG = 8
"""Fewest letters of a one-word company local part, other than a name, for which the same private mailbox is no coincidence; a choice."""
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

    A private mailbox also counts as the leaver's (it may be a namesake's) if its name contains all parts of one of *names* (the leaver's name,
    the company address), or is *word* apart from digits.  Half a name does not count.
    """

    domains: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    names: frozenset[frozenset[str]] = frozenset()
    word: str = ""

    @classmethod
    def of(cls, leaver: Leaver, accounts: Iterable[str] = ()) -> Addresses:
        """Take the domains from HR's company address and from the addresses of the leaver's *accounts*."""
        company = (fold_email(address) for address in (leaver.email, *accounts) if address and "@" in address)
        domains = frozenset(address.rpartition("@")[2] for address in company) - PRIVATE
        name, local = _parts(leaver.romaji or ""), _parts((leaver.email or "").partition("@")[0])
        word = next(iter(local - name), "") if name and len(local) == 1 else ""
        own = (fold_email(address) for address in leaver.other_emails)
        return cls(
            domains, frozenset(address for address in own if not _is_at(address, domains)),
            frozenset(parts for parts in (name, local) if len(parts) > 1), word if len(word) >= _VERY_LONG else "",
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
        parts = _parts(local)
        only = next(iter(parts)) if len(parts) == 1 else ""
        named = parts == {self.word} or any(
            name <= parts or (len(only) >= _LONG and _is_made_of(only, name)) for name in self.names
        )
        return domain in PRIVATE and named


def _parts(text: str) -> frozenset[str]:
    """Return the words of a name or a local part, split at dots, hyphens, digits and the like; initials are left out."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return frozenset(_PART.findall("".join(c for c in plain if c != "'" and not unicodedata.combining(c))))


def _is_made_of(word: str, name: frozenset[str]) -> bool:
    """Whether *word* consists of all parts of *name*, in any order, and nothing else."""
    rest = ((word.removeprefix(part), name - {part}) for part in name if word.startswith(part))
    return any(_is_made_of(*one) for one in rest) if name else not word


def _is_at(address: str, domains: frozenset[str]) -> bool:
    domain = address.rpartition("@")[2]
    return any(domain == known or domain.endswith(f".{known}") for known in domains)


def _in(target: str | None) -> list[str]:
    return (
        []
        if target is None or "@" not in target
        else [fold_email(found.rstrip(".")) for found in _ADDRESS.findall(target)]
    )

"""Whose an address is that something was shared with or sent on to: the company's, the leaver's own, or somebody else's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.matching import fold_email
from models.vocabulary import Leaver

_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:=|]+@[^\s<>()\[\]\"',;:=|]+")
_WORD = re.compile(r"[a-z]{3,}")
_LONG = 6
"""Letters from which on a whole local part is no coincidence."""
PRIVATE = frozenset({
    "gmail.com", "googlemail.com", "yahoo.co.jp", "yahoo.com", "outlook.com", "outlook.jp", "hotmail.com", "hotmail.co.jp", "live.jp",
    "live.com", "msn.com", "icloud.com", "me.com", "mac.com", "docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp", "i.softbank.jp",
    "proton.me", "protonmail.com", "gmx.com", "gmx.net", "aol.com", "nifty.com", "qq.com", "163.com", "naver.com",
})  # fmt: skip
"""Where anybody may have a mailbox."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """
    *domains* are the company's, *own* the leaver's addresses outside of them.  *words*: the name, and *local* the local part of the
    company address: a private mailbox with either counts as the leaver's, which may be a namesake's.
    """

    domains: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    local: str = ""

    @classmethod
    def of(cls, leaver: Leaver, accounts: Iterable[str] = ()) -> Addresses:
        """Take the domains from HR's company address and from the addresses of the leaver's *accounts*."""
        company = (fold_email(address) for address in (leaver.email, *accounts) if address and "@" in address)
        domains = frozenset(address.rpartition("@")[2] for address in company) - PRIVATE
        local = fold_email(leaver.email or "").partition("@")[0]
        words = frozenset(_WORD.findall((leaver.romaji or local).casefold()))
        own = frozenset(map(fold_email, leaver.other_emails))
        return cls(
            domains, frozenset(address for address in own if address.rpartition("@")[2] not in domains),
            words if len(words) > 1 else frozenset(), local if len(local) >= _LONG else "",
        )  # fmt: skip

    def is_inside(self, target: str | None) -> bool:
        """Whether *target* names addresses, all of them the company's."""
        named = _in(target)
        return bool(named) and all(address.rpartition("@")[2] in self.domains for address in named)

    def is_own(self, target: str | None) -> bool:
        """Whether one of the addresses in *target* is the leaver's own."""
        return any(address in self.own or self._is_named(address) for address in _in(target))

    def _is_named(self, address: str) -> bool:
        local, _, domain = address.rpartition("@")
        by_name = bool(self.words) and all(word in local for word in self.words)
        return domain in PRIVATE and (by_name or bool(self.local and self.local in local))


def _in(target: str | None) -> list[str]:
    return [] if target is None or "@" not in target else [fold_email(found) for found in _ADDRESS.findall(target)]

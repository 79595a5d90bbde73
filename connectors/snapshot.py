"""
A snapshot of one directory, shared by all leavers: for comparing names, which no vendor's search folds.

It gives candidates only.  Numbers and addresses are searched for at the vendor each time, and whether an account is open is
never decided from it.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from connectors.full_names import written_names
from connectors.kit.limits import for_a_due_cut
from connectors.matching import (
    Profile,
    bare_number,
    compare_numbers,
    fold_all,
    fold_email,
    fold_number,
    match_all,
    untwinned,
)
from connectors.names import former_spellings, spellings
from models.vocabulary import ComparisonResult, Evidence, Leaver, Match

T = TypeVar("T")

FRESH_FOR = 15 * 60.0
"""How old a snapshot may be, in seconds.  Our choice: a directory of ten thousand is read four times an hour at most."""


@dataclass(frozen=True, slots=True)
class NumberCounts:
    """Of *compared* people, found by address, with a number in the directory, *agreed* have HR's number there."""

    compared: int
    agreed: int


class Index:
    """The entries of one directory, by number, address and name.  *evidence*: the exchanges that read them."""

    def __init__(self, profiles: Iterable[Profile], evidence: tuple[Evidence, ...] = ()) -> None:
        self.evidence = evidence
        self.profiles: Mapping[str, Profile] = {profile.account.id: profile for profile in profiles}
        self._by_number: defaultdict[str, set[str]] = defaultdict(set)
        self._by_address: defaultdict[str, set[str]] = defaultdict(set)
        self._by_twin: defaultdict[str, set[str]] = defaultdict(set)
        self._by_name: defaultdict[str, set[str]] = defaultdict(set)
        for profile in self.profiles.values():
            self._enter(profile)

    def _enter(self, profile: Profile) -> None:
        its = profile.account.id
        if number := _number_key(profile.employee_no):
            self._by_number[number].add(its)
        for address in fold_all((*profile.emails, *profile.aliases)):
            local = address.partition("@")[0]
            self._by_address[address].add(its)
            if untwinned(local) != local:
                self._by_twin[untwinned(local)].add(its)
        for name in (*profile.names, *profile.nicknames):
            for form in spellings(name):
                self._by_name[form].add(its)

    def near(self, leaver: Leaver) -> list[Profile]:
        """Return every entry that shares a number, an address or a name with HR's notice."""
        addresses = [fold_email(leaver.email or ""), *fold_all(leaver.other_emails)]
        written = written_names(leaver)
        forms = {form for name in written for form in spellings(name)}
        forms |= former_spellings(leaver.former_name, *written) if leaver.former_name else set()
        found = {*self._by_number.get(_number_key(leaver.employee_no), ())}
        found |= self._by_twin.get(addresses[0].partition("@")[0], set())
        found |= {its for address in addresses for its in self._by_address.get(address, ())}
        found |= {its for form in forms for its in self._by_name.get(form, ())}
        return [self.profiles[its] for its in sorted(found)]

    def candidates_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        """Return the candidates with one of *addresses*, which the leaver's accounts in other connections have."""
        known = replace(leaver, other_emails=(*leaver.other_emails, *addresses))
        return match_all(known, self.at(addresses))

    def at(self, addresses: Iterable[str]) -> list[Profile]:
        found = {its for address in fold_all(addresses) for its in self._by_address.get(address, ())}
        return [self.profiles[its] for its in sorted(found)]

    def numbers(self, people: Iterable[Leaver]) -> NumberCounts:
        """Compare the numbers of those of *people* whose address is the primary one of an entry with a number."""
        said = [
            compare_numbers(person.employee_no, profile.employee_no)
            for person in people
            if person.email
            for profile in self.at([person.email])
            if fold_email(person.email) in fold_all(profile.emails)
        ]
        return NumberCounts(
            sum(one is not None for one in said),
            sum(one in {ComparisonResult.FACT, ComparisonResult.NEITHER} for one in said),
        )


def _number_key(number: str | None) -> str:
    return bare_number(fold_number(number or ""))


class SharedValue(Generic[T]):
    """A value that is read once and then shared for `FRESH_FOR` seconds; callers during the read wait for it."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._known: tuple[float, T] | None = None
        self._lock = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self) -> T:
        """Return the value, read anew if it is older than `FRESH_FOR` seconds.  Raises what the read raises; keeps no failure."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # a connector may be used from several loops, one after the other
            self._loop, self._lock = loop, asyncio.Lock()
        async with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > FRESH_FOR:
                began = time.monotonic()
                with for_a_due_cut():  # one may wait for it, even if another task began it
                    self._known = began, await self._read()
            return self._known[1]

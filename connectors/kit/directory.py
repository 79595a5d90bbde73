"""Finding a leaver's accounts: by number and address at the vendor, by name in a snapshot that all leavers share."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterable

from connectors.contract import FoundAccounts
from connectors.kit.answers import understood
from connectors.kit.exchange import Trace
from connectors.kit.pacing import together
from connectors.matching import Profile, match_all
from connectors.snapshot import Index, NumberCounts, SharedValue
from models.vocabulary import Leaver, Match


class Directory(ABC):
    """The directory of one tenant.  *who* is the word of its errors.  Raises `ConnectorError` if it could not be read whole."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._snapshot = SharedValue(self._read)

    @abstractmethod
    async def everybody(self, trace: Trace) -> Iterable[Profile]:
        """Return the profile of every account."""

    @abstractmethod
    def searches(self, leaver: Leaver, trace: Trace) -> Iterable[Awaitable[Iterable[Profile]]]:
        """Return the searches by number and address, to be awaited at once."""

    async def find(self, leaver: Leaver) -> FoundAccounts:
        """Return every likely account.  One that a search finds is newer than the snapshot's, and replaces it."""
        snapshot = await self._snapshot.get()
        trace: Trace = [*snapshot.evidence]
        with understood(self._who, trace):
            found = await together(*self.searches(leaver, trace))
            profiles = {profile.account.id: profile for part in (snapshot.near(leaver), *found) for profile in part}
        return FoundAccounts(match_all(leaver, profiles.values()), tuple(trace), len(snapshot.profiles))

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        return (await self._snapshot.get()).candidates_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> NumberCounts:
        return (await self._snapshot.get()).numbers(people)

    async def _read(self) -> Index:
        trace: Trace = []
        with understood(self._who, trace):
            profiles = list(await self.everybody(trace))
        return await asyncio.to_thread(Index, profiles, tuple(trace))  # ten thousand entries take a second

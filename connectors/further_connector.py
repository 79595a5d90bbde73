"""A further tenant of a vendor: the vendor's connector, with the connection's id in its accounts, rows and messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from connectors.activity import ActivityPage, ActivitySource, Window
from connectors.contract import Ability, Capabilities, Connector, FoundAccounts, Kinds, Listing, Manifest
from connectors.errors import ConnectorError
from connectors.settings import prefix_of
from connectors.snapshot import NumberCounts
from models.vocabulary import Account, ConnectionId, Entitlement, Json, Leaver, Match, Receipt

_Worded = TypeVar("_Worded", Ability, Entitlement)


class FurtherConnector:
    """
    `connectors.contract.Connector` for *connection*, through *inner*, which calls its tenant by the vendor's name.

    Puts the connection into what *inner* returns and raises.  Arguments pass unchanged: *inner* uses only the vendor's ids.
    """

    def __init__(self, inner: Connector, connection: ConnectionId) -> None:
        self.service = inner.service
        self.manifest: Manifest = inner.manifest
        self.activity_sources: tuple[ActivitySource, ...] = inner.activity_sources
        self.record, self.describe, self.aclose = inner.record, inner.describe, inner.aclose
        self._inner = inner
        self._connection = connection

    async def probe(self) -> Capabilities:
        with self._told():
            found = await self._inner.probe()
        self.manifest, self.activity_sources = self._inner.manifest, self._inner.activity_sources
        problems = tuple((self._own(problem), self._own(remedy)) for problem, remedy in found.problems)
        return replace(found, abilities=tuple(map(self._worded, found.abilities)), problems=problems)

    async def find_accounts(self, leaver: Leaver) -> FoundAccounts:
        with self._told():
            found = await self._inner.find_accounts(leaver)
        return FoundAccounts(map(self._match, found), found.evidence, found.looked_through)

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        with self._told():
            return [self._match(match) for match in await self._inner.find_at(leaver, addresses)]

    async def numbers(self, people: Iterable[Leaver]) -> NumberCounts:
        with self._told():
            return await self._inner.numbers(people)

    async def list_access(self, account: Account, kinds: Kinds | None = None) -> Listing:
        with self._told():
            listing = await self._inner.list_access(account, kinds)
        return Listing((replace(self._worded(row), connection=self._connection) for row in listing), listing.evidence)

    async def freeze(self, account: Account) -> list[Receipt]:
        with self._told():
            return [self._receipt(receipt) for receipt in await self._inner.freeze(account)]

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        with self._told():
            return self._receipt(await self._inner.revoke(entitlement))

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        with self._told():
            return self._receipt(await self._inner.restore(entitlement, prestate))

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        with self._told():
            return await self._inner.activity(account, source, window, cursor)

    def _match(self, match: Match) -> Match:
        return replace(match, account=replace(match.account, connection=self._connection))

    def _worded(self, one: _Worded) -> _Worded:
        problem, remedy = (words and self._own(words) for words in (one.problem, one.remedy))
        return replace(one, problem=problem, remedy=remedy)

    def _receipt(self, receipt: Receipt) -> Receipt:
        _, _, its = receipt.entitlement_id.partition(":")
        return replace(receipt, entitlement_id=f"{self._connection}:{its}", text=self._own(receipt.text))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ConnectorError as error:
            error.reword(self._own)
            raise

    def _own(self, words: str) -> str:
        """Return *words* with this connection in place of the vendor, and its settings in place of the vendor's."""
        own = words.replace(prefix_of(self.service), prefix_of(self._connection))
        return re.sub(rf"^{self.service}: ", f"{self._connection}: ", own)

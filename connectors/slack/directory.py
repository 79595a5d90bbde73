"""Finding a leaver's accounts: everybody is looked at, since no search of Slack's finds everybody."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import NotOnPlan, Unintelligible
from connectors.matching import fold_email, match_all
from connectors.slack.answers import check_id, understood
from connectors.slack.exchange import Trace
from connectors.slack.identity import Identities
from connectors.slack.people import account_of, all_workspaces, is_ours, profile_of
from connectors.slack.transport import Transport
from models.vocabulary import Account, Leaver, Match

# lookupByEmail knows neither deactivated people nor, for some organisations' tokens, anybody: neither proves a thing
_NOT_FOUND = frozenset({"users_not_found", "enterprise_is_restricted"})


@dataclass(slots=True)
class Entry:
    """One account as either side shows it."""

    user: dict[str, Any] | None = None
    scim: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everybody at one time.  *has_scim* False: this plan has none, and so nobody's employee number is known."""

    entries: dict[str, Entry]
    has_scim: bool
    taken_at: float


@dataclass(slots=True)
class Directory:
    """
    Searches among people.

    users.list allows twenty calls a minute, so that searches within *fresh_for* seconds share one snapshot.  It serves
    the search for candidates only: no decision that an account is open or closed is ever made from it.
    """

    transport: Transport
    identities: Identities
    fresh_for: float = 60.0
    clock: Callable[[], float] = time.monotonic
    _snapshot: Snapshot | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, leaver: Leaver) -> list[Match]:
        """Return the matches, strongest first.  Raises if anything could not be read whole."""
        with understood(()):
            return await self._find(leaver)

    async def _find(self, leaver: Leaver) -> list[Match]:
        snapshot = await self._everybody()
        entries = dict(snapshot.entries)
        addresses = {a for a in (leaver.email, *leaver.other_emails) if a is not None}
        for found in await asyncio.gather(*(self._by_address(a, snapshot) for a in sorted(addresses))):
            entries |= found
        profiles = [profile_of(e.user, e.scim) for e in entries.values() if e.user is None or is_ours(e.user)]
        return match_all(leaver, profiles)

    async def get(self, account_id: str) -> Account | None:
        """Return the account, read afresh; None if Slack never had it."""
        expect = frozenset({"user_not_found"})
        trace: Trace = []
        answer = await self.transport.web("users.info", {"user": check_id(account_id)}, trace, expect=expect)
        with understood(trace):
            return None if answer.code is not None else account_of(answer.part("user", account_id))

    async def _everybody(self) -> Snapshot:
        async with self._lock:
            known = self._snapshot
            if known is None or self.clock() - known.taken_at > self.fresh_for:
                known = self._snapshot = await self._take()
            return known

    async def _take(self) -> Snapshot:
        began = self.clock()
        teams = await all_workspaces(self.transport, self.identities, [])
        listed, people = await asyncio.gather(self._scim_users(), asyncio.gather(*(self._members(t) for t in teams)))
        entries: dict[str, Entry] = {}
        for user in (u for team in people for u in team):
            entries.setdefault(str(user["id"]), Entry()).user = user
        for scim in listed or []:
            entries.setdefault(str(scim["id"]), Entry()).scim = scim
        return Snapshot(entries, listed is not None, began)

    async def _members(self, team_id: str) -> list[dict[str, Any]]:
        trace: Trace = []
        named = {"team_id": team_id} if (await self.identities.get()).org_install else {}
        pages = self.transport.pages("users.list", {"limit": "500", **named}, trace)
        return [user async for answer in pages for user in answer.rows("members")]

    async def _scim_users(self) -> list[dict[str, Any]] | None:
        try:
            return await self.transport.scim_users([])
        except NotOnPlan:
            return None

    async def _by_address(self, address: str, snapshot: Snapshot) -> dict[str, Entry]:
        """Return who has *address* now: a snapshot may be a minute old."""
        found: dict[str, Entry] = {}
        answer = await self.transport.web("users.lookupByEmail", {"email": address}, [], expect=_NOT_FOUND)
        if answer.code is None and isinstance(user := answer.body.get("user"), dict):
            known = snapshot.entries.get(str(user.get("id")), Entry())
            found[str(user.get("id"))] = Entry(user, known.scim)
        if snapshot.has_scim:
            for scim in await self._scim_by_address(address):
                if fold_email(address) in {fold_email(str(e.get("value"))) for e in scim.get("emails") or []}:
                    known = found.get(str(scim["id"])) or snapshot.entries.get(str(scim["id"]), Entry())
                    found[str(scim["id"])] = Entry(known.user, scim)
        return found

    async def _scim_by_address(self, address: str) -> list[dict[str, Any]]:
        """
        Return whom SCIM's filter finds.  Slack documents filters for version 1 only: a refusal proves nothing, and takes
        nothing from the whole listing, which was read without any.
        """
        trace: Trace = []
        try:
            return await self.transport.scim_users(trace, query=f"email eq {quoted(address)}")
        except Unintelligible:
            if trace[-1].status != 400:
                raise
            return []


def quoted(text: str) -> str:
    """Return *text* as a string of a SCIM filter: JSON's rules, so that a quote in an address ends nothing."""
    return json.dumps(text)

"""Finding a leaver's accounts in a listing of all people, since no search of Slack's finds all."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from typing import Any

from connectors.contract import Found
from connectors.errors import NotOnPlan, Unintelligible
from connectors.kit.answers import understood
from connectors.kit.exchange import Row, Trace
from connectors.kit.pacing import resting_on, together
from connectors.matching import Profile, fold_email, match_all
from connectors.slack.identity import Identities
from connectors.slack.people import is_ours, profile_of
from connectors.slack.transport import Transport
from connectors.snapshot import Index, Numbers, Shared, indexed
from models.vocabulary import Leaver, Match

# lookupByEmail finds no deactivated people and, with some organisations' tokens, nobody: these codes prove nothing
_NOT_FOUND = frozenset({"users_not_found", "enterprise_is_restricted"})


@dataclass(slots=True)
class Entry:
    """One account as the Web API and SCIM show it."""

    user: Row | None = None
    scim: Row | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All people at one time.  *has_scim* False: the plan has no SCIM, so no employee number is known."""

    entries: dict[str, Entry]
    has_scim: bool
    index: Index


@dataclass(slots=True)
class Directory:
    """Searches among people.  users.list allows twenty calls a minute, so all leavers share one snapshot."""

    transport: Transport
    identities: Identities
    with_numbers: bool = True
    snapshot: Shared[Snapshot] = field(init=False)

    def __post_init__(self) -> None:
        self.snapshot = Shared(self._take)

    async def find(self, leaver: Leaver) -> Found:
        """Return the matches, most facts first.  Raises if anything could not be read whole."""
        with understood("slack", ()):
            snapshot = await self.snapshot.get()
            addresses = {a for a in (leaver.email, *leaver.other_emails) if a is not None}
            index, trace = snapshot.index, [*snapshot.index.evidence]
            with resting_on(trace):
                found = await together(*(self._by_address(a, snapshot, trace) for a in sorted(addresses)))
            profiles = {profile.account.id: profile for profile in index.near(leaver)}
            profiles |= {its: profile for entries in found for its, profile in self._profiles(entries)}
            return Found(match_all(leaver, profiles.values()), tuple(trace), len(index.profiles))

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        with understood("slack", ()):
            return (await self.snapshot.get()).index.candidates_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> Numbers:
        with understood("slack", ()):
            return (await self.snapshot.get()).index.numbers(people)

    def _profiles(self, entries: dict[str, Entry]) -> list[tuple[str, Profile]]:
        ours = {its: entry for its, entry in entries.items() if entry.user is None or is_ours(entry.user)}
        return [(its, profile_of(e.user, e.scim, with_number=self.with_numbers)) for its, e in ours.items()]

    async def _take(self) -> Snapshot:
        trace: Trace = []
        with resting_on(trace):
            teams = await self.identities.all_workspaces(trace)
            work: list[Awaitable[Any]] = [self._members(team, trace) for team in teams]
            listed, *people = await together(self._scim_users(trace), *work)
        entries: dict[str, Entry] = {}
        for user in (u for team in people for u in team):
            entries.setdefault(str(user["id"]), Entry()).user = user
        for scim in listed or []:
            entries.setdefault(str(scim["id"]), Entry()).scim = scim
        index = await indexed((profile for _, profile in self._profiles(entries)), trace)
        return Snapshot(entries, listed is not None, index)

    async def _members(self, team_id: str, trace: Trace) -> list[Row]:
        asked = {"limit": "500", **await self.identities.named(team_id)}
        return await self.transport.rows("users.list", "members", asked, trace)

    async def _scim_users(self, trace: Trace) -> list[Row] | None:
        try:
            return await self.transport.scim_users(trace)
        except NotOnPlan:
            return None

    async def _by_address(self, address: str, snapshot: Snapshot, trace: Trace) -> dict[str, Entry]:
        """Return the accounts that have *address* now; the snapshot may be minutes old."""
        found: dict[str, Entry] = {}
        answer = await self.transport.web("users.lookupByEmail", {"email": address}, trace, expect=_NOT_FOUND)
        if answer.code is None and isinstance(user := answer.body.get("user"), dict):
            known = snapshot.entries.get(str(user.get("id")), Entry())
            found[str(user.get("id"))] = Entry(user, known.scim)
        if snapshot.has_scim:
            for scim in await self._scim_by_address(address, trace):
                if fold_email(address) in {fold_email(str(e.get("value"))) for e in scim.get("emails") or []}:
                    known = found.get(str(scim["id"])) or snapshot.entries.get(str(scim["id"]), Entry())
                    found[str(scim["id"])] = Entry(known.user, scim)
        return found

    async def _scim_by_address(self, address: str, trace: Trace) -> list[Row]:
        """
        Return the users that SCIM's filter finds; none if Slack refuses the filter (400), which it documents for version 1
        only.  The whole listing was read without a filter.
        """
        asked: Trace = []
        try:
            return await self.transport.scim_users(asked, query=f"email eq {quoted(address)}")
        except Unintelligible:
            if asked[-1].status != 400:
                raise
            return []
        finally:
            trace += asked


def quoted(text: str) -> str:
    """Return *text* as a string of a SCIM filter, by JSON's rules, so that a quote in it does not end the string."""
    return json.dumps(text)

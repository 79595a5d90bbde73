"""Finding a leaver's accounts in a listing of all people, since no search of Slack's finds all."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import NotOnPlan, Unintelligible
from connectors.kit import directory as kit
from connectors.kit.exchange import Row, Trace
from connectors.kit.pacing import together
from connectors.matching import Profile, fold_email
from connectors.slack.identity import Identities
from connectors.slack.people import is_ours, profile_of
from connectors.slack.transport import Transport
from models.vocabulary import Leaver

# lookupByEmail finds no deactivated people and, with some organisations' tokens, nobody: these codes prove nothing
_NOT_FOUND = frozenset({"users_not_found", "enterprise_is_restricted"})


@dataclass(slots=True)
class SlackAccount:
    """One account as the Web API and SCIM show it."""

    user: Row | None = None
    scim: Row | None = None


class Directory(kit.Directory):
    """Searches among people.  users.list allows twenty calls a minute, so all leavers share one snapshot."""

    def __init__(self, transport: Transport, identities: Identities, *, with_numbers: bool = True) -> None:
        super().__init__("slack")
        self._transport = transport
        self._identities = identities
        self._with_numbers = with_numbers
        self._entries: dict[str, SlackAccount] = {}
        self._has_scim = False  # else no employee number is known

    async def everybody(self, trace: Trace) -> Iterable[Profile]:
        teams = await self._identities.all_workspaces(trace)
        work: list[Awaitable[Any]] = [self._members(team, trace) for team in teams]
        listed, *people = await together(self._scim_users(trace), *work)
        entries: dict[str, SlackAccount] = {}
        for user in (u for team in people for u in team):
            entries.setdefault(str(user["id"]), SlackAccount()).user = user
        for scim in listed or []:
            entries.setdefault(str(scim["id"]), SlackAccount()).scim = scim
        self._entries, self._has_scim = entries, listed is not None
        return self._profiles(entries)

    def searches(self, leaver: Leaver, trace: Trace) -> Iterable[Awaitable[Iterable[Profile]]]:
        addresses = {a for a in (leaver.email, *leaver.other_emails) if a is not None}
        return (self._by_address(address, trace) for address in sorted(addresses))

    def _profiles(self, entries: Mapping[str, SlackAccount]) -> list[Profile]:
        ours = (entry for entry in entries.values() if entry.user is None or is_ours(entry.user))
        return [profile_of(entry.user, entry.scim, with_number=self._with_numbers) for entry in ours]

    async def _members(self, team_id: str, trace: Trace) -> list[Row]:
        asked = {"limit": "500", **await self._identities.named(team_id)}
        return await self._transport.rows("users.list", "members", asked, trace)

    async def _scim_users(self, trace: Trace) -> list[Row] | None:
        try:
            return await self._transport.scim_users(trace)
        except NotOnPlan:
            return None

    async def _by_address(self, address: str, trace: Trace) -> list[Profile]:
        """Return the accounts that have *address* now; the snapshot may be minutes old."""
        found: dict[str, SlackAccount] = {}
        answer = await self._transport.web("users.lookupByEmail", {"email": address}, trace, expect=_NOT_FOUND)
        if answer.code is None and isinstance(user := answer.body.get("user"), dict):
            known = self._entries.get(str(user.get("id")), SlackAccount())
            found[str(user.get("id"))] = SlackAccount(user, known.scim)
        if self._has_scim:
            for scim in await self._scim_by_address(address, trace):
                if fold_email(address) in {fold_email(str(e.get("value"))) for e in scim.get("emails") or []}:
                    known = found.get(str(scim["id"])) or self._entries.get(str(scim["id"]), SlackAccount())
                    found[str(scim["id"])] = SlackAccount(known.user, scim)
        return self._profiles(found)

    async def _scim_by_address(self, address: str, trace: Trace) -> list[Row]:
        """
        Return the users that SCIM's filter finds; none if Slack refuses the filter (400), which it documents for version 1
        only.  The whole listing was read without a filter.
        """
        asked: Trace = []
        try:
            return await self._transport.scim_users(asked, query=f"email eq {quoted(address)}")
        except Unintelligible:
            if asked[-1].status != 400:
                raise
            return []
        finally:
            trace += asked


def quoted(text: str) -> str:
    """Return *text* as a string of a SCIM filter, by JSON's rules, so that a quote in it does not end the string."""
    return json.dumps(text)

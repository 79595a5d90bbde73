"""
User groups: Slack only replaces a group's whole list of members.

So the list is read just before and after it is written; two of our writes to one group never overlap; people who leave a
group at the same time leave it by one write.  A list is never made empty: that would mean disabling the group, which takes
more away than was asked for.
"""

from __future__ import annotations

import asyncio
import functools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from connectors.kit.exchange import Row, Trace
from connectors.kit.limits import for_a_due_cut
from connectors.kit.single_flight import SingleFlight
from connectors.slack.access import AccessReader, group_guard
from connectors.slack.identity import Identities
from connectors.slack.revoking import ABSENT, COMMANDED, Outcome, refused
from connectors.slack.transport import Transport
from models.vocabulary import Entitlement, RevocationResult

_WRITES = 3
_LOCKED = "the identity provider or an owner's lock governs its members: change them there"
_LAST = "it would be left empty: add a successor to the group, or disable it in Slack (Manage user groups)"
# codes by which Slack refuses the list or the group
_REFUSALS = frozenset({
    "permission_denied", "no_users_provided", "invalid_users", "failed_for_some_users", "user_is_restricted",
})  # fmt: skip


@dataclass(slots=True)
class UserGroups:
    transport: Transport
    identities: Identities
    access: AccessReader
    _departures: SingleFlight[dict[str, Outcome]] = field(default_factory=SingleFlight)
    _leaving: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def leave(self, entitlement: Entitlement, trace: Trace) -> Outcome:
        """Write the list without the account, and without all others that leave the group at the same time."""
        place = entitlement.vendor_id
        self._leaving[place].add(entitlement.account_id)
        try:
            with for_a_due_cut():  # those who leave after these wait for the lock of the group
                outcomes = await self._departures.share(place, functools.partial(self._take_out, place), trace)
        except asyncio.CancelledError:
            self._leaving[place].discard(entitlement.account_id)  # no effect once the write has begun
            raise
        return outcomes[entitlement.account_id]

    async def _take_out(self, place: str, trace: Trace) -> dict[str, Outcome]:
        """Write, and read the group again after each write: other clients may have written too."""
        left, asked, outcomes = self._leaving.pop(place, set[str]()), set[str](), dict[str, Outcome]()
        async with self._locks[place]:
            for written in range(_WRITES + 1):
                group = await self._group(place, trace)
                there = left & set(group["users"]) if group is not None else set[str]()
                outcomes |= {user: COMMANDED if user in asked else ABSENT for user in left - there}
                if group is None or not there:
                    return outcomes
                if group_guard(group) is not None:
                    return outcomes | _all_refused(there, _LOCKED)
                rest = [user for user in group["users"] if user not in there]
                if not rest:
                    rest = group["users"][-1:]
                    outcomes |= _all_refused(rest, _LAST)
                left = there - set(rest)
                if not left or written == _WRITES:
                    break
                if (code := await self._write(place, rest, trace)) is not None:
                    return outcomes | _all_refused(left, f"{code}: Slack does not accept the list without the account")
                asked |= left
        again = RevocationResult.COMMANDED, "somebody else's writes keep putting the account back"
        return outcomes | dict.fromkeys(left, again)

    async def rejoin(self, entitlement: Entitlement, trace: Trace) -> Outcome:
        """Append the account to the present list, not to the one before the cut."""
        async with self._locks[entitlement.vendor_id]:
            group = await self._group(entitlement.vendor_id, trace)
            if group is None:
                return refused("the group is gone or disabled")
            if entitlement.account_id in group["users"]:
                return ABSENT
            if group_guard(group) is not None:
                return refused(_LOCKED)
            code = await self._write(entitlement.vendor_id, [*group["users"], entitlement.account_id], trace)
            if code is not None:
                return refused(f"{code}: Slack does not accept the list with the account")
            after = await self._group(entitlement.vendor_id, trace)
        if after is None or entitlement.account_id not in after["users"]:
            return RevocationResult.COMMANDED, "accepted, but not seen in the list that was read after"
        return COMMANDED

    async def _group(self, place: str, trace: Trace) -> Row | None:
        team_id, _, group_id = place.partition("/")
        groups = await self.access.groups_of(team_id, trace)
        return next((group for group in groups if group.get("id") == group_id), None)

    async def _write(self, place: str, users: list[str], trace: Trace) -> str | None:
        """Replace the list; return Slack's code if it refuses.  Any other answer proves nothing: the list is read again."""
        team_id, _, group_id = place.partition("/")
        asked = {"usergroup": group_id, "users": ",".join(users), **await self.identities.named(team_id)}
        return (await self.transport.admin_write("usergroups.users.update", asked, trace, expect=_REFUSALS)).code


def _all_refused(users: Iterable[str], why: str) -> dict[str, Outcome]:
    return dict.fromkeys(users, refused(why))

"""
User groups: Slack only lets the whole list of members be replaced.

So the list is read just before it is written and again after; two of our own writes to one group never overlap; and a
list is never made empty, since Slack would have the group disabled instead, which takes more than was asked for.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from connectors.slack.access import Access
from connectors.slack.exchange import Trace
from connectors.slack.identity import Identities
from connectors.slack.receipts import absent, commanded, refused
from connectors.slack.rows import group_guard
from connectors.slack.settings import Purpose
from connectors.slack.transport import Transport
from models.vocabulary import Entitlement, Receipt

_ROUNDS = 3
_LOCKED = "the identity provider or an owner's lock governs its members: change them there"
_LAST = "it would be left empty: add a successor to the group, or disable it in Slack (Manage user groups)"
# what the call itself may say of a list of users, or of this group
_REFUSALS = frozenset(
    {"permission_denied", "no_users_provided", "invalid_users", "failed_for_some_users", "user_is_restricted"}
)


@dataclass(slots=True)
class Memberships:
    """Takes people out of user groups, and puts them back."""

    transport: Transport
    identities: Identities
    access: Access
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def leave(self, entitlement: Entitlement, trace: Trace) -> Receipt:
        """Write the list without the account.  The group is looked at again after; somebody else may have written too."""
        async with self._locks[entitlement.vendor_id]:
            for round_ in range(_ROUNDS + 1):
                group = await self._group(entitlement, trace)
                if group is None or entitlement.account_id not in group["users"]:
                    return absent(entitlement, trace) if round_ == 0 else commanded(entitlement, trace)
                rest = [user for user in group["users"] if user != entitlement.account_id]
                if (why := _objection(group, rest)) is not None:
                    return refused(entitlement, trace, why)
                if round_ == _ROUNDS:
                    break
                if (code := await self._write(entitlement, rest, trace)) is not None:
                    return refused(entitlement, trace, f"{code}: Slack does not accept the list without the account")
        return commanded(entitlement, trace, "somebody else's writes keep putting the account back")

    async def rejoin(self, entitlement: Entitlement, trace: Trace) -> Receipt:
        """Append the account to the list as it is now, not as it was."""
        async with self._locks[entitlement.vendor_id]:
            group = await self._group(entitlement, trace)
            if group is None:
                return refused(entitlement, trace, "the group is gone or disabled")
            if entitlement.account_id in group["users"]:
                return absent(entitlement, trace)
            if group_guard(group) is not None:
                return refused(entitlement, trace, _LOCKED)
            code = await self._write(entitlement, [*group["users"], entitlement.account_id], trace)
            if code is not None:
                return refused(entitlement, trace, f"{code}: Slack does not accept the list with the account")
            after = await self._group(entitlement, trace)
        if after is None or entitlement.account_id not in after["users"]:
            return commanded(entitlement, trace, "accepted, but not seen in the list that was read after")
        return commanded(entitlement, trace)

    async def _group(self, entitlement: Entitlement, trace: Trace) -> dict[str, Any] | None:
        team_id, _, group_id = entitlement.vendor_id.partition("/")
        groups = await self.access.groups_of(team_id, trace)
        return next((group for group in groups if group.get("id") == group_id), None)

    async def _write(self, entitlement: Entitlement, users: list[str], trace: Trace) -> str | None:
        """Replace the list; return Slack's code if it refuses.  What it answers else proves nothing: the list is read."""
        team_id, _, group_id = entitlement.vendor_id.partition("/")
        named = {"team_id": team_id} if (await self.identities.get()).org_install else {}
        answer = await self.transport.web(
            "usergroups.users.update",
            {"usergroup": group_id, "users": ",".join(users), **named},
            trace,
            purpose=Purpose.ADMIN,
            write=True,
            expect=_REFUSALS,
        )
        return answer.code


def _objection(group: dict[str, Any], rest: list[str]) -> str | None:
    """Return why the list must not be written."""
    if group_guard(group) is not None:
        return _LOCKED
    return None if rest else _LAST

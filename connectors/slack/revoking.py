"""Revoking entitlements."""

from __future__ import annotations

import asyncio
import functools
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from connectors.errors import ConnectorError, NotOnPlan
from connectors.kit.exchange import Row, Trace
from connectors.kit.single_flight import SingleFlight
from connectors.slack.access import AccessReader, sessions_in
from connectors.slack.answers import CallOutcome, check_id
from connectors.slack.identity import Identities
from connectors.slack.people import ListedAccount, flags, is_deleted
from connectors.slack.transport import Transport
from models.vocabulary import Entitlement, EntitlementKind, Receipt, RevocationResult

Outcome: TypeAlias = "tuple[RevocationResult, str]"
"""A receipt's result, and a sentence where it needs one."""
Verb: TypeAlias = "Callable[[Entitlement, Trace], Awaitable[Outcome]]"

COMMANDED: Outcome = (RevocationResult.COMMANDED, "")
ABSENT: Outcome = (RevocationResult.ALREADY_ABSENT, "")

# codes by which Slack refuses to deactivate this account, on any request or on ours
REFUSALS = {
    "cannot_disable_primary_owner": "transfer the ownership in Slack's settings first",
    "primary_owner_check_failure": "transfer the ownership in Slack's settings first",
    "cannot_modify_owner": "an owner's token is needed: this one belongs to an administrator",
    "cannot_disable_bot_user_with_scim": "it is a bot: remove its app",
    "cannot_modify_gdpr": "the profile is being erased by Slack",
}
_RESET_REFUSALS = frozenset({"cannot_reset_primary_owner", "cannot_reset_bot"})
_NO_SUCH_VERB = frozenset({405, 501})
_NO_SUCH_CALL = frozenset({"bad_endpoint", "method_not_allowed"})
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_PARTIAL = frozenset({"failed_for_some_entities", "failed_for_some_users", "failed_for_some_users_and_entities"})


@dataclass(slots=True)
class Revoker:
    """Revokes.  Each revocation is safe to repeat; none is sent twice without a read in between."""

    transport: Transport
    identities: Identities
    access: AccessReader
    leave_group: Verb
    _resets: SingleFlight[tuple[set[str], str | None]] = field(default_factory=SingleFlight)
    _ending: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    async def revoke(self, entitlement: Entitlement) -> Receipt:
        """See `Connector.revoke`.  Raises `NotOnPlan` for a kind that no request can revoke."""
        check_id(entitlement.account_id)
        verbs: dict[EntitlementKind, Verb] = {
            EntitlementKind.SIGN_IN: self._deactivate,
            EntitlementKind.SESSION: self._end_sessions,
            EntitlementKind.ROLE: self._unassign,
            EntitlementKind.GROUP: self.leave_group,
        }
        verb = verbs.get(entitlement.kind)
        if verb is None:
            raise NotOnPlan(f"slack: cannot revoke a {entitlement.kind}: Slack has no request for it")
        trace: Trace = []
        result, text = await verb(entitlement, trace)
        return Receipt(entitlement.id, result, tuple(trace), text)

    async def _deactivate(self, entitlement: Entitlement, trace: Trace) -> Outcome:
        """
        Delete the SCIM user, which at Slack deactivates the account and never deletes it.

        Slack's own tests repeat a DELETE with success, and it has no body, unlike PATCH.  The receipt says `commanded`, since
        the effect comes later.
        """
        identity = await self.identities.get()
        if entitlement.account_id in identity.own_ids:
            trace += identity.evidence
            return refused("our own token belongs to this account and would die with it")
        answer = await self._switch_off(f"Users/{entitlement.account_id}", trace)
        return COMMANDED if answer.code is None else refused(f"{answer.code}: {REFUSALS[answer.code]}")

    async def _switch_off(self, path: str, trace: Trace) -> CallOutcome:
        """Send DELETE; if the server does not know the verb, and so did nothing, send PATCH."""
        try:
            return await self.transport.scim("DELETE", path, trace, expect=frozenset(REFUSALS))
        except ConnectorError as error:
            if trace[-1].status not in _NO_SUCH_VERB and error.code not in _NO_SUCH_CALL:
                raise
        return await self.transport.scim("PATCH", path, trace, body=activity(active=False), expect=frozenset(REFUSALS))

    async def _end_sessions(self, entitlement: Entitlement, trace: Trace) -> Outcome:
        """Reset all sessions of the account if this one is still open; rows revoked at once share one reset."""
        if (await self.identities.get()).enterprise_id is None:
            return await self._ends_with_block(entitlement, trace)
        account_id = entitlement.account_id
        self._ending[account_id].add(entitlement.vendor_id)
        try:
            still, code = await self._resets.share(account_id, functools.partial(self._reset, account_id), trace)
        except asyncio.CancelledError:
            self._ending[account_id].discard(entitlement.vendor_id)
            raise
        if entitlement.vendor_id not in still:
            return ABSENT
        return COMMANDED if code is None else refused(f"{code}: Slack resets neither bots nor the primary owner")

    async def _reset(self, account_id: str, trace: Trace) -> tuple[set[str], str | None]:
        """Return the sessions to be ended that were still open, and Slack's code if it refused the reset."""
        wanted = self._ending.pop(account_id, set[str]())
        places = sorted({vendor_id.partition("/")[0] for vendor_id in wanted})
        subject = ListedAccount(self.transport.urgently(), self.identities, account_id)
        found = await asyncio.gather(*(sessions_in(subject, place, trace) for place in places))
        still = wanted & {f"{s['team_id']}/{s['session_id']}" for part in found for s in part}
        if not still:
            return still, None
        method, asked = "admin.users.session.reset", {"user_id": account_id}
        answer = await self.transport.admin_write(method, asked, trace, expect=_RESET_REFUSALS)
        return still, answer.code

    async def _unassign(self, entitlement: Entitlement, trace: Trace) -> Outcome:
        """Remove one role assignment.  After a rejection, a new read decides whether it was absent."""
        if (await self.identities.get()).enterprise_id is None:
            return await self._ends_with_block(entitlement, trace)
        role, _, entity = entitlement.vendor_id.partition("/")
        answer = await self.assign("remove", role, entity, entitlement.account_id, trace)
        if answer.code is None:
            return COMMANDED
        left = await self.access.assignments(trace, role_ids=role, entity_ids=entity)
        held = {(row["role_id"], row["entity_id"], row["user_id"]) for row in left}
        if (role, entity, entitlement.account_id) not in held:
            return ABSENT
        return refused(f"{answer.code}: {rejections(answer)}")

    async def assign(self, verb: str, role: str, entity: str, user_id: str, trace: Trace) -> CallOutcome:
        """Add or remove one assignment, of one person and one entity: "some failed" then means this one."""
        asked = {"role_id": role, "entity_ids": entity, "user_ids": user_id}
        return await self.transport.admin_write(f"admin.roles.{verb}Assignments", asked, trace, expect=_PARTIAL)

    async def _ends_with_block(self, entitlement: Entitlement, trace: Trace) -> Outcome:
        user = await ListedAccount(self.transport.urgently(), self.identities, entitlement.account_id).user(trace)
        gone = is_deleted(user)
        if entitlement.kind is EntitlementKind.ROLE and not gone:
            gone = flags(user).get(entitlement.vendor_id) is False
        return ABSENT if gone else refused("on this plan it ends with the sign-in and cannot be taken by itself")


def refused(why: str) -> Outcome:
    """Return the outcome of a refusal, Slack's or, before any write, our own."""
    return RevocationResult.REFUSED, why


def activity(*, active: bool) -> Row:
    """Return the SCIM v2 patch that switches an account on or off."""
    return {"schemas": [_PATCH], "Operations": [{"op": "replace", "path": "active", "value": active}]}


def rejections(answer: CallOutcome) -> str:
    parts = [*(answer.body.get("rejected_users") or []), *(answer.body.get("rejected_entities") or [])]
    return ", ".join(sorted({str(part.get("error")) for part in parts if isinstance(part, dict)})) or "no reason given"

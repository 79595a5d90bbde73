"""Restoring entitlements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.errors import NotOnPlan, Unintelligible
from connectors.kit.exchange import Trace
from connectors.slack.answers import check_id
from connectors.slack.revoking import COMMANDED, REFUSALS, Outcome, Revoker, activity, refused, rejections
from connectors.slack.transport import Transport
from connectors.slack.user_groups import UserGroups
from models.vocabulary import Entitlement, EntitlementKind, Json, Receipt


@dataclass(slots=True)
class Restorer:
    """
    Activates accounts, adds to user groups, assigns roles.

    A person opens new sessions by signing in.  Workspaces need no restore: SCIM activates the organisation's account, and
    Slack keeps its memberships of workspaces.
    """

    transport: Transport
    revoking: Revoker
    user_groups: UserGroups

    async def restore(self, entitlement: Entitlement, prestate: Mapping[str, Json]) -> Receipt:
        """Give *entitlement* back; *prestate* names a role's id and entity."""
        check_id(entitlement.account_id)
        trace: Trace = []
        if entitlement.kind is EntitlementKind.SIGN_IN:
            result, text = await self._activate(entitlement, trace)
        elif entitlement.kind is EntitlementKind.GROUP:
            result, text = await self.user_groups.rejoin(entitlement, trace)
        elif entitlement.kind is EntitlementKind.ROLE and {"role_id", "entity_id"} <= set(prestate):
            result, text = await self._assign(entitlement, prestate, trace)
        else:
            raise NotOnPlan(
                f"slack: cannot give back a {entitlement.kind}: Slack has no request for it",
                remedy="It comes back with the account, or the person enrols again; nothing can be sent.",
            )
        return Receipt(entitlement.id, result, tuple(trace), text)

    async def _activate(self, entitlement: Entitlement, trace: Trace) -> Outcome:
        path, body = f"Users/{entitlement.account_id}", activity(active=True)
        answer = await self.transport.scim("PATCH", path, trace, body=body, expect=frozenset(REFUSALS))
        if answer.code is not None:
            return refused(f"{answer.code}: {REFUSALS[answer.code]}")
        if answer.body and answer.body.get("id") != entitlement.account_id:
            raise Unintelligible("slack: cannot activate an account: another one answered", evidence=trace)
        return COMMANDED

    async def _assign(self, entitlement: Entitlement, prestate: Mapping[str, Json], trace: Trace) -> Outcome:
        role, entity = str(prestate["role_id"]), str(prestate["entity_id"])
        answer = await self.revoking.assign("add", role, entity, entitlement.account_id, trace)
        return COMMANDED if answer.code is None else refused(f"{answer.code}: {rejections(answer)}")

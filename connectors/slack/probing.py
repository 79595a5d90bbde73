"""Probing what the tenant's plan and our tokens' scopes allow."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.contract import Ability, Capabilities, KindManifest, Manifest
from connectors.errors import ConnectorError, Denied, NotOnPlan, Unintelligible
from connectors.slack.activity.sources import sources_for
from connectors.slack.activity.words import AUDIT_LOGS
from connectors.slack.identity import INSTALL_REMEDY, Identities, Identity
from connectors.slack.manifest import SlackPlan, manifest_for
from connectors.slack.settings import TokenPurpose
from connectors.slack.transport import Transport
from models.vocabulary import EntitlementKind, Service

Problem = tuple[str, str]
FINDING = ("users:read", "users:read.email")
"""What finding people needs."""


@dataclass(slots=True)
class Prober:
    """Probes with reads only: our tokens' identity, one SCIM user, one entry of the audit logs."""

    transport: Transport
    identities: Identities

    async def probe(self) -> Capabilities:
        """See `Connector.probe`.  Raises if Slack cannot be reached, or accepts no token."""
        identity = await self.identities.get(afresh=True)
        scim = await self._try_scim()
        plan = SlackPlan.PRO if isinstance(scim, NotOnPlan) else SlackPlan.BUSINESS_PLUS
        if identity.enterprise_id is not None:
            plan = SlackPlan.ENTERPRISE
        manifest = manifest_for(plan)
        problems = [_problem(error) for error in identity.refused.values()]
        # on Enterprise the audit logs are tried; elsewhere their refusal is evidence, not a problem
        logs = [source.scopes for source in sources_for(plan) if source.name != AUDIT_LOGS]
        lacking = [_lacking(scopes, identity) for scopes in (FINDING, *logs)]
        problems += [p for p in (await self._audit(plan), _install(identity), *lacking) if p is not None]
        return Capabilities(
            service=Service.SLACK,
            plan=plan,
            tenant=identity.enterprise_id or identity.team_id,
            own_account_ids=identity.own_ids,
            abilities=tuple(self._ability(row, identity, manifest, scim) for row in manifest.kinds.values()),
            problems=tuple(dict.fromkeys(problems)),
        )

    async def _try_scim(self) -> ConnectorError | None:
        """Read one SCIM user: only a request shows whether the plan has SCIM and our token may use it."""
        try:
            await self.transport.scim("GET", "Users", [], query={"startIndex": 1, "count": 1})
        except (Denied, NotOnPlan, Unintelligible) as error:
            return error
        return None

    async def _audit(self, plan: SlackPlan) -> Problem | None:
        """Return why the audit logs cannot be read; None below Enterprise, which has none."""
        if plan is not SlackPlan.ENTERPRISE:
            return None
        try:
            await self.transport.audit([], limit=1)
        except ConnectorError as error:  # nothing that is cut depends on them
            return _problem(error)
        return None

    def _ability(
        self, row: KindManifest, identity: Identity, manifest: Manifest, scim: ConnectorError | None
    ) -> Ability:
        if row.no_api is not None:
            return Ability(row.kind, False, False, row.no_api, "Settle it for the tenant with a standing waiver.")
        if row.implied_by is not None:
            block = self._ability(manifest.kinds[row.implied_by], identity, manifest, scim)
            lack = _lacking(row.read_scopes, identity)
            return Ability(row.kind, lack is None, block.can_revoke, *(lack or ()))
        if row.kind is EntitlementKind.SIGN_IN and scim is not None:
            return Ability(row.kind, isinstance(scim, NotOnPlan), False, str(scim), scim.advice)
        reading, writing = _lacking(row.read_scopes, identity), _lacking(row.write_scopes, identity)
        return Ability(row.kind, reading is None, writing is None, *(reading or writing or ()))


def purpose_of(scope: str) -> TokenPurpose:
    if scope in {"admin", "auditlogs:read"}:
        return TokenPurpose.SCIM if scope == "admin" else TokenPurpose.AUDIT
    return TokenPurpose.ADMIN if scope.startswith("admin.") or scope == "usergroups:write" else TokenPurpose.BOT


def _lacking(scopes: tuple[str, ...], identity: Identity) -> Problem | None:
    """Return the first missing scope as a problem; a token whose scopes Slack does not say counts as having them."""
    for scope in scopes:
        purpose = purpose_of(scope)
        if (denied := identity.refused.get(purpose)) is not None:
            return _problem(denied)
        held = identity.scopes.get(purpose)
        if held is not None and scope not in held:
            problem = f"slack: cannot use LASTDAY_SLACK_{purpose.upper()}: missing_scope (needs {scope})"
            return problem, f"Add {scope} to its app and install it again."
    return None


def _install(identity: Identity) -> Problem | None:
    if identity.enterprise_id is None or identity.org_install:
        return None
    return "slack: cannot act on the whole organisation: an app is installed on one workspace", INSTALL_REMEDY


def _problem(error: ConnectorError) -> Problem:
    return str(error), error.advice

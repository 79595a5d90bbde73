"""Who we are at Slack: our tokens' accounts, workspace and organisation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import Denied
from connectors.kit.exchange import Trace
from connectors.slack.answers import CallOutcome
from connectors.slack.settings import TokenPurpose
from connectors.slack.transport import Transport
from models.vocabulary import Evidence

INSTALL_REMEDY = "Let an Owner of the organisation install the app on it, choosing the organisation in the drop-down."


@dataclass(frozen=True, slots=True)
class Identity:
    """
    What `auth.test` says of each token.

    *own_ids*: the accounts that our tokens belong to; a token dies with its account.  *enterprise_id* None: not on
    Enterprise.  *org_install*: the ADMIN and BOT tokens are of apps installed on the whole organisation; any other token sees
    only its own workspace.  *scopes*: by purpose, without those that Slack does not say.  *refused*: by purpose, why a token
    was refused.
    """

    own_ids: frozenset[str]
    team_id: str
    enterprise_id: str | None
    org_install: bool
    scopes: Mapping[TokenPurpose, frozenset[str]]
    refused: Mapping[TokenPurpose, Denied]
    evidence: tuple[Evidence, ...]


@dataclass(slots=True)
class Identities:
    """Asks once and remembers: the account of a token does not change."""

    transport: Transport
    workspaces: dict[str, frozenset[str]] = field(default_factory=dict)  # by account, while Slack called it active
    _known: Identity | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, *, afresh: bool = False) -> Identity:
        """Return our identity.  Raises `Denied` if Slack accepts no token; single refused ones are in *refused*."""
        if self._known is not None and not afresh:
            return self._known  # a block does not wait while a probe asks again
        async with self._lock:
            if self._known is None or afresh:
                self._known = await self._ask()
            return self._known

    async def all_workspaces(self, trace: Trace) -> list[str]:
        identity = await self.get()
        if not identity.org_install:
            return [identity.team_id]
        asked = {"limit": "100"}
        teams = await self.transport.rows("admin.teams.list", "teams", asked, trace, purpose=TokenPurpose.ADMIN)
        return [str(team["id"]) for team in teams]

    async def named(self, team_id: str) -> dict[str, str]:
        """Return the argument that names a workspace; an organisation's token must have it, any other must not."""
        return {"team_id": team_id} if (await self.get()).org_install else {}

    async def _ask(self) -> Identity:
        trace: Trace = []
        groups = self.transport.purposes()
        found = await asyncio.gather(*(self._test(group[0], trace) for group in groups))
        answers = {p: a for group, a in zip(groups, found, strict=True) if isinstance(a, CallOutcome) for p in group}
        refused = {p: a for group, a in zip(groups, found, strict=True) if isinstance(a, Denied) for p in group}
        if not answers:
            raise next(iter(refused.values()))
        first = answers[min(answers, key=list(TokenPurpose).index)].body
        return Identity(
            own_ids=frozenset(str(a.body["user_id"]) for a in answers.values() if a.body.get("user_id")),
            team_id=str(first.get("team_id", "")),
            enterprise_id=first.get("enterprise_id") or None,
            org_install=all(_is_org(a.body) for p, a in answers.items() if p in {TokenPurpose.ADMIN, TokenPurpose.BOT}),
            scopes={p: _scopes(a) for p, a in answers.items() if "x-oauth-scopes" in a.headers},
            refused=refused,
            evidence=tuple(trace),
        )

    async def _test(self, purpose: TokenPurpose, trace: Trace) -> CallOutcome | Denied:
        try:
            return await self.transport.web("auth.test", {}, trace, purpose=purpose)
        except Denied as denied:
            return denied


def _is_org(body: Mapping[str, Any]) -> bool:
    """Whether a token is of an app on the whole organisation; true within one where Slack does not say."""
    install, organisation = body.get("is_enterprise_install"), body.get("enterprise_id")
    if not isinstance(install, bool):
        return bool(organisation)
    return install or (bool(organisation) and body.get("team_id") == organisation)


def _scopes(answer: CallOutcome) -> frozenset[str]:
    return frozenset(scope.strip() for scope in answer.headers["x-oauth-scopes"].split(","))

"""Listing what an account holds, kind by kind, with new requests for each listing."""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from connectors.contract import Kinds, Listing, cannot_look
from connectors.errors import NotOnPlan, Unintelligible
from connectors.kit.answers import need, understood
from connectors.kit.exchange import Row, Trace
from connectors.kit.listing import Rows, read_kinds
from connectors.kit.single_flight import SingleFlight
from connectors.slack.answers import check_id
from connectors.slack.identity import Identities
from connectors.slack.manifest import NO_TOKENS
from connectors.slack.people import ListedAccount, User, flags, is_deleted
from connectors.slack.settings import TokenPurpose
from connectors.slack.transport import Transport
from models.vocabulary import ACCOUNT, Account, Entitlement, EntitlementState, Guard, Json, Service
from models.vocabulary import EntitlementKind as K

_TOKENS_REMEDY = (
    "Look through the apps that the person installed (Manage apps, or team.integrationLogs), hand them over or remove them, "
    "and attest; or settle it for the tenant with a standing waiver."
)
_CHANNEL_MANAGER = "Rl0A"


@dataclass(slots=True)
class AccessReader:
    transport: Transport
    identities: Identities
    _lists: SingleFlight[list[Row]] = field(default_factory=SingleFlight)

    async def list_access(self, account: Account, kinds: Kinds) -> Listing:
        """
        Return the rows of *kinds*, read at once; a kind that fails becomes one row and does not stop the others.

        A listing of sign-in and sessions only is for a cut, and its requests go first.
        """
        urgent = kinds <= {K.SIGN_IN, K.SESSION}
        transport = self.transport.urgently() if urgent else self.transport
        subject = ListedAccount(transport, self.identities, account.id)
        readers = {
            K.SIGN_IN: self._sign_in,
            K.SESSION: self._sessions,
            K.ROLE: self._roles,
            K.GROUP: self._groups,
            K.GRANT: self._grants,
        }
        wanted = {
            kind: functools.partial(_understood, read, subject) for kind, read in readers.items() if kind in kinds
        }
        return await read_kinds(Service.SLACK, account.id, wanted)

    async def _sign_in(self, subject: ListedAccount, trace: Trace) -> Rows:
        """
        Return no row only if the Web API and SCIM both call the account deactivated: they learn of it at different times.
        Where the plan has no SCIM, the Web API decides, and a person deactivates.
        """
        user, active = await asyncio.gather(subject.user(trace), _scim_active(subject, trace))
        deleted = is_deleted(user)
        if deleted and active is not True:
            return []
        rank = flags(user)  # a missing flag sets no guard: Slack itself refuses to deactivate its primary owner
        guard = Guard.PRIMARY_OWNER if rank.get("is_primary_owner") is True else None
        if subject.account_id in (await self.identities.get()).own_ids:
            guard = Guard.OWN_CREDENTIAL
        row = subject.row(K.SIGN_IN, ACCOUNT, guard=guard)
        if active is None:
            problem = "slack: cannot deactivate the account: plus_teams_only (SCIM starts with Business+); it is active"
            remedy = "Deactivate the account in Slack's admin console (Manage members); the next read shows it."
            return [replace(row, by_hand=True, problem=problem, remedy=remedy)]
        teams: list[Json] = [*((user.get("enterprise_user") or {}).get("teams") or [user.get("team_id")])]
        return [replace(row, prestate={"flags": rank, "workspaces": teams})]

    async def _sessions(self, subject: ListedAccount, trace: Trace) -> Rows:
        """Return the open sessions, workspace by workspace; below Enterprise one row while the account is active."""
        identity = await self.identities.get()
        if identity.enterprise_id is None:
            if is_deleted(await subject.user(trace)):
                return []
            return [subject.row(K.SESSION, ACCOUNT, label="all devices; they end with the block")]
        places = [*await subject.workspaces(trace), identity.enterprise_id]
        found = await asyncio.gather(*(sessions_in(subject, place, trace) for place in places))
        rows = []
        for session in (session for part in found for session in part):
            its = f"{session['team_id']}/{session['session_id']}"
            seen = session.get("recent") or session.get("created") or {}
            rows.append(subject.row(K.SESSION, its, label=str(seen.get("os") or "")))
        return rows

    async def _roles(self, subject: ListedAccount, trace: Trace) -> Rows:
        """Return role assignments; below Enterprise the account's own rank, which ends with the account."""
        if (await self.identities.get()).enterprise_id is None:
            labels = {name: name.removeprefix("is_").replace("_", " ") for name in _rank(await subject.user(trace))}
            guards = {"is_primary_owner": Guard.PRIMARY_OWNER}
            return [subject.row(K.ROLE, name, label=label, guard=guards.get(name)) for name, label in labels.items()]
        everybody = await self._lists.share("roles", self.assignments, trace)
        holders = Counter((row["role_id"], row["entity_id"]) for row in everybody)
        return [_role(subject, row, holders) for row in everybody if row["user_id"] == check_id(subject.account_id)]

    async def assignments(self, trace: Trace, **only: str) -> list[Row]:
        """Return all people's role assignments: Slack filters by role and by entity, not by person."""
        method, asked = "admin.roles.listAssignments", {"limit": "200", **only}
        rows = await self.transport.rows(method, "role_assignments", asked, trace, purpose=TokenPurpose.ADMIN)
        if not all(isinstance(row.get(name), str) for row in rows for name in ("role_id", "entity_id", "user_id")):
            raise Unintelligible("slack: cannot read role assignments: one is incomplete", evidence=trace)
        return rows

    async def _groups(self, subject: ListedAccount, trace: Trace) -> Rows:
        """Return the user groups that name the account.  Disabled ones give nothing, and are not listed by Slack."""
        teams = await subject.workspaces(trace)
        found = await asyncio.gather(*(self.groups_of(team, trace) for team in teams))
        mine = {str(g["id"]): g for part in found for g in part if check_id(subject.account_id) in g["users"]}
        return [
            subject.row(K.GROUP, f"{g['team_id']}/{g['id']}", label=str(g.get("name") or ""), guard=group_guard(g))
            for g in mine.values()
        ]

    async def _grants(self, subject: ListedAccount, trace: Trace) -> Rows:  # noqa: ARG002  # a reader's shape; nothing to ask
        """Return the row that says that no plan can read them.  Makes no request, so there is no evidence."""
        its, state = subject.account_id, EntitlementState.NO_API
        return [cannot_look(Service.SLACK, its, K.GRANT, state, problem=NO_TOKENS, remedy=_TOKENS_REMEDY)]

    async def groups_of(self, team_id: str, trace: Trace) -> list[Row]:
        """Return a workspace's user groups with their users.  Callers share a request, sent after each one's call."""
        return await self._lists.share(f"groups/{team_id}", functools.partial(self._all_groups, team_id), trace)

    async def _all_groups(self, team_id: str, trace: Trace) -> list[Row]:
        # Slack does not page user groups; a cursor would be followed all the same
        identity, named = await self.identities.get(), await self.identities.named(team_id)
        found = await self.transport.rows("usergroups.list", "usergroups", {"include_users": "1", **named}, trace)
        groups = [{"team_id": team_id, **group} for group in found]
        if not all(isinstance(group.get("users"), list) and isinstance(group.get("id"), str) for group in groups):
            raise Unintelligible("slack: cannot read the user groups: one without its users", evidence=trace)
        # to a token that does not see the workspace, Slack gives the token's own workspace instead
        if identity.org_install and any(g["team_id"] not in {team_id, identity.enterprise_id} for g in groups):
            raise Unintelligible("slack: cannot read the user groups: another workspace's", evidence=trace)
        return groups


async def _understood(
    read: Callable[[ListedAccount, Trace], Awaitable[Rows]], subject: ListedAccount, trace: Trace
) -> Rows:
    with understood("slack", trace):
        return await read(subject, trace)


async def _scim_active(subject: ListedAccount, trace: Trace) -> bool | None:
    """Return SCIM's `active`, which must be a boolean; None where the plan has no SCIM."""
    try:
        answer = await subject.transport.scim("GET", f"Users/{check_id(subject.account_id)}", trace)
    except NotOnPlan:
        return None
    return need("slack", answer.part("", subject.account_id), "active", bool)


async def sessions_in(subject: ListedAccount, place: str, trace: Trace) -> list[Row]:
    """Return the sessions in one workspace, or on the organisation itself."""
    asked = {"user_id": check_id(subject.account_id), "team_id": place, "limit": "100"}
    method, none = "admin.users.session.list", frozenset({"no_active_sessions"})
    found = await subject.transport.rows(method, "active_sessions", asked, trace, purpose=TokenPurpose.ADMIN, none=none)
    # Slack's page promises neither user_id nor team_id; if one is there, it must be right
    named = [{"user_id": subject.account_id, "team_id": place, **session} for session in found]
    if any((s["user_id"], s["team_id"]) != (subject.account_id, place) or not s.get("session_id") for s in named):
        raise Unintelligible("slack: cannot read sessions: some are another's, or nameless", evidence=trace)
    return named


def group_guard(group: Row) -> Guard | None:
    """Return the guard of a user group whose members the API must not change: the identity provider's, or locked."""
    if group.get("is_idp_group") is True:
        return Guard.MASTERED_ELSEWHERE
    locks = ("is_membership_locked", "is_editing_restricted", "is_org_level")
    return Guard.PRIVILEGED if any(group.get(name) is True for name in locks) else None


def _role(subject: ListedAccount, row: Row, holders: Mapping[tuple[str, str], int]) -> Entitlement:
    """Return the row of a role assignment, `<role>/<entity>`; a channel's last manager is guarded."""
    role, entity = row["role_id"], row["entity_id"]
    guard = Guard.LAST_OWNER if role == _CHANNEL_MANAGER and holders[role, entity] == 1 else None
    return subject.row(K.ROLE, f"{role}/{entity}", guard=guard, prestate={"role_id": role, "entity_id": entity})


def _rank(user: User) -> list[str]:
    """Return the rank flags of *user* that are true; none if it is deactivated, since they end with the account."""
    if is_deleted(user):
        return []
    shown = flags(user)
    if not shown.keys() >= {"is_admin", "is_owner", "is_primary_owner"}:
        raise Unintelligible("slack: cannot read a rank: the answer is about an active account, but without its flags")
    return [name for name, on in shown.items() if on is True and "restricted" not in name]

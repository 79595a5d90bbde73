"""The emulated organisation: its people, how an account is deactivated, its own log."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from emulators.activity_profiles import ActivityProfile
from emulators.slack import audit_logs, scim, web_api
from emulators.slack.audit_history import AuditHistory
from emulators.slack.state import (
    AUTOMATION,
    ENTERPRISE_ID,
    WORKSPACES,
    Member,
    Token,
    assignments,
    members,
    person_id,
    sessions,
    slack_id,
    user_groups,
)

PLANS = ("pro", "business_plus", "enterprise")
ADMIN_SCOPES = frozenset(
    {
        "admin", "admin.users:read", "admin.users:write", "admin.roles:read", "admin.roles:write", "admin.teams:read",
        "auditlogs:read", "files:read", "team:read", "usergroups:read", "usergroups:write", "users:read", "users:read.email",
    }
)  # fmt: skip
BOT_SCOPES = frozenset({"files:read", "team:read", "usergroups:read", "users:read", "users:read.email"})


@dataclass(frozen=True, slots=True)
class Options:
    """
    How this tenant behaves.

    *page_size* caps what a client asks for.  *workspaces*: two only on Enterprise.  *deactivation_lag* is in seconds;
    *web_lag* and *scim_lag* are the reads for which each face goes on calling a deactivated member active.
    *write_seconds* is how long a SCIM write holds its object's lock.  *strict*: an unknown argument is an error.
    *org_install*: the tokens come from an install on the whole organisation.  *teams_after_block*: whether users.info
    still names a deactivated member's workspaces.  *token_role*: of the person whom the tokens belong to.
    *audit_lag*: how many seconds late an entry shows in the logs.  *cursor_seconds*: how long their cursors live.
    *employee_numbers*: SCIM knows them.  *lookup_restricted*: lookupByEmail refuses organisation tokens.
    """

    page_size: int | None = None
    plan: str = "enterprise"
    workspaces: int | None = None
    deactivation_lag: float = 0.0
    web_lag: int = 0
    scim_lag: int = 0
    write_seconds: float = 0.0
    strict: bool = True
    org_install: bool = True
    teams_after_block: bool = True
    token_role: str = "owner"
    employee_numbers: bool = True
    lookup_restricted: bool = False
    missing_scopes: frozenset[str] = frozenset()
    audit_lag: float = 0.0
    cursor_seconds: float | None = None
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if self.plan not in PLANS or self.token_role not in {"owner", "admin"}:
            raise ValueError(f"no such plan or role: {self.plan}, {self.token_role}")


class Tenant:
    """One Slack organisation.  *audit* is its own log: append only, the oldest first."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**options)
        count = self.options.workspaces or 2
        self.workspaces = dict(list(WORKSPACES.items())[: count if self.enterprise else 1])
        self.members = members(workspaces=len(self.workspaces))
        self.groups = user_groups(workspaces=len(self.workspaces))
        self.sessions = sessions(self.members, enterprise=self.enterprise)
        self.assignments = assignments() if self.enterprise else []
        self.audit: list[dict[str, Any]] = []
        self.memories: dict[str, AuditHistory] = {}
        self.locks: dict[str, asyncio.Lock] = {}
        self._numbers = itertools.count(1)
        self.tokens = {t.value: t for t in self._tokens()}
        self.app = Starlette(
            routes=[
                Route("/api/{method:path}", web_api.endpoint(self), methods=["GET", "POST"]),
                Route("/scim/{version}/{rest:path}", scim.endpoint(self), methods=list(scim.VERBS)),
                Route("/audit/v1/{rest:path}", audit_logs.endpoint(self), methods=["GET"]),
            ]
        )

    @property
    def enterprise(self) -> bool:
        """Whether the plan is Enterprise."""
        return self.options.plan == "enterprise"

    @property
    def automation_id(self) -> str:
        """The account that the integration's tokens belong to."""
        return slack_id("U", AUTOMATION)

    def credentials(self) -> dict[str, str]:
        """Return the integration's tokens by purpose."""
        return {"token": "xoxp-1001-admin", "bot_token": "xoxb-1002-bot", "scim_token": "xoxp-1003-scim", "audit_token": "xoxp-1004-audit"}  # fmt: skip

    def _tokens(self) -> list[Token]:
        automation = self.members[self.automation_id]
        automation.is_admin, automation.is_owner = True, self.options.token_role == "owner"
        named, org, gone = self.credentials(), self.enterprise and self.options.org_install, self.options.missing_scopes
        kept = frozenset(ADMIN_SCOPES) - gone
        ours = [
            Token(named["token"], "xoxp", kept, automation.id, org=org),
            Token(named["bot_token"], "xoxb", BOT_SCOPES - gone, "UBOT0LASTDAY", org=org),
            Token(named["scim_token"], "xoxp", kept & {"admin"}, automation.id, org=org),
            Token(named["audit_token"], "xoxp", kept & {"auditlogs:read"}, automation.id, org=org),
        ]
        theirs = [Token(f"xoxp-2000-{m.id}", "xoxp", frozenset({"users:read"}), m.id) for m in self.people()]
        return ours + theirs

    def people(self) -> list[Member]:
        """Return the members who are humans of this organisation."""
        return [m for m in self.members.values() if not m.is_bot and not m.is_stranger and m.id != "USLACKBOT"]

    def account_id(self, employee_no: str) -> str:
        """Return the id of a person's account."""
        found = person_id(employee_no)
        if found not in self.members:
            raise KeyError(employee_no)
        return found

    # -- the end of an account ----------------------------------------------------------------------------------------

    def deactivate(self, member: Member, actor: str) -> None:
        """Deactivate *member*.  A repetition succeeds and changes nothing."""
        if member.deactivated_at is not None:
            return
        member.deactivated_at = self.options.clock()
        member.unseen = {"web": self.options.web_lag, "scim": self.options.scim_lag}
        self.record("guest_deactivated" if member.is_restricted else "user_deactivated", actor, user=member.id)
        self.settle(member)

    def activate(self, member: Member, actor: str) -> None:
        """Undo a deactivation.  Sessions do not come back."""
        if member.deactivated_at is None:
            return
        self._end_sessions(member)
        member.deactivated_at, member.unseen = None, {}
        self.record("guest_reactivated" if member.is_restricted else "user_reactivated", actor, user=member.id)

    def gone(self, member: Member) -> bool:
        """Return whether the deactivation has taken effect: during the lag it has not, and the person can go on."""
        if member.deactivated_at is None or any(member.unseen.values()):
            return False
        return self.options.clock() >= member.deactivated_at + self.options.deactivation_lag

    def read_active(self, member: Member, face: str) -> bool:
        """Return whether one read of *face* shows the member active; each read counts down the lag."""
        if member.deactivated_at is None:
            return True
        if member.unseen.get(face, 0) > 0:
            member.unseen[face] -= 1
            self.settle(member)
            return True
        late = self.options.clock() < member.deactivated_at + self.options.deactivation_lag
        self.settle(member)
        return late

    def settle(self, member: Member) -> None:
        """End the member's sessions once the deactivation has taken effect."""
        if self.gone(member):
            self._end_sessions(member)

    def _end_sessions(self, member: Member) -> None:
        self.sessions = {n: s for n, s in self.sessions.items() if s.user_id != member.id}

    def alive(self, token: Token) -> bool:
        """Return whether *token* still works: a person's token ends with the account, or when it is revoked."""
        owner = self.members.get(token.owner_id)
        return not token.revoked and not (owner is not None and self.gone(owner))

    # -- the log, and the truth for tests -----------------------------------------------------------------------------

    def record(self, action: str, actor: str, **entity: str) -> None:
        """Append to the organisation's log."""
        ((kind, entity_id),) = entity.items()
        by = self.members.get(actor)
        face = {"name": by.real_name, "email": by.email, "team": ENTERPRISE_ID} if by is not None else {}
        self.audit.append(
            {
                "id": f"log-{next(self._numbers):06d}",
                "date_create": int(self.options.clock()),
                "action": action,
                "actor": {"type": "user", "user": {"id": actor, **face}},
                "entity": {"type": kind, kind: {"id": entity_id}},
                "context": {"location": {"type": "enterprise", "id": ENTERPRISE_ID}, "app": {"id": "A0LASTDAY"}},
                "details": {},
            }
        )

    def behave(self, account_id: str, habit: ActivityProfile) -> None:
        """Give the account the activity of *habit*.  Before this call the logs have no activity of it."""
        self.memories[account_id] = AuditHistory(account_id, self.members[account_id].mailbox, habit)

    def held(self, account_id: str) -> set[str]:
        """Return `slack:account:kind:vendor_id` of each entitlement that the account really has now and the API can show."""
        member = self.members[account_id]
        self.settle(member)
        kinds: list[tuple[str, str]] = [("group", f"{g.team_id}/{g.id}") for g in self.groups.values() if account_id in g.users and not g.is_disabled]  # fmt: skip
        kinds += [("role", f"{a.role_id}/{a.entity_id}") for a in self.assignments if a.user_id == account_id]
        if not self.gone(member):
            kinds.append(("sign_in", "account"))
        if self.enterprise:
            kinds += [("session", f"{s.team_id}/{s.id}") for s in self.sessions.values() if s.user_id == account_id]
        elif not self.gone(member):
            kinds.append(("session", "account"))
            kinds += [("role", flag) for flag in ("is_admin", "is_owner", "is_primary_owner") if getattr(member, flag)]
        return {f"slack:{account_id}:{kind}:{vendor_id}" for kind, vendor_id in kinds}

    def state(self) -> dict[str, Any]:
        """Return each account's state in a form that compares equal as long as nothing changed."""
        return {m.id: (m.deactivated_at, frozenset(self.held(m.id))) for m in self.members.values()}

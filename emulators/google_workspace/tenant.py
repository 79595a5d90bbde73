"""The tenant: its state, its options, what it really grants, and how it serves a request."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from emulators.google_workspace import directory, fields, reports, rights
from emulators.google_workspace.auth import TIERS, TokenEndpoint, service_account
from emulators.google_workspace.calls import Call, Method
from emulators.google_workspace.discovery import Operation, operations
from emulators.google_workspace.errors import VendorRefusal, forbidden, scope_missing
from emulators.google_workspace.reports_history import ReportsHistory
from emulators.google_workspace.reports_logs import AuditEvent, LogOptions
from emulators.google_workspace.routes import application
from emulators.google_workspace.state import (
    ADMIN_SUBJECT,
    SUPER_ROLE,
    Group,
    User,
    groups,
    role_assignments,
    user_id,
    users,
)

_AUTH = "https://www.googleapis.com/auth/"
SCOPES = frozenset(
    _AUTH + name
    for name in (
        "admin.directory.user",
        "admin.directory.user.readonly",
        "admin.directory.user.security",
        "admin.directory.group.readonly",
        "admin.directory.group.member",
        "admin.directory.rolemanagement",
        "admin.directory.rolemanagement.readonly",
        "admin.reports.audit.readonly",
    )
)
METHODS: Mapping[str, Method] = {**directory.METHODS, **rights.METHODS, **reports.METHODS}


@dataclass(frozen=True, slots=True)
class Options:
    """
    The tenant's settings.

    *page_size* caps what a client asks for (None: what Google gives at most).  *tokens_after_suspension*: "works" or "401", both are reported from the
    field.  *audit_lag*: seconds until an event shows in the log.  *settle*: seconds for which reads of a user show the
    state before a change.  *allowed_scopes*: what is delegated, for both clients or by tier ("read", "write").
    *admin*: the subject is a "super" or a "delegated" administrator.  *sign_out_logged*: whether `signOut` leaves its
    own event (no source says so for sure).  *logs*: how the Reports API behaves.
    """

    page_size: int | None = None
    plan: str = "business_plus"
    tokens_after_suspension: str = "works"
    audit_lag: float = 0.0
    settle: float = 0.0
    allowed_scopes: Iterable[str] | Mapping[str, Iterable[str]] = SCOPES
    admin: str = "super"
    sign_out_logged: bool = True
    logs: LogOptions = field(default_factory=LogOptions)

    def delegated(self, tier: str) -> frozenset[str]:
        """Return the scopes that the Admin console allows to the client of *tier*."""
        allowed = self.allowed_scopes
        return frozenset(allowed[tier] if isinstance(allowed, Mapping) else allowed)


class Tenant(ReportsHistory):
    """Hoshizora's Google Workspace.  Takes the fields of `Options` by name."""

    def __init__(self, **options: Any) -> None:
        self.options = Options(**options)
        self.users = users()
        subject = self.users[self.subject_id]
        subject.is_admin = self.options.admin == "super"
        subject.is_delegated_admin = not subject.is_admin
        self.groups = groups()
        self.assignments = role_assignments(self.users)
        self.count_delegated()
        ReportsHistory.__init__(self, self.options.logs, self.users, silent=frozenset({self.subject_id}))
        self._past: dict[str, tuple[datetime, User]] = {}
        self.auth = TokenEndpoint({tier: self.options.delegated(tier) for tier in TIERS}, _Subjects(self.users))
        self._served = [(op, METHODS[op.id]) for op in _descriptions() if op.id in METHODS]
        self.app: Starlette = application(self)
        self.remember()

    # -- what a client needs

    @property
    def subject(self) -> str:
        """The address that automation acts as."""
        return ADMIN_SUBJECT

    @property
    def subject_id(self) -> str:
        return user_id("lastday-automation")

    def credentials(self, token_uri: str, tier: str = "read") -> dict[str, str]:
        """Return the service account's key as the console gives it."""
        return service_account(tier, token_uri)

    def key_file(self, token_uri: str, tier: str = "read", folder: Path | None = None) -> Path:
        """Write the service account's key to a file of its own and return its path."""
        place = folder if folder is not None else Path(tempfile.mkdtemp(prefix="hoshizora-"))
        path = place / f"google-{tier}.json"
        path.write_text(json.dumps(self.credentials(token_uri, tier)), encoding="utf-8")
        path.chmod(0o600)
        return path

    # -- the truth, for tests

    def held(self, account_id: str) -> set[str]:
        """Return the ids of all entitlements that the account really has now."""
        user, found = self.users[account_id], set[str]()
        if not (user.suspended or user.archived):
            found.add("sign_in:account")
        if user.sessions:
            found.add("session:account")
        if user.password_sha256 == "known to the user":
            found.add("password:account")
        found |= {f"recovery:{n}" for n, v in (("email", user.recovery_email), ("phone", user.recovery_phone)) if v}
        found |= {f"grant:{client_id}" for client_id in user.grants}
        found |= {f"app_password:{code_id}" for code_id in user.app_passwords}
        if user.codes:
            found.add("backup_code:account")
        through = {group.id for group in self.groups.values() if account_id in group.members}
        found |= {f"group:{group_id}" for group_id in through}
        found |= self._roles_of(user, through)
        return {f"google_workspace:{account_id}:{rest}" for rest in found}

    def _roles_of(self, user: User, through: set[str]) -> set[str]:
        held = {a for a in self.assignments.values() if a.assigned_to in through | {user.id}}
        found = {f"role:{a.id}" for a in held if not self._is_super(a.role_id)}
        return found | ({"role:super_admin"} if user.is_admin else set())

    @staticmethod
    def _is_super(role_id: str) -> bool:
        return role_id == SUPER_ROLE.id

    def remember(self) -> None:
        """Store the present state, which `changed` compares with."""
        self._first = {user_id: self._print(user_id) for user_id in self.users}

    def changed(self) -> set[str]:
        """Return the ids of the accounts that are not as they were remembered."""
        return {user_id for user_id in self.users if self._print(user_id) != self._first.get(user_id)}

    def _print(self, account_id: str) -> str:
        in_groups = sorted((g.id, g.members[account_id]) for g in self.groups.values() if account_id in g.members)
        roles = sorted(a.id for a in self.assignments.values() if a.assigned_to == account_id)
        return repr((self.users[account_id], in_groups, roles))

    # -- what the methods use

    def before_change(self, user: User) -> None:
        if self.options.settle:
            self._past[user.id] = (self.now() + timedelta(seconds=self.options.settle), copy.deepcopy(user))

    def as_read(self, user: User) -> User:
        """Return the user as a read sees it; for the *settle* time after a change, the state before it."""
        until, before = self._past.get(user.id, (None, user))
        return before if until is not None and self.now() < until else user

    def suspend(self, user: User, actor: User, *, suspended: bool) -> None:
        """Suspend *user* or let them in again, as *actor* does by the API or in the console."""
        user.suspended = suspended
        user.suspension_reason = "ADMIN" if suspended else ""
        user.suspended_at = self.now() if suspended else None
        if suspended:
            user.sessions = 0  # sign-in cookies are reset with it
        self.record(actor, "SUSPEND_USER" if suspended else "UNSUSPEND_USER", user)

    def record(self, actor: User, name: str, user: User, **parameters: str) -> None:
        kind = "DELEGATED_ADMIN_SETTINGS" if name.endswith("ASSIGN_ROLE") else "USER_SETTINGS"
        self._append(actor, kind, name, {"USER_EMAIL": user.email, **parameters})

    def record_token(self, user: User, name: str, client_id: str) -> None:
        """Add to the log of OAuth tokens, whose actor is the user that the token is of."""
        self._append(user, "auth", name, {"client_id": client_id}, application="token")

    def record_group(self, actor: User, name: str, group: Group, member: str) -> None:
        user = self.users.get(member)
        email = user.email if user is not None else member
        self._append(actor, "GROUP_SETTINGS", name, {"GROUP_EMAIL": group.email, "USER_EMAIL": email})

    def _append(  # a line of the log has these parts
        self, actor: User, kind: str, name: str, parameters: Mapping[str, str], *, application: str = "admin"
    ) -> None:
        number = len(self.events) + 1
        self.events.append(AuditEvent(self.now(), application, kind, name, actor.id, actor.email, parameters, number))

    def count_delegated(self) -> None:
        """Set `isDelegatedAdmin` from the assignments."""
        for user in self.users.values():
            through = {group.id for group in self.groups.values() if user.id in group.members}
            roles = {a.role_id for a in self.assignments.values() if a.assigned_to in through | {user.id}}
            user.is_delegated_admin = any(not self._is_super(role_id) for role_id in roles)

    # -- the way of a request

    def answer(self, method: str, path: str, query: Mapping[str, str], body: bytes, bearer: str | None) -> Any:
        """Return the JSON that answers a request, None for 204; raises `VendorRefusal`."""
        token = self.auth.known(bearer)
        operation, serve, keys = self._route(method, path)
        if not operation.scopes & token.scopes:
            raise scope_missing()
        operation.check_query(query)
        wanted = _parsed(body)
        operation.check_body(wanted)
        actor = self.users.get(token.subject or "")
        if actor is None or actor.suspended or not (actor.is_admin or actor.is_delegated_admin):
            raise forbidden()
        shown = serve(Call(self, actor, keys, query, wanted))
        operation.check_answer(_sample(shown))
        return _masked(operation, query, shown)

    def _route(self, method: str, path: str) -> tuple[Operation, Method, dict[str, str]]:
        for operation, serve in self._served:
            found = operation.path.fullmatch(path)
            if found is not None and operation.http_method == method:
                return operation, serve, found.groupdict()
        raise VendorRefusal(404, "notFound", "Not Found")


def _descriptions() -> list[Operation]:
    return [*operations("admin", "directory_v1").values(), *operations("admin", "reports_v1").values()]


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError as exc:
        raise VendorRefusal(400, "parseError", "Parse Error") from exc


def _sample(shown: Any) -> Any:
    """Return the part of an answer to check: of a long list of similar records, every thirty-first."""
    long = isinstance(shown, dict) and isinstance(shown.get("items"), list) and len(shown["items"]) > 200
    return {**shown, "items": shown["items"][::31]} if long else shown


def _masked(operation: Operation, query: Mapping[str, str], shown: Any) -> Any:
    if "fields" not in query or operation.response is None:
        return shown
    mask = fields.parse(query["fields"])
    fields.check(mask, operation.response, operation.schemas)
    return fields.apply(mask, shown)


class _Subjects(Mapping[str, str]):
    """Addresses of the accounts as they are now: whom a delegated service account may act as."""

    def __init__(self, people: Mapping[str, User]) -> None:
        self._people = people

    def _now(self) -> dict[str, str]:
        return {user.email.casefold(): user.id for user in self._people.values()}

    def __getitem__(self, address: str) -> str:
        return self._now()[address]

    def __iter__(self) -> Any:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._people)

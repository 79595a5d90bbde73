"""
The emulated tenant's state: users with their grants and secrets, groups, roles.  Built from the company's people.

Every id has the vendor's own form and is derived from the person, so that it is the same in each run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime

from emulators.company import DOMAIN, PEOPLE, Person

CUSTOMER = "C03h0sh1z"
ADMIN_SUBJECT = f"lastday-automation@{DOMAIN}"
CREATED = datetime(2020, 4, 1, tzinfo=UTC)


@dataclass(slots=True)
class Grant:
    """A third-party app that the user let in."""

    client_id: str
    name: str
    scopes: tuple[str, ...]
    native: bool = False


@dataclass(slots=True)
class AppPassword:
    code_id: int
    name: str


@dataclass(slots=True)
class User:
    """One account.  *sessions* counts open sign-ins, *codes* the valid backup codes."""

    id: str
    email: str
    given: str
    family: str
    employee_no: str = ""
    aliases: list[str] = field(default_factory=list)
    suspended: bool = False
    suspension_reason: str = ""
    suspended_at: datetime | None = None
    archived: bool = False
    is_admin: bool = False
    is_delegated_admin: bool = False
    is_guest: bool = False
    recovery_email: str = ""
    recovery_phone: str = ""
    change_password: bool = False
    password_sha256: str = "known to the user"
    sessions: int = 2
    codes: int = 8
    grants: dict[str, Grant] = field(default_factory=dict)
    app_passwords: dict[int, AppPassword] = field(default_factory=dict)


@dataclass(slots=True)
class Group:
    """*members* maps ids of users and groups to OWNER, MANAGER or MEMBER.  *dynamic*: computed from attributes."""

    id: str
    email: str
    name: str
    members: dict[str, str] = field(default_factory=dict)
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class AdminRole:
    id: str
    name: str
    is_super: bool = False
    is_system: bool = True


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    id: str
    role_id: str
    assigned_to: str
    assignee_type: str = "user"
    scope_type: str = "CUSTOMER"
    org_unit_id: str | None = None


def digits(seed: str, length: int, first: str = "1") -> str:
    """Return a number in decimal of *length* digits that *seed* decides."""
    number = int(hashlib.sha256(seed.encode()).hexdigest(), 16)
    return first + str(number)[1:length]


def user_id(mailbox: str) -> str:
    """Return the 21-digit profile id of the account with this local part."""
    return digits(f"user {mailbox}", 21)


def group_id(name: str) -> str:
    return "0" + hashlib.sha256(f"group {name}".encode()).hexdigest()[:14]


SUPER_ROLE = AdminRole(digits("super", 17), "_SEED_ADMIN_ROLE", is_super=True)
ROLES = (
    SUPER_ROLE,
    AdminRole(digits("users", 17), "_USER_MANAGEMENT_ADMIN_ROLE"),
    AdminRole(digits("groups", 17), "_GROUPS_ADMIN_ROLE"),
    AdminRole(digits("helpdesk", 17), "_HELP_DESK_ADMIN_ROLE"),
    AdminRole(digits("reports", 17), "Reports viewer", is_system=False),
)

_APPS = (
    ("Zoom", ("https://www.googleapis.com/auth/calendar.events", "openid"), False),
    ("Notion", ("openid", "https://www.googleapis.com/auth/userinfo.email"), False),
    ("Mail on iOS", ("https://mail.google.com/",), True),
)


def users() -> dict[str, User]:
    """Return the tenant's accounts by id: the people who have one, and the account that automation acts as."""
    people = [_user(n, p) for n, p in enumerate(PEOPLE) if "google_workspace" in p.only_in]
    automation = User(
        user_id("lastday-automation"), ADMIN_SUBJECT, "Automation", "lastday", is_admin=True, sessions=0, codes=0
    )
    return {user.id: user for user in [*people, automation]}


def _user(n: int, person: Person) -> User:
    # a third of the directory is written in Latin letters, as it happens in companies with foreign staff
    latin = n % 3 == 2 or not person.name.strip()
    family, _, given = (person.romaji if latin else person.name).partition(" ")
    private = person.private_email or ""
    return User(
        id=user_id(person.mailbox),
        email=person.email,
        given=given or family,
        family=family,
        employee_no=person.employee_no,
        aliases=[f"{alias}@{DOMAIN}" for alias in person.aliases],
        is_admin=person.primary_owner or person.break_glass,
        recovery_email=private or f"{person.mailbox}@mail.example",
        recovery_phone=f"+8190{digits(person.mailbox, 8)}",
        grants={grant.client_id: grant for grant in _grants(person)},
        app_passwords={n: AppPassword(n, name) for n, name in enumerate(("Thunderbird", "Scanner 3F"), start=1)},
    )


def _grants(person: Person) -> list[Grant]:
    return [
        Grant(f"{digits(name, 12)}-{digits(name, 8)}.apps.googleusercontent.com", name, scopes, native)
        for name, scopes, native in _APPS
    ]


def groups() -> dict[str, Group]:
    """
    Return the tenant's groups by id.

    Everybody is in "all", "tokyo" and the department's group; "it-admins" carries a role; "tokyo" has the departments as
    nested members; 主任 Tanaka owns "bid-2026" with another and "price-list" alone; "everyone-active" is dynamic.
    """
    everyone = [p for p in PEOPLE if "google_workspace" in p.only_in]
    found = [_group("all", [user_id(p.mailbox) for p in everyone])]
    departments = sorted({p.department for p in everyone})
    for n, department in enumerate(departments, start=1):
        found.append(_group(f"dept-{n}", [user_id(p.mailbox) for p in everyone if p.department == department]))
    nested = [group.id for group in found[1:]]
    tokyo = _group("tokyo", [user_id(p.mailbox) for p in everyone[:20]])
    tokyo.members |= dict.fromkeys(nested, "MEMBER")
    bid = _group("bid-2026", [user_id("misaki.tanaka"), user_id("ken.sato"), user_id("takeru.sato")])
    bid.members |= {user_id("misaki.tanaka"): "OWNER", user_id("ken.sato"): "OWNER"}
    prices = _group("price-list", [user_id("misaki.tanaka"), user_id("daisuke.nakamura")])
    prices.members[user_id("misaki.tanaka")] = "OWNER"
    it_admins = _group("it-admins", [user_id("adm-sho.ito"), user_id("makoto.kobayashi")])
    dynamic = _group("everyone-active", [user_id("ichiro.suzuki"), user_id("sakura.yamamoto")])
    dynamic.dynamic = True
    return {group.id: group for group in [*found, tokyo, bid, prices, it_admins, dynamic]}


def _group(name: str, members: list[str]) -> Group:
    return Group(group_id(name), f"{name}@{DOMAIN}", name, dict.fromkeys(members, "MEMBER"))


def role_assignments(people: dict[str, User]) -> dict[str, RoleAssignment]:
    """Return who holds which role: super admins, a few delegated ones, and one role held through a group."""
    held: list[tuple[AdminRole, str, str, str | None]]
    held = [(SUPER_ROLE, user.id, "user", None) for user in people.values() if user.is_admin]
    held += [(ROLES[1], user.id, "user", None) for user in people.values() if user.is_delegated_admin]
    held += [
        (ROLES[1], user_id("adm-sho.ito"), "user", None),
        (ROLES[2], user_id("adm-sho.ito"), "user", "03ph8a2z1ounit"),
        (ROLES[3], group_id("it-admins"), "group", None),
        (ROLES[3], user_id("misaki.tanaka"), "user", None),
        (ROLES[4], user_id("misaki.tanaka"), "user", None),
        (ROLES[3], user_id("daisuke.nakamura"), "user", "03ph8a2z1ounit"),
        (ROLES[4], user_id("daisuke.nakamura"), "user", None),
    ]
    found = [
        RoleAssignment(
            digits(f"{role.id} {to} {unit}", 17), role.id, to, kind, "ORG_UNIT" if unit else "CUSTOMER", unit
        )
        for role, to, kind, unit in held
    ]
    return {assignment.id: assignment for assignment in found}

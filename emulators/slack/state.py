"""The state of a Slack organisation, and Hoshizora Trading's content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from emulators.company import DOMAIN, PARTNER_DOMAIN, PEOPLE, Person

ENTERPRISE_ID = "E0HOSHI01"
WORKSPACES = {"T0HOSHI01": "Hoshizora Trading", "T0HOSHI02": "Hoshizora Labs"}
AUTOMATION = "it-automation"
"""The mailbox of the account to which the integration's tokens belong; it belongs to no person."""

_IN_LABS = frozenset({"E1001", "E1003", "E1007", "E1009", "E1011", "E1013", "E1014"})
_OWNERS = frozenset({"E1007"})
_APPS = (("Attendance", "UBOT0ATTEND"), ("Deploys", "UBOT0DEPLOY"))


@dataclass(slots=True)
class Member:
    """
    One entry of `users.list`.

    *deactivated_at* is the instant of the command; *unseen* says for how many more reads each face ("web", "scim")
    goes on calling the member active.
    """

    id: str
    mailbox: str
    email: str | None
    real_name: str
    display_name: str
    employee_no: str | None = None
    teams: tuple[str, ...] = ("T0HOSHI01",)
    is_admin: bool = False
    is_owner: bool = False
    is_primary_owner: bool = False
    is_restricted: bool = False
    is_bot: bool = False
    is_stranger: bool = False
    deactivated_at: float | None = None
    unseen: dict[str, int] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """Compare permissions: a token acts only on accounts with the same or fewer."""
        return 3 if self.is_primary_owner else 2 if self.is_owner else 1 if self.is_admin else 0


@dataclass(slots=True)
class UserGroup:
    """A user group (`S…`) of one workspace."""

    id: str
    team_id: str
    handle: str
    users: list[str]
    is_idp_group: bool = False
    is_membership_locked: bool = False
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in device, in one workspace."""

    id: int
    user_id: str
    team_id: str
    device: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role (`Rl…`) held by a user over a channel, a workspace or the organisation."""

    role_id: str
    entity_id: str
    user_id: str


@dataclass(slots=True)
class Token:
    """
    A token as the vendor knows it: *kind* "xoxp" acts for a person (*owner_id*), "xoxb" for a bot.

    *org*: the app is installed on the whole organisation, not on one workspace.
    """

    value: str
    kind: str
    scopes: frozenset[str]
    owner_id: str
    org: bool = False
    revoked: bool = False


def slack_id(prefix: str, *parts: str) -> str:
    """Derive a stable id in Slack's form: a letter, then ten capitals and digits."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return prefix + "0" + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[b % 36] for b in digest[:9])


def person_id(employee_no: str) -> str:
    """Return the Slack id of one of the company's people."""
    return slack_id("U", employee_no)


def members(*, workspaces: int) -> dict[str, Member]:
    """Return everybody whom `users.list` would show, by id: people, the integration's account, bots, strangers."""
    people = [_member(p, workspaces) for p in PEOPLE if "slack" in p.only_in]
    return {member.id: member for member in [*people, *_others(workspaces)]}


def _member(person: Person, workspaces: int) -> Member:
    mailbox = person.slack_mailbox or person.mailbox
    return Member(
        id=person_id(person.employee_no),
        mailbox=mailbox,
        email=person.email if person.guest else f"{mailbox}@{DOMAIN}",
        real_name=person.former_name or person.name,
        display_name=person.former_romaji or person.romaji,
        employee_no=None if person.guest else person.employee_no,
        teams=tuple(WORKSPACES)[: workspaces if person.employee_no in _IN_LABS else 1],
        is_admin=person.admin or person.employee_no in _OWNERS,
        is_owner=person.primary_owner or person.employee_no in _OWNERS,
        is_primary_owner=person.primary_owner,
        is_restricted=person.guest,
    )


def _others(workspaces: int) -> list[Member]:
    every = tuple(WORKSPACES)[:workspaces]
    bots = [Member(bot_id, name.lower(), None, name, name, is_bot=True, teams=every) for name, bot_id in _APPS]
    return [
        Member("USLACKBOT", "slackbot", None, "Slackbot", "Slackbot", teams=every),
        *bots,
        Member(
            slack_id("U", AUTOMATION), AUTOMATION, f"{AUTOMATION}@{DOMAIN}", "IT Automation", "IT Automation", teams=every
        ),
        # another company's person, from Slack Connect, with the same name as a leaver
        Member(
            slack_id("U", "stranger"), "m.tanaka", f"m.tanaka@{PARTNER_DOMAIN}", "田中 美咲", "Tanaka Misaki", is_stranger=True
        ),
    ]  # fmt: skip


def user_groups(*, workspaces: int) -> dict[str, UserGroup]:
    """Return the user groups: of everybody, of departments, of one person, disabled, locked, the identity provider's."""
    staff = [p for p in PEOPLE if "slack" in p.only_in and not p.guest]
    numbers = [p.employee_no for p in staff]
    main, labs = tuple(WORKSPACES)
    groups = [
        _group(main, "all-tokyo", numbers),
        _group(main, "hanami", numbers[:12]),
        _group(main, "softball", numbers[::2]),
        _group(main, "press", ["E1012"]),
        _group(main, "from-idp", ["E1011", "E1013", "E1014"], is_idp_group=True),
        _group(main, "works-council", ["E1013", "E1015", "E1016"], is_membership_locked=True),
        _group(main, "old-project", numbers[:5], is_disabled=True),
    ]
    for n, department in enumerate(("営業部", "開発部", "情報システム部", "総務部", "経理部")):
        groups.append(_group(main, f"department-{n}", [p.employee_no for p in staff if p.department == department]))
    if workspaces > 1:
        groups.append(_group(labs, "labs-all", sorted(_IN_LABS)))
        groups.append(_group(labs, "labs-visitors", ["E1001", "E1009"]))
    return {group.id: group for group in groups}


def _group(team_id: str, handle: str, numbers: list[str], **flags: bool) -> UserGroup:
    return UserGroup(slack_id("S", team_id, handle), team_id, handle, [person_id(n) for n in numbers], **flags)


def sessions(people: dict[str, Member], *, enterprise: bool) -> dict[int, Session]:
    """Return each person's sessions: two per workspace, one more on the organisation itself."""
    found = {}
    for member in people.values():
        if member.is_bot or member.is_stranger or member.id == "USLACKBOT":
            continue
        places = [(t, d) for t in member.teams for d in ("Mac OS", "iOS")]
        for team_id, device in [*places, (ENTERPRISE_ID, "Windows")] if enterprise else places:
            number = int(hashlib.sha256(f"{member.id}/{team_id}/{device}".encode()).hexdigest()[:10], 16)
            found[number] = Session(number, member.id, team_id, device)
    return found


def assignments() -> list[Assignment]:
    """Return role assignments: channel managers in pairs and one alone, analysts, an auditor, a security administrator."""
    sales, tea, archive = (slack_id("C", name) for name in ("sales", "tea", "archive"))
    wanted = (
        ("Rl0A", sales, "E1001"), ("Rl0A", sales, "E1012"), ("Rl0A", tea, "E1001"), ("Rl0A", tea, "E1010"),
        ("Rl0L", "T0HOSHI01", "E1001"), ("Rl0L", "T0HOSHI01", "E1010"), ("Rl0A", archive, "E1015"),
        ("Rl0C", ENTERPRISE_ID, "E1007"), ("Rl0J", ENTERPRISE_ID, "E1009"),
    )  # fmt: skip
    return [Assignment(role, entity, person_id(number)) for role, entity, number in wanted]

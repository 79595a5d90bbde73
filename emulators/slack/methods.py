"""The methods of the Web API that this tenant has, each with the scopes, kinds of token and arguments it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulators.slack.calls import Call, VendorRefusal
from emulators.slack.state import ENTERPRISE_ID, Assignment, UserGroup

ANY_TOKEN = frozenset({"xoxp", "xoxb"})
USER_TOKEN = frozenset({"xoxp"})
PAGED = frozenset({"cursor", "limit"})


@dataclass(frozen=True, slots=True)
class Method:
    """*run* does it; *enterprise*: only on that plan, by a token installed on the organisation."""

    run: Callable[[Call], dict[str, Any]]
    scopes: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    arguments: frozenset[str] = frozenset()
    kinds: frozenset[str] = ANY_TOKEN
    enterprise: bool = False


def auth_test(call: Call) -> dict[str, Any]:
    team_id, name = (ENTERPRISE_ID, "Hoshizora") if call.token.org else next(iter(call.tenant.workspaces.items()))
    shown = {"url": "https://hoshizora.example/", "team": name, "team_id": team_id, "user": "integration"}
    shown |= {"user_id": call.token.owner_id}
    if call.token.kind == "xoxb":
        shown["bot_id"] = "B0LASTDAY"
    install = {"enterprise_id": ENTERPRISE_ID} if call.tenant.enterprise else {}
    return {**shown, **install, "is_enterprise_install": call.token.org}


def team_info(call: Call) -> dict[str, Any]:
    team_id = call.args.get("team") or next(iter(call.tenant.workspaces))
    if team_id not in call.tenant.workspaces:
        raise VendorRefusal("team_not_found")
    team = {"id": team_id, "name": call.tenant.workspaces[team_id], "domain": "hoshizora", "email_domain": ""}
    if call.tenant.enterprise:
        team |= {"enterprise_id": ENTERPRISE_ID, "enterprise_name": "Hoshizora"}
    return {"team": team}


def users_info(call: Call) -> dict[str, Any]:
    member = call.member("user")
    return {"user": call.face(member, active=call.tenant.read_active(member, "web"))}


def users_lookup_by_email(call: Call) -> dict[str, Any]:
    if call.tenant.options.lookup_restricted and call.token.org:
        raise VendorRefusal("enterprise_is_restricted")
    wanted = call.args["email"].casefold()
    found = [m for m in call.tenant.members.values() if (m.email or "").casefold() == wanted and not m.is_stranger]
    if not found or call.tenant.gone(found[0]):
        raise VendorRefusal("users_not_found")
    return {"user": call.face(found[0], active=True)}


def users_list(call: Call) -> dict[str, Any]:
    if "limit" not in call.args:
        raise VendorRefusal("limit_required")
    team_id = call.team_id()
    there = [m for m in call.tenant.members.values() if team_id in m.teams]
    listed, more = call.page(there, default=200, most=1000)
    return {"members": [call.face(m, active=not call.tenant.gone(m)) for m in listed], "cache_ts": 1700000000, **more}


def usergroups_list(call: Call) -> dict[str, Any]:
    team_id, everything = call.team_id(), call.args.get("include_disabled") == "1"
    with_users = call.args.get("include_users") == "1"
    there = [g for g in call.tenant.groups.values() if g.team_id == team_id and (everything or not g.is_disabled)]
    return {"usergroups": [_group_face(g, with_users=with_users) for g in there]}


def _group_face(group: UserGroup, *, with_users: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": group.id,
        "team_id": group.team_id,
        "is_usergroup": True,
        "name": group.handle,
        "handle": group.handle,
        "date_delete": 1700000000 if group.is_disabled else 0,
        "user_count": len(group.users),
        "is_idp_group": group.is_idp_group,
        "is_membership_locked": group.is_membership_locked,
        "is_org_level": False,
    }
    return shown | {"users": list(group.users)} if with_users else shown


def usergroups_users_update(call: Call) -> dict[str, Any]:
    group = call.tenant.groups.get(call.args["usergroup"])
    if group is None or group.team_id != call.team_id():
        raise VendorRefusal("no_such_subteam")
    if group.is_idp_group or group.is_membership_locked:
        raise VendorRefusal("permission_denied")
    wanted = [u for u in call.args.get("users", "").split(",") if u]
    if not wanted:
        raise VendorRefusal("no_users_provided")
    people = {m.id: m for m in call.tenant.people()}
    if any(u not in people or people[u].is_restricted for u in wanted):
        raise VendorRefusal("invalid_users")
    for user_id in (u for u in group.users if u not in wanted):
        call.tenant.record("user_removed_from_usergroup", call.token.owner_id, user=user_id)
    group.users = wanted
    return {"usergroup": _group_face(group, with_users=True)}


def admin_teams_list(call: Call) -> dict[str, Any]:
    listed, more = call.page(list(call.tenant.workspaces.items()), default=100, most=100)
    return {"teams": [{"id": team_id, "name": name, "discoverability": "unlisted"} for team_id, name in listed], **more}


def admin_users_list(call: Call) -> dict[str, Any]:
    active = call.args.get("is_active", "1") == "1"
    there = [m for m in call.tenant.people() if call.tenant.gone(m) is not active]
    if (team_id := call.args.get("team_id")) is not None:
        there = [m for m in there if team_id in m.teams]
    listed, more = call.page(there, default=100, most=100)
    rows = [{"id": m.id, "email": m.email, "is_active": active, "is_owner": m.is_owner, "deactivated_ts": int(m.deactivated_at or 0)} for m in listed]  # fmt: skip
    return {"users": rows, **more}


def session_list(call: Call) -> dict[str, Any]:
    member, team_id = call.member("user_id"), call.args["team_id"]
    if team_id not in {ENTERPRISE_ID, *call.tenant.workspaces}:
        raise VendorRefusal("team_not_found")
    call.tenant.settle(member)
    there = [s for s in call.tenant.sessions.values() if (s.user_id, s.team_id) == (member.id, team_id)]
    if not there:
        raise VendorRefusal("no_active_sessions")
    listed, more = call.page(there, default=100, most=100)
    rows = [{"user_id": s.user_id, "team_id": s.team_id, "session_id": s.id, "created": {"os": s.device, "ip": "192.0.2.7"}} for s in listed]  # fmt: skip
    return {"active_sessions": rows, **more}


def session_reset(call: Call) -> dict[str, Any]:
    member = call.member("user_id")
    if member.is_bot:
        raise VendorRefusal("cannot_reset_bot")
    if member.is_primary_owner:
        raise VendorRefusal("cannot_reset_primary_owner")
    call.tenant.sessions = {n: s for n, s in call.tenant.sessions.items() if s.user_id != member.id}
    call.tenant.record("user_session_reset_by_admin", call.token.owner_id, user=member.id)
    return {}


def list_assignments(call: Call) -> dict[str, Any]:
    roles, entities = (set(filter(None, call.args.get(name, "").split(","))) for name in ("role_ids", "entity_ids"))
    there = [a for a in call.tenant.assignments if (not roles or a.role_id in roles) and (not entities or a.entity_id in entities)]  # fmt: skip
    listed, more = call.page(there, default=100, most=200)
    rows = [{"role_id": a.role_id, "entity_id": a.entity_id, "user_id": a.user_id, "date_create": 1700000000} for a in listed]  # fmt: skip
    return {"role_assignments": rows, **more}


def _asked_assignments(call: Call) -> list[Assignment]:
    entities, users = call.args["entity_ids"].split(","), call.args["user_ids"].split(",")
    if len(entities) > 10 or len(users) > 10:
        raise VendorRefusal("too_many_entities" if len(entities) > 10 else "too_many_users")
    return [Assignment(call.args["role_id"], e, u) for e in entities for u in users]


def remove_assignments(call: Call) -> dict[str, Any]:
    """Part may succeed.  The error of a rejected user is not published: "assignment_not_found" is this emulator's."""
    rejected = []
    for asked in _asked_assignments(call):
        if asked not in call.tenant.assignments:
            rejected.append({"id": asked.user_id, "error": "assignment_not_found"})
            continue
        call.tenant.assignments.remove(asked)
        call.tenant.record("role_removed", call.token.owner_id, user=asked.user_id)
    if rejected:
        raise VendorRefusal("failed_for_some_users", rejected_users=rejected)
    return {"rejected_users": [], "rejected_entities": []}


def add_assignments(call: Call) -> dict[str, Any]:
    asked = _asked_assignments(call)
    people = {m.id for m in call.tenant.people() if not call.tenant.gone(m)}
    if rejected := [{"id": a.user_id, "error": "user_not_found"} for a in asked if a.user_id not in people]:
        raise VendorRefusal("failed_for_some_users", rejected_users=rejected)
    call.tenant.assignments += [a for a in asked if a not in call.tenant.assignments]
    return {"rejected_users": [], "rejected_entities": []}


def access_logs(call: Call) -> dict[str, Any]:
    """Everybody's rows, the newest last access first; no filter by person."""
    before = int(call.args.get("before") or call.tenant.options.clock())
    rows = [row for memory in call.tenant.memories.values() for row in memory.logins() if row["date_first"] <= before]
    rows.sort(key=lambda row: -row["date_last"])
    listed, more = call.page(rows, default=100, most=1000)
    return {"logins": listed, **more}


def integration_logs(call: Call) -> dict[str, Any]:
    memory = call.tenant.memories.get(call.args.get("user", ""))
    return call.counted("logs", memory.integrations() if memory is not None else [])


def files_list(call: Call) -> dict[str, Any]:
    memory = call.tenant.memories.get(call.args.get("user", ""))
    oldest, latest = int(call.args.get("ts_from") or 0), int(call.args.get("ts_to") or 1 << 40)
    there = [f for f in memory.files() if oldest <= f["created"] <= latest] if memory is not None else []
    return call.counted("files", there)


_ADMIN: dict[str, Any] = {"kinds": USER_TOKEN, "enterprise": True}
_MANY = ("role_id", "entity_ids", "user_ids")
_USERS, _GROUPS = ("users:read",), frozenset({"team_id", "include_users", "include_disabled", "include_count"})

_COUNTED = frozenset({"count", "page", "team_id", "user"})

METHODS: dict[str, Method] = {
    "auth.test": Method(auth_test),
    "team.info": Method(team_info, ("team:read",), (), frozenset({"team"})),
    "team.accessLogs": Method(
        access_logs, ("admin",), (), PAGED | {"before", "count", "page", "team_id"}, USER_TOKEN
    ),
    "team.integrationLogs": Method(
        integration_logs, ("admin",), (), _COUNTED | {"service_id", "app_id", "change_type"}, USER_TOKEN
    ),
    "files.list": Method(files_list, ("files:read",), (), _COUNTED | {"ts_from", "ts_to", "types", "channel"}),
    "users.info": Method(users_info, _USERS, ("user",), frozenset({"include_locale"})),
    "users.list": Method(users_list, _USERS, (), PAGED | {"team_id", "include_locale"}),
    "users.lookupByEmail": Method(users_lookup_by_email, ("users:read.email",), ("email",)),
    "usergroups.list": Method(usergroups_list, ("usergroups:read",), (), _GROUPS),
    "usergroups.users.update": Method(
        usergroups_users_update, ("usergroups:write",), ("usergroup",), _GROUPS | {"users"}
    ),
    "admin.teams.list": Method(admin_teams_list, ("admin.teams:read",), (), PAGED, **_ADMIN),
    "admin.users.list": Method(
        admin_users_list, ("admin.users:read",), (), PAGED | {"team_id", "is_active", "only_guests"}, **_ADMIN
    ),
    "admin.users.session.list": Method(
        session_list, ("admin.users:read",), ("user_id", "team_id"), PAGED, **_ADMIN
    ),
    "admin.users.session.reset": Method(
        session_reset, ("admin.users:write",), ("user_id",), frozenset({"mobile_only", "web_only"}), **_ADMIN
    ),
    "admin.roles.listAssignments": Method(
        list_assignments, ("admin.roles:read",), (), PAGED | {"role_ids", "entity_ids", "sort_dir"}, **_ADMIN
    ),
    "admin.roles.removeAssignments": Method(remove_assignments, ("admin.roles:write",), _MANY, **_ADMIN),
    "admin.roles.addAssignments": Method(add_assignments, ("admin.roles:write",), _MANY, **_ADMIN),
}  # fmt: skip

"""Groups with their members, and administrator roles."""

from __future__ import annotations

from typing import Any

from emulators.google_workspace.calls import Call, Method, find_user, page
from emulators.google_workspace.errors import VendorRefusal, invalid, not_found
from emulators.google_workspace.state import ROLES, SUPER_ROLE, Group, RoleAssignment, digits


def groups_list(call: Call) -> dict[str, Any]:
    """Direct memberships of userKey (a group's id is one too), or the customer's groups: never both at once."""
    if ("userKey" in call.query) == ("customer" in call.query):
        raise VendorRefusal(400, "badRequest", "Bad Request")
    if "customer" in call.query:
        call.check_customer(call.query["customer"])
        held = list(call.tenant.groups.values())
    else:
        member = _member_id(call, call.query["userKey"])
        held = [group for group in call.tenant.groups.values() if member in group.members]
    rows = [_group_json(group) for group in sorted(held, key=lambda group: group.email)]
    return {"kind": "admin#directory#groups"} | page(call, rows, "groups", default=200)


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "kind": "admin#directory#group",
        "id": group.id,
        "email": group.email,
        "name": group.name,
        "directMembersCount": str(len(group.members)),
        "description": "",
        "adminCreated": True,
    }


def members_list(call: Call) -> dict[str, Any]:
    roles = {role.upper() for role in call.query.get("roles", "OWNER,MANAGER,MEMBER").split(",")}
    if not roles <= {"OWNER", "MANAGER", "MEMBER"}:
        raise invalid("roles")
    rows = [_member_json(call, m, role) for m, role in call.group().members.items() if role in roles]
    return {"kind": "admin#directory#members"} | page(call, rows, "members", default=200)


def members_get(call: Call) -> dict[str, Any]:
    group = call.group()
    member = _member_id(call, call.path["memberKey"], missing="memberKey")
    if member not in group.members:
        raise not_found("memberKey")
    return _member_json(call, member, group.members[member])


def _member_json(call: Call, member: str, role: str) -> dict[str, Any]:
    user, group = call.tenant.users.get(member), call.tenant.groups.get(member)
    shown = {"kind": "admin#directory#member", "id": member, "role": role, "type": "USER" if user else "GROUP"}
    if user is not None:
        return shown | {"email": user.email, "status": "SUSPENDED" if user.suspended else "ACTIVE"}
    return shown | ({"email": group.email, "status": "ACTIVE"} if group is not None else {})


def members_delete(call: Call) -> None:
    group = call.group()
    member = _member_id(call, call.path["memberKey"], missing="memberKey")
    if member not in group.members:
        raise not_found("memberKey")
    if group.dynamic:
        # no source has the vendor's words for it; clients catch this status and reason on the call
        raise VendorRefusal(412, "conditionNotMet", "Cannot remove a member of a dynamic group.")
    del group.members[member]
    call.tenant.record_group(call.actor, "REMOVE_GROUP_MEMBER", group, member)


def members_insert(call: Call) -> dict[str, Any]:
    group, body = call.group(), call.body or {}
    key, role = body.get("id") or body.get("email") or "", body.get("role", "MEMBER")
    if role not in {"OWNER", "MANAGER", "MEMBER"}:
        raise invalid("role")
    member = _member_id(call, key, missing="memberKey")
    if member in group.members:
        raise VendorRefusal(409, "duplicate", "Member already exists.")
    group.members[member] = role
    call.tenant.record_group(call.actor, "ADD_GROUP_MEMBER", group, member)
    return _member_json(call, member, role)


def _member_id(call: Call, key: str, missing: str = "userKey") -> str:
    group = next((g for g in call.tenant.groups.values() if key in {g.id, g.email}), None)
    if group is not None:
        return group.id
    try:
        return find_user(call.tenant, key).id
    except VendorRefusal:
        if "@" in key:
            return key.casefold()  # an address outside the tenant may be a member
        raise not_found(missing) from None


def roles_list(call: Call) -> dict[str, Any]:
    call.check_customer(call.path["customer"])
    rows = [
        {
            "kind": "admin#directory#role",
            "roleId": role.id,
            "roleName": role.name,
            "isSystemRole": role.is_system,
            "isSuperAdminRole": role.is_super,
        }
        for role in ROLES
    ]
    return {"kind": "admin#directory#roles"} | page(call, rows, "items", default=100)


def assignments_list(call: Call) -> dict[str, Any]:
    """Roles that come through a group show only when asked for, and only for one user."""
    call.check_customer(call.path["customer"])
    indirect = call.query.get("includeIndirectRoleAssignments") == "true"
    if indirect and "userKey" not in call.query:
        raise invalid("includeIndirectRoleAssignments")
    held = list(call.tenant.assignments.values())
    if "roleId" in call.query:
        held = [a for a in held if a.role_id == call.query["roleId"]]
    if "userKey" in call.query:
        user = find_user(call.tenant, call.query["userKey"])
        through = {g.id for g in call.tenant.groups.values() if user.id in g.members} if indirect else set()
        held = [a for a in held if a.assigned_to in {user.id} | through]
    rows = [_assignment_json(a) for a in held]
    return {"kind": "admin#directory#roleAssignments"} | page(call, rows, "items", default=200)


def assignments_get(call: Call) -> dict[str, Any]:
    return _assignment_json(_assignment(call))


def _assignment(call: Call) -> RoleAssignment:
    call.check_customer(call.path["customer"])
    found = call.tenant.assignments.get(call.path["roleAssignmentId"])
    if found is None:
        raise not_found("roleAssignmentId")
    return found


def _assignment_json(assignment: RoleAssignment) -> dict[str, Any]:
    shown = {
        "kind": "admin#directory#roleAssignment",
        "roleAssignmentId": assignment.id,
        "roleId": assignment.role_id,
        "assignedTo": assignment.assigned_to,
        "assigneeType": assignment.assignee_type,
        "scopeType": assignment.scope_type,
    }
    return shown | ({"orgUnitId": assignment.org_unit_id} if assignment.org_unit_id else {})


def assignments_delete(call: Call) -> None:
    call.only_super()
    assignment = _assignment(call)
    del call.tenant.assignments[assignment.id]
    user = call.tenant.users.get(assignment.assigned_to)
    if user is not None:
        if assignment.role_id == SUPER_ROLE.id:
            user.is_admin = False
        call.tenant.record(call.actor, "UNASSIGN_ROLE", user, ROLE_ID=assignment.role_id)
    call.tenant.count_delegated()


def assignments_insert(call: Call) -> dict[str, Any]:
    call.only_super()
    call.check_customer(call.path["customer"])
    body = call.body or {}
    user = call.tenant.users.get(body.get("assignedTo", ""))
    if user is None or body.get("roleId") not in {role.id for role in ROLES}:
        raise invalid("assignedTo" if user is None else "roleId")
    unit = body.get("orgUnitId")
    scope = body.get("scopeType", "CUSTOMER")
    if (scope == "ORG_UNIT") is not (unit is not None):
        raise invalid("orgUnitId")
    added = RoleAssignment(
        digits(f"{body['roleId']} {user.id} {unit}", 17), body["roleId"], user.id, "user", scope, unit
    )
    if added.id in call.tenant.assignments:
        raise VendorRefusal(409, "duplicate", "Entity already exists.")
    call.tenant.assignments[added.id] = added
    call.tenant.record(call.actor, "ASSIGN_ROLE", user, ROLE_ID=added.role_id)
    call.tenant.count_delegated()
    return _assignment_json(added)


def users_make_admin(call: Call) -> None:
    call.only_super()
    user, wanted = call.user(), bool((call.body or {}).get("status"))
    if user.is_admin is not wanted:
        call.tenant.record(call.actor, "GRANT_ADMIN_PRIVILEGE" if wanted else "REVOKE_ADMIN_PRIVILEGE", user)
    user.is_admin = wanted
    key = digits(f"{SUPER_ROLE.id} {user.id} None", 17)
    call.tenant.assignments.pop(key, None)
    if wanted:
        call.tenant.assignments[key] = RoleAssignment(key, SUPER_ROLE.id, user.id)


METHODS: dict[str, Method] = {
    "directory.groups.list": groups_list,
    "directory.members.list": members_list,
    "directory.members.get": members_get,
    "directory.members.delete": members_delete,
    "directory.members.insert": members_insert,
    "directory.roles.list": roles_list,
    "directory.roleAssignments.list": assignments_list,
    "directory.roleAssignments.get": assignments_get,
    "directory.roleAssignments.delete": assignments_delete,
    "directory.roleAssignments.insert": assignments_insert,
    "directory.users.makeAdmin": users_make_admin,
}

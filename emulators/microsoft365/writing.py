"""What Graph changes, and what it refuses to change."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from emulators.microsoft365 import permissions
from emulators.microsoft365.calls import Call
from emulators.microsoft365.directory import GLOBAL_ADMINISTRATOR, MAY_TOUCH_ADMINS, ROLES, Directory, guid
from emulators.microsoft365.errors import VendorRefusal, bad, denied, missing, unlicensed

if TYPE_CHECKING:
    from emulators.microsoft365.tenant import Tenant

Row: TypeAlias = "dict[str, Any]"

_WRITABLE = frozenset(
    {
        "accountEnabled", "department", "displayName", "employeeId", "givenName", "jobTitle", "mobilePhone",
        "otherMails", "preferredLanguage", "surname", "usageLocation",
    }
)  # fmt: skip
_MASTERED = (
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently "
    "undergoing migration."
)
_ROLE_REQUEST = frozenset(
    {"action", "principalId", "roleDefinitionId", "directoryScopeId", "justification", "scheduleInfo"}
)


class WriteCalls:
    """The writes.  Each takes a `Call`, changes the truth, and returns a body (None: 204)."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    @property
    def truth(self) -> Directory:
        return self.tenant.directory

    def _user(self, named: str) -> Row:
        if named not in self.truth.users:
            raise missing(named)
        return self.truth.users[named]

    def _spare_admins(self, call: Call, user: str) -> None:
        """Refuse to act on a privileged user unless the service principal holds a role that may."""
        roles = {r["roleDefinitionId"] for r in self.truth.role_assignments.values() if r["principalId"] == user}
        links = list(self.truth.members) + list(self.truth.owners)
        guarded = any(linked == user and self.truth.groups[group]["isAssignableToRole"] for group, linked in links)
        if (roles or guarded) and not self._own_roles(call) & MAY_TOUCH_ADMINS:
            raise denied()

    def _own_roles(self, call: Call) -> set[str]:
        own = call.application.object_id
        return {r["roleDefinitionId"] for r in self.truth.role_assignments.values() if r["principalId"] == own}

    def update_user(self, call: Call) -> None:
        body = call.body(_WRITABLE)
        user = self._user(call.params["user"])
        if set(body) != {"accountEnabled"} and not permissions.opens(permissions.WRITE_USERS, call.roles):
            raise denied()
        if user["onPremisesSyncEnabled"] and set(body) - {"accountEnabled"}:
            raise bad(_MASTERED)
        if "accountEnabled" in body and not isinstance(body["accountEnabled"], bool):
            raise bad("Invalid value specified for property 'accountEnabled' of resource 'User'.")
        self._spare_admins(call, user["id"])
        self.tenant.before_write()
        user.update(body)
        if "accountEnabled" in body:
            activity = "Enable account" if body["accountEnabled"] else "Disable account"
            self.tenant.note(activity, user["id"], call.application)

    def revoke_sessions(self, call: Call) -> Row:
        call.no_body()
        user = self._user(call.params["user"])
        self._spare_admins(call, user["id"])
        self.tenant.before_write()
        if user["userType"] != "Guest":  # a guest's sessions belong to the home tenant
            user["signInSessionsValidFromDateTime"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.tenant.note("Update StsRefreshTokenValidFrom Timestamp", user["id"], call.application)
        return {"@odata.context": f"{call.root}/$metadata#Edm.Boolean", "value": True}

    def _own_group(self, call: Call) -> Row:
        group = self.truth.groups.get(call.params["group"])
        if group is None:
            raise missing(call.params["group"])
        if group["isAssignableToRole"] and "RoleManagement.ReadWrite.Directory" not in call.roles:
            raise denied()
        if group["onPremisesSyncEnabled"]:
            raise bad(_MASTERED)
        if group["mailEnabled"] and "Unified" not in group["groupTypes"]:
            raise bad("Cannot Update a mail-enabled security groups and or distribution list.")
        return group

    def _member_group(self, call: Call) -> Row:
        group = self._own_group(call)
        if "DynamicMembership" in group["groupTypes"]:
            raise bad("Cannot update the members of a group with dynamic membership.")
        return group

    def remove_member(self, call: Call) -> None:
        group, link = self._member_group(call), (call.params["group"], call.params["user"])
        if link not in self.truth.members:
            raise missing(call.params["user"])
        self.tenant.before_write()
        del self.truth.members[link]
        self.tenant.note("Remove member from group", call.params["user"], call.application, group["id"])

    def remove_owner(self, call: Call) -> None:
        group, link = self._own_group(call), (call.params["group"], call.params["user"])
        if link not in self.truth.owners:
            raise missing(call.params["user"])
        if sum(owned == group["id"] for owned, _ in self.truth.owners) == 1:
            raise bad("The group must have at least one owner, hence this owner cannot be removed.")
        self.tenant.before_write()
        del self.truth.owners[link]
        self.tenant.note("Remove owner from group", call.params["user"], call.application, group["id"])

    def add_member(self, call: Call) -> None:
        self._add(call, self._member_group(call), self.truth.members, "members")

    def add_owner(self, call: Call) -> None:
        self._add(call, self._own_group(call), self.truth.owners, "owners")

    def _add(self, call: Call, group: Row, links: dict[tuple[str, str], None], name: str) -> None:
        reference = str(call.body(frozenset({"@odata.id"})).get("@odata.id", ""))
        found = re.fullmatch(re.escape(call.root) + r"/(?:directoryObjects|users)/([0-9a-f-]{36})", reference)
        if found is None:
            raise bad("Invalid URL format specified in @odata.id.")
        user = self._user(found[1])["id"]
        if (group["id"], user) in links:
            raise bad(
                f"One or more added object references already exist for the following modified properties: '{name}'."
            )
        self.tenant.before_write()
        links[group["id"], user] = None
        self.tenant.note(f"Add {name[:-1]} to group", user, call.application, group["id"])

    def delete_role(self, call: Call) -> None:
        row = self.truth.role_assignments.get(call.params["assignment"])
        if row is None:
            raise missing(call.params["assignment"])
        same = [r for r in self.truth.role_assignments.values() if r["roleDefinitionId"] == row["roleDefinitionId"]]
        if row["roleDefinitionId"] == GLOBAL_ADMINISTRATOR and len(same) == 1:
            raise bad("Removing the last Global Administrator is not allowed.")
        self.tenant.before_write()
        del self.truth.role_assignments[row["id"]]
        self.tenant.note("Remove member from role", row["principalId"], call.application)

    def create_role(self, call: Call) -> Row:
        body = call.body(frozenset({"principalId", "roleDefinitionId", "directoryScopeId"}))
        principal, role, scope = (_text(body, n) for n in ("principalId", "roleDefinitionId", "directoryScopeId"))
        self._known_role(principal, role)
        held = (principal, role, scope)
        for row in self.truth.role_assignments.values():
            if (row["principalId"], row["roleDefinitionId"], row["directoryScopeId"]) == held:
                raise bad("A conflicting object with one or more of the specified property values is present.")
        self.tenant.before_write()
        made = self.truth.assign(principal, role, scope)
        self.tenant.note("Add member to role", principal, call.application)
        return {"@odata.context": f"{call.root}/$metadata#roleManagement/directory/roleAssignments/$entity"} | made

    def _known_role(self, principal: str, role: str) -> None:
        self._user(principal)
        if role not in ROLES.values():
            raise missing(role)

    def request_eligibility(self, call: Call) -> Row:
        """`adminRemove` and `adminAssign`; the narrower Remove permission opens only the first."""
        if self.tenant.plan != "P2":
            raise unlicensed()
        body = call.body(_ROLE_REQUEST)
        principal, role, scope = (_text(body, n) for n in ("principalId", "roleDefinitionId", "directoryScopeId"))
        self._known_role(principal, role)
        found = next(
            (
                row
                for row in self.truth.eligibilities.values()
                if (row["principalId"], row["roleDefinitionId"], row["directoryScopeId"]) == (principal, role, scope)
            ),
            None,
        )
        match body.get("action"):
            case "adminRemove":
                self._remove_eligible(call, found)
            case "adminAssign":
                self._assign_eligible(call, found, body)
            case action:
                raise bad(f"The action '{action}' is not supported.")
        return {
            "@odata.context": f"{call.root}/$metadata#roleManagement/directory/roleEligibilityScheduleRequests/$entity",
            "id": guid(f"request:{len(self.tenant.audit)}"),
            "status": "Revoked" if body["action"] == "adminRemove" else "Provisioned",
            "createdDateTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **{name: value for name, value in body.items() if name != "scheduleInfo"},
        }

    def _remove_eligible(self, call: Call, found: Row | None) -> None:
        if found is None:
            raise VendorRefusal(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
        self.tenant.before_write()
        del self.truth.eligibilities[found["id"]]
        self.tenant.note("Remove eligible member from role", found["principalId"], call.application)

    def _assign_eligible(self, call: Call, found: Row | None, body: Row) -> None:
        if found is not None:
            raise VendorRefusal(400, "RoleAssignmentExists", "The Role assignment already exists.")
        expiration = body.get("scheduleInfo", {}).get("expiration", {})
        if expiration.get("type") not in {"noExpiration", "afterDateTime"}:
            raise VendorRefusal(400, "RoleAssignmentRequestPolicyValidationFailed", "ExpirationRule")
        self.tenant.before_write()
        end = expiration.get("endDateTime")
        self.truth.make_eligible(body["principalId"], body["roleDefinitionId"], body["directoryScopeId"], end)
        self.tenant.note("Add eligible member to role", body["principalId"], call.application)

    def delete_grant(self, call: Call) -> None:
        row = self.truth.grants.get(call.params["grant"])
        if row is None:
            raise missing(call.params["grant"])
        self.tenant.before_write()
        del self.truth.grants[row["id"]]
        self.tenant.note("Remove delegated permission grant", row["principalId"] or "", call.application)

    def delete_app_role(self, call: Call) -> None:
        row = self.truth.app_roles.get(call.params["assignment"])
        if row is None or row["principalId"] != self._user(call.params["user"])["id"]:
            raise missing(call.params["assignment"])
        self.tenant.before_write()
        del self.truth.app_roles[row["id"]]
        self.tenant.note("Remove app role assignment grant from user", row["principalId"], call.application)


def _text(body: Row, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise bad(f"Property '{name}' is required.")
    return value

"""What Graph shows: users, groups, roles, grants, applications and the tenant itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from emulators.microsoft365 import odata
from emulators.microsoft365.calls import Call
from emulators.microsoft365.directory import ROLES, TENANT_ID, Directory
from emulators.microsoft365.errors import missing, unlicensed, unsupported

if TYPE_CHECKING:
    from emulators.microsoft365.tenant import Tenant

Row: TypeAlias = "dict[str, Any]"

USER_DEFAULTS = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip
_PLANS = {
    "P1": (("AAD_PREMIUM", "41781fb2-bc02-4b7c-bd55-b576c07bb09d"),),
    "P2": (
        ("AAD_PREMIUM", "41781fb2-bc02-4b7c-bd55-b576c07bb09d"),
        ("AAD_PREMIUM_P2", "eec0eb4f-6444-4f95-aba0-50c24d67f998"),
    ),
}


class ReadCalls:
    """The reads.  Each takes a `Call` and returns the answer's body."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def _user(self, directory: Directory, named: str) -> Row:
        """Return the user by id or sign-in name; raises the 404."""
        found = directory.users.get(named) or next(
            (u for u in directory.users.values() if u["userPrincipalName"].casefold() == named.casefold()), None
        )
        if found is None:
            raise missing(named)
        return found

    def organization(self, call: Call) -> Row:
        row = {"id": TENANT_ID, "displayName": "Hoshizora Trading", "createdDateTime": "2020-04-01T00:00:00Z"}
        return {"@odata.context": f"{call.root}/$metadata#organization", "value": [call.selected(row)]}

    def subscribed_skus(self, call: Call) -> Row:
        plans = [
            {"servicePlanId": plan, "servicePlanName": name, "provisioningStatus": "Success", "appliesTo": "User"}
            for name, plan in _PLANS.get(self.tenant.plan, ())
        ]
        row = {
            "id": f"{TENANT_ID}_sku",
            "skuId": "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
            "skuPartNumber": "SPE_E5" if self.tenant.plan == "P2" else "SPE_E3" if self.tenant.plan == "P1" else "FREE",
            "capabilityStatus": "Enabled",
            "appliesTo": "User",
            "consumedUnits": 60,
            "servicePlans": plans,
        }
        return {"@odata.context": f"{call.root}/$metadata#subscribedSkus", "value": [call.selected(row)]}

    def users(self, call: Call) -> Row:
        clause = odata.parse(call.query["$filter"], odata.USERS) if "$filter" in call.query else None
        call.check_advanced(clause)
        rows = [u for u in self.tenant.view().users.values() if clause is None or clause.predicate(u)]
        return self.tenant.paging.page(call, [call.selected(row, USER_DEFAULTS) for row in rows], "users")

    def user(self, call: Call) -> Row:
        row = self._user(self.tenant.view(), call.params["user"])
        return {"@odata.context": f"{call.root}/$metadata#users/$entity"} | call.selected(row, USER_DEFAULTS)

    def member_of(self, call: Call) -> Row:
        directory = self.tenant.view()
        user = self._user(directory, call.params["user"])["id"]
        groups = [self._group(call, directory, group) for group, member in directory.members if member == user]
        roles = [
            {
                "@odata.type": "#microsoft.graph.directoryRole",
                "id": f"{row['roleDefinitionId'][:-4]}{user[:4]}",
                "displayName": role_name(row["roleDefinitionId"]),
                "roleTemplateId": row["roleDefinitionId"],
            }
            for row in directory.role_assignments.values()
            if row["principalId"] == user and row["directoryScopeId"] == "/"
        ]
        return self.tenant.paging.page(call, roles[:1] + groups + roles[1:], "directoryObjects")

    def owned_objects(self, call: Call) -> Row:
        directory = self.tenant.view()
        user = self._user(directory, call.params["user"])["id"]
        groups = [self._group(call, directory, group) for group, owner in directory.owners if owner == user]
        return self.tenant.paging.page(call, groups, "directoryObjects")

    def _group(self, call: Call, directory: Directory, group: str) -> Row:
        """Return a group as a directory object: only its type and id if the caller may not read groups."""
        row = directory.groups[group]
        readable = {"Directory.Read.All", "GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.ReadWrite.All"}
        if not readable & call.roles:
            row = dict.fromkeys(row) | {"id": row["id"], "groupTypes": []}
        return {"@odata.type": "#microsoft.graph.group"} | row

    def user_grants(self, call: Call) -> Row:
        directory = self.tenant.view()
        user = self._user(directory, call.params["user"])["id"]
        rows = [row for row in directory.grants.values() if row["principalId"] == user]
        return self.tenant.paging.page(call, rows, "oauth2PermissionGrants")

    def grants(self, call: Call) -> Row:
        clause = odata.parse(call.query["$filter"], odata.PRINCIPALS) if "$filter" in call.query else None
        rows = [row for row in self.tenant.view().grants.values() if clause is None or clause.predicate(row)]
        return self.tenant.paging.page(call, rows, "oauth2PermissionGrants")

    def user_app_roles(self, call: Call) -> Row:
        """The user's own assignments, *and those of the groups that the user is a direct member of*."""
        directory = self.tenant.view()
        user = self._user(directory, call.params["user"])["id"]
        principals = {user} | {group for group, member in directory.members if member == user}
        rows = [row for row in directory.app_roles.values() if row["principalId"] in principals]
        return self.tenant.paging.page(call, rows, f"users('{user}')/appRoleAssignments")

    def group(self, call: Call) -> Row:
        row = self.tenant.view().groups.get(call.params["group"])
        if row is None:
            raise missing(call.params["group"])
        return {"@odata.context": f"{call.root}/$metadata#groups/$entity"} | call.selected(row)

    def group_members(self, call: Call) -> Row:
        return self._linked(call, "members")

    def group_owners(self, call: Call) -> Row:
        return self._linked(call, "owners")

    def _linked(self, call: Call, link: str) -> Row:
        directory = self.tenant.view()
        group = call.params["group"]
        if group not in directory.groups:
            raise missing(group)
        links = directory.members if link == "members" else directory.owners
        rows = [
            {"@odata.type": "#microsoft.graph.user"} | call.selected(directory.users[user], USER_DEFAULTS)
            for linked, user in links
            if linked == group and user in directory.users
        ]
        return self.tenant.paging.page(call, rows, "directoryObjects")

    def role_assignments(self, call: Call) -> Row:
        return self._roles(call, list(self.tenant.view().role_assignments.values()), "roleAssignments")

    def eligibilities(self, call: Call) -> Row:
        if self.tenant.plan != "P2":
            raise unlicensed()
        rows = list(self.tenant.view().eligibilities.values())
        return self._roles(call, rows, "roleEligibilityScheduleInstances")

    def _roles(self, call: Call, rows: list[Row], context: str) -> Row:
        clause = odata.parse(call.query["$filter"], odata.PRINCIPALS) if "$filter" in call.query else None
        kept = [dict(row) for row in rows if clause is None or clause.predicate(row)]
        if call.query.get("$expand") == "roleDefinition":
            kept = [row | {"roleDefinition": role_definition(row["roleDefinitionId"])} for row in kept]
        elif "$expand" in call.query:
            raise unsupported("Expand is not allowed for this property.")
        return self.tenant.paging.page(call, kept, f"roleManagement/directory/{context}")

    def service_principal(self, call: Call) -> Row:
        app_id = call.params["app"]
        row = next((a for a in self.tenant.view().applications.values() if a["appId"] == app_id), None)
        if row is None:
            raise missing(app_id)
        return {"@odata.context": f"{call.root}/$metadata#servicePrincipals/$entity"} | call.selected(row)

    def service_principal_app_roles(self, call: Call) -> Row:
        directory = self.tenant.view()
        principal = call.params["principal"]
        if principal not in directory.applications:
            raise missing(principal)
        rows = [row for row in directory.app_roles.values() if row["principalId"] == principal]
        return self.tenant.paging.page(call, rows, f"servicePrincipals('{principal}')/appRoleAssignments")


def role_name(role: str) -> str:
    """Return a built-in role's name."""
    return next((name for name, template in ROLES.items() if template == role), "Custom role")


def role_definition(role: str) -> Row:
    """Return a role's definition, as `$expand=roleDefinition` shows it."""
    return {
        "id": role,
        "templateId": role,
        "displayName": role_name(role),
        "description": role_name(role),
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "version": "1",
        "rolePermissions": [],
    }

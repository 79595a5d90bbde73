"""The directory's state: users, groups, roles and grants, built from the company's people."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from emulators.company import DOMAIN, PEOPLE, Person

Row: TypeAlias = "dict[str, Any]"

TENANT_ID = str(uuid5(NAMESPACE_URL, f"https://{DOMAIN}/entra"))
INITIAL_DOMAIN = "hoshizora.onmicrosoft.com"
BORN = "2020-04-01T00:00:00Z"

ROLES = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Privileged Authentication Administrator": "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "Helpdesk Administrator": "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "Exchange Administrator": "29232cdf-9323-42fd-ade2-1d097af3e4de",
    "Reports Reader": "4a5d8f65-41da-4de4-8968-e035b65339cf",
    "Message Center Reader": "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
}
GLOBAL_ADMINISTRATOR = ROLES["Global Administrator"]
MAY_TOUCH_ADMINS = {ROLES["Privileged Authentication Administrator"], GLOBAL_ADMINISTRATOR}
ADMINISTRATIVE_UNIT = f"/administrativeUnits/{uuid5(NAMESPACE_URL, 'unit:営業部')}"


def guid(what: str) -> str:
    """Return the object id of *what*: always the same for the same thing."""
    return str(uuid5(NAMESPACE_URL, f"https://{DOMAIN}/entra/{what}"))


def token_id(*parts: str) -> str:
    """Return an id in the form of Graph's links and grants: 43 letters, derived from what it links."""
    return base64.urlsafe_b64encode(hashlib.sha256("|".join(parts).encode()).digest()).decode().rstrip("=")


def key(person: Person) -> str:
    """Return what a person's ids are derived from (the employee number; the mailbox of a second account)."""
    return person.employee_no or person.mailbox


@dataclass
class Directory:
    """
    The data behind every read.  One instance is the present state; a lagging replica is a copy.

    *members* and *owners* map (group, principal) to nothing: an ordered set.  *sessions* are the instants, in ISO
    form, at which a user's sign-in sessions were issued.  *on_premises* is Active Directory's own `accountEnabled`.
    """

    users: dict[str, Row] = field(default_factory=dict)
    groups: dict[str, Row] = field(default_factory=dict)
    members: dict[tuple[str, str], None] = field(default_factory=dict)
    owners: dict[tuple[str, str], None] = field(default_factory=dict)
    role_assignments: dict[str, Row] = field(default_factory=dict)
    eligibilities: dict[str, Row] = field(default_factory=dict)
    grants: dict[str, Row] = field(default_factory=dict)
    app_roles: dict[str, Row] = field(default_factory=dict)
    applications: dict[str, Row] = field(default_factory=dict)
    sessions: dict[str, list[str]] = field(default_factory=dict)
    on_premises: dict[str, bool] = field(default_factory=dict)

    def assign(self, principal: str, role: str, scope: str = "/") -> Row:
        """Give a directory role.  Its id follows from principal, role and scope, as in the real directory."""
        row: Row = {
            "id": token_id("role", principal, role, scope) + "-1",
            "principalId": principal,
            "roleDefinitionId": role,
            "directoryScopeId": scope,
        }
        self.role_assignments[row["id"]] = row
        return row

    def make_eligible(self, principal: str, role: str, scope: str = "/", end: str | None = None) -> Row:
        """Make *principal* eligible for a role through Privileged Identity Management."""
        row: Row = {
            "id": token_id("eligible", principal, role, scope) + "-1-e",
            "principalId": principal,
            "roleDefinitionId": role,
            "directoryScopeId": scope,
            "appScopeId": None,
            "startDateTime": BORN,
            "endDateTime": end,
            "memberType": "Direct",
            "roleEligibilityScheduleId": guid(f"schedule:{principal}:{role}:{scope}"),
        }
        self.eligibilities[str(row["id"])] = row
        return row

    def consent(self, principal: str | None, client: str, scope: str) -> Row:
        """Record a delegated grant: one person's (Principal), or the whole tenant's when *principal* is None."""
        resource = guid("application:Microsoft Graph")
        row = {
            "id": token_id("grant", principal or "*", client),
            "clientId": client,
            "consentType": "AllPrincipals" if principal is None else "Principal",
            "principalId": principal,
            "resourceId": resource,
            "scope": scope,
        }
        self.grants[str(row["id"])] = row
        return row

    def give_app_role(self, principal: str, kind: str, name: str, resource: str, role: str) -> Row:
        """Assign an application's role to a user, a group or a service principal (*kind*)."""
        row = {
            "id": token_id("approle", principal, resource, role),
            "deletedDateTime": None,
            "appRoleId": role,
            "createdDateTime": BORN,
            "principalDisplayName": name,
            "principalId": principal,
            "principalType": kind,
            "resourceDisplayName": self.applications[resource]["displayName"],
            "resourceId": resource,
        }
        self.app_roles[row["id"]] = row
        return row

    def group(self, name: str, *, mail: bool = False, types: Iterable[str] = (), **more: Any) -> str:
        """Add a group and return its id."""
        nickname = guid(f"nickname:{name}")[:8]
        row: Row = {
            "id": guid(f"group:{name}"),
            "deletedDateTime": None,
            "createdDateTime": BORN,
            "description": None,
            "displayName": name,
            "groupTypes": list(types),
            "isAssignableToRole": None,
            "mail": f"{nickname}@{DOMAIN}" if mail else None,
            "mailEnabled": mail,
            "mailNickname": nickname,
            "membershipRule": None,
            "membershipRuleProcessingState": None,
            "onPremisesSyncEnabled": None,
            "securityEnabled": not mail,
            "visibility": "Private",
        } | more
        self.groups[row["id"]] = row
        return str(row["id"])


def build() -> Directory:
    """Return the company's directory on an ordinary day."""
    directory = Directory()
    _applications(directory)
    for person in PEOPLE:
        if "microsoft365" in person.only_in:
            _user(directory, person)
    _groups(directory)
    _roles(directory)
    _grants(directory)
    return directory


def _applications(directory: Directory) -> None:
    for name in ("Microsoft Graph", "Notion", "Zoom", "Salesforce", "VPN portal"):
        object_id = guid(f"application:{name}")
        app_id = "00000003-0000-0000-c000-000000000000" if name == "Microsoft Graph" else guid(f"app:{name}")
        directory.applications[object_id] = {
            "id": object_id,
            "appId": app_id,
            "displayName": name,
            "accountEnabled": True,
            "servicePrincipalType": "Application",
            "appRoles": [],
        }


def _user(directory: Directory, person: Person) -> None:
    object_id = guid(f"user:{key(person)}")
    directory.users[object_id] = user_row(object_id, person)
    directory.sessions[object_id] = ["2026-11-02T00:00:00Z", "2026-11-16T00:00:00Z"]
    if person.synced:
        directory.on_premises[object_id] = True


def user_row(object_id: str, person: Person) -> Row:
    """Return a user with every property that this tenant keeps, in Graph's spelling."""
    family, _, given = person.name.partition(" ")
    upn, proxies, others = person.email, [f"SMTP:{person.email}"], []
    if person.guest:
        upn = person.email.replace("@", "_") + f"#EXT#@{INITIAL_DOMAIN}"
        others = [person.email]
    proxies += [f"smtp:{alias}@{DOMAIN}" for alias in person.aliases]
    return {
        "id": object_id,
        "businessPhones": [],
        "displayName": person.name,
        "givenName": given or None,
        "jobTitle": person.title or None,
        "mail": person.email,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": "ja-JP",
        "surname": family,
        "userPrincipalName": upn,
        "accountEnabled": True,
        "createdDateTime": BORN,
        "creationType": "Invitation" if person.guest else None,
        "department": person.department,
        "employeeId": None if person.guest else person.employee_no or None,
        "externalUserState": "Accepted" if person.guest else None,
        "lastPasswordChangeDateTime": BORN,
        "onPremisesDistinguishedName": f"CN={person.romaji},OU=Staff,DC=hoshizora,DC=example"
        if person.synced
        else None,
        "onPremisesExtensionAttributes": {f"extensionAttribute{n}": None for n in range(1, 16)},
        "onPremisesLastSyncDateTime": "2026-11-21T21:00:00Z" if person.synced else None,
        "onPremisesSamAccountName": person.mailbox if person.synced else None,
        "onPremisesSyncEnabled": True if person.synced else None,
        "otherMails": others,
        "proxyAddresses": proxies,
        "signInSessionsValidFromDateTime": BORN,
        "usageLocation": "JP",
        "userType": "Guest" if person.guest else "Member",
    }


def _groups(directory: Directory) -> None:
    vpn = directory.group("VPN users")
    crm = directory.group("CRM users")
    files = directory.group("File server (AD)", onPremisesSyncEnabled=True)
    makers = directory.group(
        "All of 開発部",
        types=["DynamicMembership"],
        membershipRule='(user.department -eq "開発部")',
        membershipRuleProcessingState="On",
    )
    list_ = directory.group("総務部 mailing list", mail=True)
    alarm = directory.group("総務部 alarm (mail-enabled security)", mail=True, securityEnabled=True)
    partners = directory.group("Partners", mail=True, types=["Unified"])
    tools = directory.group("IT tools", mail=True, types=["Unified"])
    tier0 = directory.group("Tier 0 helpdesk", isAssignableToRole=True)
    for person in PEOPLE:
        user = guid(f"user:{key(person)}")
        if user not in directory.users:
            continue
        team = _team(directory, person.department)
        groups = {team, vpn}
        if person.guest:
            groups = {partners, crm}
        groups |= {crm} if person.department == "営業部" else set()
        groups |= {files} if person.synced else set()
        groups |= {makers} if person.department == "開発部" else set()
        groups |= {list_, alarm} if person.department == "総務部" else set()
        groups |= {tier0} if person.twin_of is not None else set()
        directory.members.update(dict.fromkeys((group, user) for group in sorted(groups)))
    for group, owner in (
        (partners, "E1001"), (partners, "E1009"), (_team(directory, "営業部"), "E1001"), (_team(directory, "営業部"), "E1002"),
        (tools, "E1007"), (tier0, "E1009"), (tier0, "break-glass"),
    ):  # fmt: skip
        directory.owners[group, guid(f"user:{owner}")] = None


def _team(directory: Directory, department: str) -> str:
    found = guid(f"group:{department}")
    return found if found in directory.groups else directory.group(department, mail=True, types=["Unified"])


def _roles(directory: Directory) -> None:
    for owner, role, scope in (
        ("E1009", "Global Administrator", "/"),
        ("E1009", "Exchange Administrator", "/"),
        ("break-glass", "Global Administrator", "/"),
        ("adm-sho.ito", "User Administrator", "/"),
        ("adm-sho.ito", "Helpdesk Administrator", ADMINISTRATIVE_UNIT),
    ):
        directory.assign(guid(f"user:{owner}"), ROLES[role], scope)
    directory.assign(guid("group:Tier 0 helpdesk"), ROLES["Helpdesk Administrator"])
    for owner, role, scope in (
        ("E1001", "Reports Reader", "/"),
        ("E1001", "Message Center Reader", "/"),
        ("E1010", "Reports Reader", ADMINISTRATIVE_UNIT),
        ("adm-sho.ito", "Global Administrator", "/"),
    ):
        directory.make_eligible(guid(f"user:{owner}"), ROLES[role], scope)


def _grants(directory: Directory) -> None:
    notion, zoom = guid("application:Notion"), guid("application:Zoom")
    salesforce, vpn = guid("application:Salesforce"), guid("application:VPN portal")
    directory.consent(None, zoom, "openid profile User.Read")
    for user, row in directory.users.items():
        directory.consent(user, notion, "Files.Read offline_access")
        if row["userType"] == "Member":
            directory.consent(user, zoom, "Calendars.ReadWrite offline_access")
            directory.give_app_role(user, "User", row["displayName"], vpn, guid("role:VPN portal:user"))
    sales = directory.groups[guid("group:営業部")]
    directory.give_app_role(sales["id"], "Group", sales["displayName"], salesforce, guid("role:Salesforce:user"))

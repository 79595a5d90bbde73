"""Reading one person: the Web API's user (`users.info`, `users.list`) and the SCIM user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import Denied
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.kit.single_flight import SharedRead
from connectors.matching import Profile
from connectors.slack.answers import check_id
from connectors.slack.identity import INSTALL_REMEDY, Identities
from connectors.slack.transport import Transport
from models.vocabulary import Account, AccountKind, Entitlement, EntitlementKind, Json, Service

User = Mapping[str, Any]
FLAGS = ("is_admin", "is_owner", "is_primary_owner", "is_restricted", "is_ultra_restricted")
# the second is of SCIM version 1: Slack has answered version 2 in version 1's shape before (errors)
_EMPLOYEE = ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "urn:scim:schemas:extension:enterprise:1.0")
_NOT_A_PERSON = ("is_bot", "is_app_user", "is_workflow_bot", "is_connector_bot", "is_stranger")


def is_deleted(user: User) -> bool:
    """Whether the Web API calls the account deactivated; raises `Unintelligible` if it does not say."""
    return need("slack", user, "deleted", bool)


def flags(user: User) -> dict[str, Json]:
    """Return the rank flags that *user* shows.  A missing flag is unknown; all are missing after a deactivation."""
    return {name: user[name] for name in FLAGS if isinstance(user.get(name), bool)}


def is_ours(user: User) -> bool:
    """Whether this is a person of our organisation; bots and people of Slack Connect cannot be deactivated."""
    return user.get("id") != "USLACKBOT" and not any(user.get(name) is True for name in _NOT_A_PERSON)


def account_of(user: User | None, scim: User | None = None) -> Account:
    one = user if user is not None else scim or {}
    profile = one.get("profile") or {}
    guest = one.get("is_restricted") is True or one.get("is_ultra_restricted") is True
    # a deactivation removes a guest's flags, but not guest_invited_by
    kind = AccountKind.GUEST if guest or profile.get("guest_invited_by") else AccountKind.MEMBER
    active = not is_deleted(user) if user is not None else one.get("active")
    label = profile.get("email") or one.get("userName") or one.get("name") or ""
    return Account(Service.SLACK, check_id(str(one.get("id"))), kind, str(label), active)


def profile_of(user: User | None, scim: User | None, *, with_number: bool = True) -> Profile:
    """Return the profile.  Only SCIM has employee numbers; display names count as nicknames."""
    account, user, scim = account_of(user, scim), user or {}, scim or {}
    web, name, listed = user.get("profile") or {}, scim.get("name") or {}, scim.get("emails") or []
    number = next((n for urn in _EMPLOYEE if (n := (scim.get(urn) or {}).get("employeeNumber"))), None)
    pairs = ((web.get("last_name"), web.get("first_name")), (name.get("familyName"), name.get("givenName")))
    split = [f"{family or ''} {given or ''}".strip() for family, given in pairs]
    return Profile(
        account,
        employee_no=str(number) if number and with_number else None,
        emails=_texts([web.get("email"), *(e.get("value") for e in listed if e.get("primary") is True)]),
        aliases=_texts(e.get("value") for e in listed if e.get("primary") is not True),
        names=_texts([user.get("real_name"), web.get("real_name"), *split]),
        nicknames=_texts([web.get("display_name"), scim.get("displayName")]),
    )


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(v for v in values if isinstance(v, str) and v))


class ListedAccount:
    """One account within one listing.  *user*: the answer of `users.info`, read once for that listing and not kept."""

    def __init__(self, transport: Transport, identities: Identities, account_id: str) -> None:
        self.transport, self.identities, self.account_id = transport, identities, account_id
        self.user = SharedRead(self._read).get

    async def _read(self, trace: Trace) -> Row:
        answer = await self.transport.web("users.info", {"user": check_id(self.account_id)}, trace)
        return answer.part("user", self.account_id)

    def row(self, kind: EntitlementKind, vendor_id: str, **more: Any) -> Entitlement:
        return Entitlement(Service.SLACK, self.account_id, kind, vendor_id, **more)

    async def workspaces(self, trace: Trace) -> list[str]:
        """
        Return the workspaces in which the account may hold something: its own, or all if Slack names none.

        For a deactivated account Slack may name fewer than it was in; those that it named before are added, or all are
        returned.  Raises `Denied` if our tokens do not see some of them.
        """
        identity = await self.identities.get()
        if identity.enterprise_id is None:
            return [identity.team_id]
        user = await self.user(trace)
        named = frozenset(str(team) for team in (user.get("enterprise_user") or {}).get("teams") or [])
        if not identity.org_install:
            if named == {identity.team_id} and not is_deleted(user):
                return [identity.team_id]
            text = "slack: cannot look through the person's workspaces: the app is installed on one workspace"
            raise Denied(text, remedy=INSTALL_REMEDY)
        if not is_deleted(user):
            self.identities.workspaces[self.account_id] = named
        else:
            before = self.identities.workspaces.get(self.account_id, frozenset())
            named = named | before if before else before
        return sorted(named) or await self.identities.all_workspaces(trace)

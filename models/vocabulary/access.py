"""Vendors and their tenants, entitlements, and matching: whose an account is."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeAlias

ACCOUNT = "account"
"""The vendor id of a kind that an account has only once: its sign-in, its password, sessions that are not listed one by one."""


class Service(StrEnum):
    """A vendor in whose tenants a leaver may have accounts."""

    GOOGLE_WORKSPACE = "google_workspace"
    SLACK = "slack"
    MICROSOFT365 = "microsoft365"


ConnectionId: TypeAlias = str
"""
One tenant of a vendor, and the first part of every entitlement's id.  The only or first tenant has the vendor's name; a further
one adds its own name after a dot: `slack.acquired`.
"""
CONNECTION = rf"(?:{'|'.join(Service)})(?:\.[a-z][a-z0-9]{{0,19}})?"
"""Every connection's id, as a regular expression."""


def checked_connection(text: str) -> ConnectionId:
    """Return *text* as a connection's id.  Raises `ValueError`, which shows the form, if it is not one."""
    if re.fullmatch(CONNECTION, text, re.ASCII) is None:
        vendors = ", ".join(Service)
        raise ValueError(f"{text!r} is no connection: one of {vendors}, or a further one as {Service.SLACK}.acquired")
    return str(text)


def vendor_of(connection: ConnectionId) -> Service:
    return Service(connection.partition(".")[0])


def as_fields(connection: ConnectionId) -> dict[str, str]:
    """Return *connection* as published fields: `service` is the vendor; a further tenant adds `connection`."""
    service = vendor_of(connection)
    return {"service": service.value} | ({} if connection == service else {"connection": connection})


class EntitlementKind(StrEnum):
    """One thing that an account can do, or be reached by."""

    SIGN_IN = "sign_in"
    SESSION = "session"
    PASSWORD = "password"
    RECOVERY = "recovery"
    GRANT = "grant"
    APP_PASSWORD = "app_password"
    BACKUP_CODE = "backup_code"
    GROUP = "group"
    ROLE = "role"


class EntitlementState(StrEnum):
    """What is known of one entitlement.  Only a later read gives `observed_closed`."""

    FOUND = "found"
    COMMANDED = "commanded"
    OBSERVED_CLOSED = "observed_closed"
    STILL_OPEN = "still_open"
    UNREADABLE = "unreadable"
    NOT_ON_PLAN = "not_on_plan"
    NO_API = "no_api"
    ATTESTED = "attested"
    WAIVED = "waived"


SIGNED = frozenset({EntitlementState.ATTESTED, EntitlementState.WAIVED})
"""The states that a person has signed for."""
SETTLED = SIGNED | {EntitlementState.OBSERVED_CLOSED}
"""The only states in which a row lets its case close."""


class OpenReason(StrEnum):
    """Why an entitlement is open, or is not known to be closed.  A waiver names a kind and one of these."""

    NO_API = "no_api"
    NOT_ON_PLAN = "not_on_plan"
    UNREADABLE = "unreadable"
    DYNAMIC = "dynamic"
    INHERITED = "inherited"
    MASTERED_ELSEWHERE = "mastered_elsewhere"
    FROZEN_BY_BLOCK = "frozen_by_block"
    STILL_OPEN = "still_open"
    REFUSED = "refused"
    GUARDED = "guarded"


STANDING_REASONS = frozenset(
    {
        OpenReason.NO_API,
        OpenReason.NOT_ON_PLAN,
        OpenReason.UNREADABLE,
        OpenReason.DYNAMIC,
        OpenReason.INHERITED,
        OpenReason.MASTERED_ELSEWHERE,
        OpenReason.FROZEN_BY_BLOCK,
    }
)
"""The reasons that a waiver may accept for a whole tenant: they come from the tenant's plan or set-up, not from one account."""


class Confirmation(StrEnum):
    """How a revocation is seen to have taken effect."""

    READ = "read"
    AUDIT_EVENT = "audit_event"
    IMPLIED_BY = "implied_by"


class Restorability(StrEnum):
    """What can be given back after a wrong cut."""

    RESTORED = "restored"
    RE_ENROL = "re_enrol"
    NOT_RESTORABLE = "not_restorable"


class RestoreOutcome(StrEnum):
    """The outcome of one entitlement in a restore.  None before a restore."""

    PENDING = "pending"
    RESTORED = "restored"
    RE_ENROL = "re_enrol"
    NOT_RESTORABLE = "not_restorable"
    CLAIMED = "claimed"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    NOT_OURS = "not_ours"
    PROBLEM = "problem"
    ATTESTED = "attested"


class Guard(StrEnum):
    """A property of an entitlement that forbids or limits its revocation."""

    OWN_CREDENTIAL = "own_credential"
    LAST_ADMIN = "last_admin"
    PRIMARY_OWNER = "primary_owner"
    LAST_OWNER = "last_owner"
    PROTECTED = "protected"
    PRIVILEGED = "privileged"
    MASTERED_ELSEWHERE = "mastered_elsewhere"
    DYNAMIC = "dynamic"
    INHERITED = "inherited"


class RevocationResult(StrEnum):
    """The result of one request to a vendor.  No result means that access is closed: only a read shows that."""

    COMMANDED = "commanded"
    ALREADY_ABSENT = "already_absent"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


class AccountKind(StrEnum):
    """The kind of an account in its service."""

    MEMBER = "member"
    GUEST = "guest"
    ADMIN = "admin"
    BOT = "bot"


class MatchReason(StrEnum):
    """The strongest reason why an account, or a paper, may be the leaver's."""

    EMPLOYEE_NO = "employee_no"
    EMAIL = "email"
    ALIAS = "alias"
    OTHER_EMAIL = "other_email"
    ADMIN_TWIN = "admin_twin"
    NAME = "name"
    FORMER_NAME = "former_name"
    DIFFERENT_PERSON = "different_person"
    EVERYBODY = "everybody"


class Fact(StrEnum):
    """A fact for or against an account's being the leaver's.  Two facts for it and none against it decide."""

    NUMBER = "number"
    ADDRESS = "address"
    NAME = "name"
    CONFIRMED_ELSEWHERE = "confirmed_elsewhere"


class ComparisonResult(StrEnum):
    """The result of a comparison.  Without two values to compare there is no result."""

    FACT = "fact"
    CONTRADICTION = "contradiction"
    NEITHER = "neither"


class Standing(StrEnum):
    """The decision about a candidate account.  Only `accepted` accounts are ever changed."""

    ACCEPTED = "accepted"
    ASKED = "asked"
    REJECTED = "rejected"
    LOOK_ALIKE = "look_alike"

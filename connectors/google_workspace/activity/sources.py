"""
Google's logs, as data: lag, retention, and the queries that find all records about one account.

A log's user is the actor.  Records of what was done *to* an account, or that name it only in a parameter, need own queries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from connectors.activity import ActivitySource
from connectors.google_workspace.activity.words import EXPORTS, WORDS, tells
from connectors.google_workspace.manifest import ADMIN_LAG, AUDIT_READ

KEEPS = timedelta(days=180)
"""How far back the API reads any log: `activities.list`, endTime."""
_PAGE = "https://support.google.com/a/answer/7061566"
_RARELY = "Google says that in rare cases a record comes later than documented, or never."
_DRIVE_CAVEATS = (
    "A program that reads files through the API shows as access_item_content alone; counted here as a download by a program.",
    "A download may also be a preview on a phone, a PDF shown in another viewer, or a file sent as an attachment.",
    "Drive for desktop writes a download and a sync for the same file.",
    "Not in this log: Takeout (its own log), what a browser keeps offline, attachments of mail, Google Photos.",
    "Prints of Google's own formats are not in it either; a viewer's print may come twelve hours late or later.",
    "Files count that belong to users on editions with Drive log events; what lies with other owners leaves no record.",
)


@dataclass(frozen=True, slots=True)
class Query:
    """
    One walk through a log.

    Without *parameter*: records of what the account did.  With it: records of *event*, by any actor, with the account's
    address as that parameter.  The event must be named: a filter on a parameter that an event lacks silently finds nothing.
    """

    event: str | None = None
    parameter: str | None = None


def _about(parameter: str, *events: str) -> tuple[Query, ...]:
    return tuple(Query(event, parameter) for event in events)


OWN = Query()
_OF_OTHERS: Mapping[str, tuple[Query, ...]] = {
    "login": _about(
        "affected_email_address", "suspicious_login", "suspicious_login_less_secure_app",
        "suspicious_programmatic_login", "account_disabled_hijacked",
    ),
    "admin": _about(
        "USER_EMAIL", "UNSUSPEND_USER", "UNARCHIVE_USER", "UNDELETE_USER", "CHANGE_PASSWORD", "GRANT_ADMIN_PRIVILEGE",
        "ASSIGN_ROLE", "CREATE_EMAIL_MONITOR", "CREATE_DATA_TRANSFER_REQUEST",
    ),
    "takeout": _about("USER_EMAIL", *EXPORTS),
}  # fmt: skip
"""
A table, because Google renames its events (in the admin log in February 2026).

Of administrators' actions only those that give access: each name costs a query of the quota, and `admin_log` reads the cut's.
"""
QUERIES = {name: (OWN, *_OF_OTHERS.get(name, ())) for name in WORDS}


def _source(name: str, lag: timedelta, *caveats: str, plan: str = "any") -> ActivitySource:
    every = (*caveats, _RARELY)
    return ActivitySource(
        name, lag, KEEPS, (AUDIT_READ,), plan, every, _PAGE,
        of_administration=name == "admin", of_others=len(QUERIES[name]) > 1, tells=tells(name),
    )  # fmt: skip


SOURCES: tuple[ActivitySource, ...] = (
    _source("drive", timedelta(hours=12), *_DRIVE_CAVEATS, plan="editions with Drive log events"),
    _source(
        "token",
        timedelta(hours=4),
        "What an application does with its token is logged on Enterprise Standard and Plus, Education Standard and Plus and "
        "Cloud Identity Premium alone; elsewhere only that it was let in.",
        "An application that an administrator installed for everybody, or that has domain-wide delegation, is no user's grant.",
    ),
    _source(
        "login",
        timedelta(hours=1),
        "Sign-ins by password and single sign-on are logged; most mail clients and programs are not, nor is a session "
        "that goes on with a cookie it has.",
        "Attempts of one session are one record, so that records count fewer failures than there were.",
    ),
    _source(
        "user_accounts",
        timedelta(hours=1),
        "Google documents no record of an app password or a mail delegate that a user makes: the inventory of access shows those.",
    ),
    _source(
        "admin",
        ADMIN_LAG,
        "What was done to the account is found under the address that it has now, and under the names of events that we know.",
    ),
    _source(
        "takeout",
        timedelta(days=3),
        "The record that an export is complete may come days later; its start shows at once.",
        "What was done to the account is found under the address that it has now.",
    ),
)
BY_NAME: Mapping[str, ActivitySource] = {source.name: source for source in SOURCES}

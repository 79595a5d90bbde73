"""Which accounts may be the leaver's: bounded searches at once, weighed by `connectors.matching`."""

from __future__ import annotations

import asyncio
import re

from connectors.google_workspace.directory import Directory, is_admin, is_blocked
from connectors.google_workspace.failures import Rejected
from connectors.google_workspace.shape import Row, text, texts
from connectors.matching import Profile, fold_email, fold_name, match_all
from models.vocabulary import Account, AccountKind, Leaver, Match, Service

NO_SUCH_USER = "Resource Not Found: userKey"
_PRIVATE = frozenset({"home", "other"})


async def find(directory: Directory, leaver: Leaver) -> list[Match]:
    """
    Return every likely account, suspended and archived ones too.  Raises if one search could not be read whole.

    Where a search is one that the directory does not take, everybody is read instead.
    """
    try:
        found = await asyncio.gather(*(directory.search(query, []) for query in queries(leaver)))
    except Rejected as no:
        if no.status != 400:
            raise
        found = [await directory.search(None, [])]
    profiles = {profile.account.id: profile for rows in found for profile in map(profile_of, rows)}
    return match_all(leaver, profiles.values())


async def get(directory: Directory, account_id: str) -> Account | None:
    """Return the account as it is now; None if Google knows no such user (a deleted one is not known either)."""
    try:
        return profile_of(await directory.user(account_id, [])).account
    except Rejected as no:
        if no.is_(404, "notFound") and no.said.message == NO_SUCH_USER:
            return None
        raise


def queries(leaver: Leaver) -> list[str]:
    """
    Return the searches that together find whatever can be told to be the leaver's.

    Google folds no spellings and tenants differ in script and in which name comes first, so each end of each spelling is a
    search of its own over the whole name, as written and as folded.  Administrators are few: all are read, for twins.
    """
    addresses = {fold_email(e) for e in (leaver.email, *leaver.other_emails) if e}
    spellings = (leaver.name, leaver.kana, leaver.romaji, leaver.former_name)
    words = {word for name in spellings if name for word in _ends(name) | _ends(fold_name(name))}
    return [
        f"externalId={quoted(leaver.employee_no)}",
        "isAdmin=true",
        "isDelegatedAdmin=true",
        *(f"email={quoted(address)}" for address in sorted(addresses)),
        *(f"name:{quoted(word)}" for word in sorted(words)),
    ]


def _ends(name: str) -> set[str]:
    """Return the first and the last word; the family's name is one of them."""
    words = [word.casefold() for word in re.split(r"[\s\u3000]+", name) if len(word) > 1 or not word.isascii()]
    return {words[0], words[-1]} if words else set()


def quoted(value: str) -> str:
    """Quote a value of the search language."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def profile_of(row: Row) -> Profile:
    """Reduce a User to what can be weighed.  Contact addresses count only where Google calls them private."""
    first = text(row, "primaryEmail")
    further = [*texts(row, "aliases"), *texts(row, "nonEditableAliases"), *_private(row)]
    return Profile(
        account=_account(row, first),
        employee_no=_employee_no(row),
        emails=(first,),
        aliases=tuple(further),
        names=_names(row),
    )


def _account(row: Row, label: str) -> Account:
    kind = AccountKind.ADMIN if is_admin(row) else AccountKind.MEMBER
    if row.get("isGuestUser") is True:
        kind = AccountKind.GUEST
    return Account(Service.GOOGLE_WORKSPACE, text(row, "id"), kind, label, active=not is_blocked(row))


def _names(row: Row) -> tuple[str, ...]:
    name = row.get("name")
    if not isinstance(name, dict):
        return ()
    given, family, full = (str(name.get(key) or "") for key in ("givenName", "familyName", "fullName"))
    return tuple(dict.fromkeys(n for n in (f"{family} {given}", f"{given} {family}", full) if n.strip()))


def _employee_no(row: Row) -> str | None:
    """Return the external id of the type that the Admin console calls "employee ID"."""
    return next(
        (str(e["value"]) for e in _dicts(row, "externalIds") if e.get("type") == "organization" and e.get("value")),
        None,
    )


def _private(row: Row) -> list[str]:
    return [str(e["address"]) for e in _dicts(row, "emails") if e.get("type") in _PRIVATE and e.get("address")]


def _dicts(row: Row, key: str) -> list[Row]:
    values = row.get(key)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []

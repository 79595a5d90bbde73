"""Finding the leaver's accounts."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

from connectors.google_workspace.answers import texts
from connectors.google_workspace.errors import WHO, RequestRejected
from connectors.google_workspace.numbers import NumberField
from connectors.google_workspace.requests import Requests, is_blocked
from connectors.kit import directory as kit
from connectors.kit.answers import need, objects_of
from connectors.kit.exchange import Row, Trace
from connectors.matching import Profile, fold_all
from models.vocabulary import Account, AccountKind, Leaver, Service


class Directory(kit.Directory):
    """Searches of one tenant.  *number_field* is where its users' employee numbers are."""

    def __init__(self, requests: Requests, number_field: NumberField) -> None:
        super().__init__(WHO)
        self._requests = requests
        self._number_field = number_field

    async def everybody(self, trace: Trace) -> Iterable[Profile]:
        return map(self.profile_of, await self._requests.everybody(trace))

    def searches(self, leaver: Leaver, trace: Trace) -> Iterable[Awaitable[Iterable[Profile]]]:
        return (self._found(query, trace) for query in self.queries(leaver))

    async def _found(self, query: str, trace: Trace) -> Iterable[Profile]:
        """Return the users that *query* finds; none if Google refuses the query (400): the snapshot has them."""
        try:
            return map(self.profile_of, await self._requests.search(query, trace))
        except RequestRejected as no:
            if no.status != 400:
                raise
            return ()

    def queries(self, leaver: Leaver) -> list[str]:
        """Return the searches by key: the number, and each address."""
        place = self._number_field.searched_as
        number = [f"{place}={quoted(leaver.employee_no)}"] if place and leaver.employee_no else []
        addresses = sorted(fold_all(address for address in (leaver.email, *leaver.other_emails) if address))
        return [*number, *(f"email={quoted(address)}" for address in addresses)]

    def profile_of(self, row: Row) -> Profile:
        """Return the profile of a user.  Contact addresses count only if Google calls them private."""
        first, contacts = need(WHO, row, "primaryEmail", str), objects_of(row.get("emails"))
        private = (str(e["address"]) for e in contacts if e.get("type") in {"home", "other"} and e.get("address"))
        is_admin = row.get("isAdmin") is True or row.get("isDelegatedAdmin") is True
        kind = AccountKind.ADMIN if is_admin else AccountKind.MEMBER
        if row.get("isGuestUser") is True:
            kind = AccountKind.GUEST
        its = need(WHO, row, "id", str)
        return Profile(
            Account(Service.GOOGLE_WORKSPACE, its, kind, first, active=not is_blocked(row)),
            employee_no=self._number_field.read(row),
            emails=(first,),
            aliases=(*texts(row, "aliases"), *texts(row, "nonEditableAliases"), *private),
            names=_names(row),
            rules_all=row.get("isAdmin") is True,
        )


def quoted(value: str) -> str:
    """Quote a value of the search language."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _names(row: Row) -> tuple[str, ...]:
    name = row.get("name")
    if not isinstance(name, dict):
        return ()
    given, family, full = (str(name.get(key) or "") for key in ("givenName", "familyName", "fullName"))
    return tuple(dict.fromkeys(n for n in (f"{family} {given}", f"{given} {family}", full) if n.strip()))

"""Finding the leaver's accounts: searches by number and address, and names compared in the shared snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from connectors.contract import Found
from connectors.google_workspace.answers import texts
from connectors.google_workspace.errors import WHO, Rejected
from connectors.google_workspace.numbers import NumberField
from connectors.google_workspace.requests import Requests, is_admin, is_blocked
from connectors.kit.answers import need, objects_of
from connectors.kit.exchange import Row, Trace
from connectors.kit.pacing import resting_on, together
from connectors.matching import Profile, fold_all, match_all
from connectors.snapshot import Index, Numbers, Shared, indexed
from models.vocabulary import Account, AccountKind, Leaver, Match, Service

_PRIVATE = frozenset({"home", "other"})


@dataclass
class Directory:
    """Searches of one tenant.  *number_field* is where its users' employee numbers are."""

    requests: Requests
    number_field: NumberField
    everybody: Shared[Index] = field(init=False)

    def __post_init__(self) -> None:
        self.everybody = Shared(self._read)

    async def _read(self) -> Index:
        trace: Trace = []
        with resting_on(trace):
            rows = await self.requests.everybody(trace)
        return await indexed(map(self.profile_of, rows), trace)

    async def find(self, leaver: Leaver) -> Found:
        """
        Return every likely account, suspended and archived ones too.  Raises if a search could not be read whole.

        An account that a search finds is newer than the snapshot's, and replaces it.
        """
        everybody = await self.everybody.get()
        trace: Trace = [*everybody.evidence]
        with resting_on(trace):
            parts = await together(*(self._found(query, trace) for query in self.queries(leaver)))
        profiles = {profile.account.id: profile for part in (everybody.near(leaver), *parts) for profile in part}
        return Found(match_all(leaver, profiles.values()), tuple(trace), len(everybody.profiles))

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        return (await self.everybody.get()).candidates_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> Numbers:
        return (await self.everybody.get()).numbers(people)

    async def _found(self, query: str, trace: Trace) -> list[Profile]:
        """Return the users that *query* finds; none if Google refuses the query (400): the snapshot has them."""
        try:
            return [self.profile_of(row) for row in await self.requests.search(query, trace)]
        except Rejected as no:
            if no.status != 400:
                raise
            return []

    def queries(self, leaver: Leaver) -> list[str]:
        """Return the searches by key: the number, and each address."""
        place = self.number_field.searched_as
        number = [f"{place}={quoted(leaver.employee_no)}"] if place and leaver.employee_no else []
        addresses = sorted(fold_all(address for address in (leaver.email, *leaver.other_emails) if address))
        return [*number, *(f"email={quoted(address)}" for address in addresses)]

    def profile_of(self, row: Row) -> Profile:
        """Return the profile of a user.  Contact addresses count only if Google calls them private."""
        first = need(WHO, row, "primaryEmail", str)
        return Profile(
            account=_account(row, first),
            employee_no=self.number_field.read(row),
            emails=(first,),
            aliases=(*texts(row, "aliases"), *texts(row, "nonEditableAliases"), *_private(row)),
            names=_names(row),
            rules_all=row.get("isAdmin") is True,
        )


def quoted(value: str) -> str:
    """Quote a value of the search language."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _account(row: Row, label: str) -> Account:
    kind = AccountKind.ADMIN if is_admin(row) else AccountKind.MEMBER
    if row.get("isGuestUser") is True:
        kind = AccountKind.GUEST
    return Account(Service.GOOGLE_WORKSPACE, need(WHO, row, "id", str), kind, label, active=not is_blocked(row))


def _names(row: Row) -> tuple[str, ...]:
    name = row.get("name")
    if not isinstance(name, dict):
        return ()
    given, family, full = (str(name.get(key) or "") for key in ("givenName", "familyName", "fullName"))
    return tuple(dict.fromkeys(n for n in (f"{family} {given}", f"{given} {family}", full) if n.strip()))


def _private(row: Row) -> list[str]:
    return [str(e["address"]) for e in objects_of(row.get("emails")) if e.get("type") in _PRIVATE and e.get("address")]

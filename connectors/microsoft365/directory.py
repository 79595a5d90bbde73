"""
Finding the leaver's accounts in the directory, and reading one user.

Number and addresses are searched in one batch of a few queries, for a directory of any size; names are compared in the shared
snapshot.  Queries go without `ConsistencyLevel: eventual`, so that no lagging index answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors.contract import Found
from connectors.errors import Unintelligible
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.kit.pacing import resting_on, together
from connectors.matching import Profile, match_all
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.batching import Batching
from connectors.microsoft365.errors import GONE
from connectors.microsoft365.manifest import READ_USERS
from connectors.microsoft365.transport import Build, Graph, Reads, get
from connectors.snapshot import Index, Numbers, Shared, indexed
from models.vocabulary import Account, AccountKind, Leaver, Match, Service

MOST_CLAUSES = 15
"""`or` clauses, or values of an `in`, in one filter; the directory's limit."""

_EXTENSIONS = "onPremisesExtensionAttributes"
_SELECT = [
    "id", "accountEnabled", "displayName", "givenName", "surname", "mail", "userPrincipalName", "employeeId",
    "proxyAddresses", "otherMails", "userType", "onPremisesSyncEnabled",
]  # fmt: skip
_ADMIN = re.compile(r"^(?:adm|admin|priv)[-._]|[-._](?:adm|admin|priv)$")
_GUEST = re.compile(r"^(?P<box>.+)_(?P<domain>[^_@]+)#ext#@", re.IGNORECASE)


@dataclass
class Directory:
    """Searches of one tenant.  *number_field*: `employeeId`, an extension attribute (only in the snapshot), or `none`."""

    graph: Graph
    number_field: str = "employeeId"
    everybody: Shared[Index] = field(init=False)

    def __post_init__(self) -> None:
        self.everybody = Shared(self._read)

    async def _read(self) -> Index:
        trace: Trace = []
        with resting_on(trace):
            rows = await self.graph.pages(self._search(None), trace, needs=READ_USERS)
        return await indexed(map(self.profile, rows), trace)

    async def find(self, leaver: Leaver) -> Found:
        """
        Return the matches for *leaver*; raises if a query could not be read whole.

        An account that a query finds is newer than the snapshot's, and replaces it.
        """
        reads, everybody = Batching(self.graph), await self.everybody.get()
        trace: Trace = [*everybody.evidence]
        with resting_on(trace):
            parts = await together(*(self._found(clause, reads, trace) for clause in self.filters(leaver)))
        profiles = {profile.account.id: profile for part in (everybody.near(leaver), *parts) for profile in part}
        return Found(match_all(leaver, profiles.values()), tuple(trace), len(everybody.profiles))

    async def _found(self, clause: str, reads: Reads, trace: Trace) -> list[Profile]:
        return [self.profile(row) for row in await reads.pages(self._search(clause), trace, needs=READ_USERS)]

    async def find_at(self, leaver: Leaver, addresses: Iterable[str]) -> list[Match]:
        return (await self.everybody.get()).candidates_at(leaver, addresses)

    async def numbers(self, people: Iterable[Leaver]) -> Numbers:
        return (await self.everybody.get()).numbers(people)

    @property
    def _select(self) -> list[str]:
        return [*_SELECT, _EXTENSIONS] if self.number_field.startswith(_EXTENSIONS) else _SELECT

    def _search(self, clause: str | None) -> Build:
        return get(lambda client: client.users, filter=clause, select=self._select, top=999)

    def _number(self, row: Row) -> str | None:
        group, _, name = self.number_field.partition(".")
        value: Any = row.get(group)
        found = value.get(name) if name and isinstance(value, dict) else value
        return found if isinstance(found, str) and found else None

    def filters(self, leaver: Leaver) -> Iterator[str]:
        """Yield the `$filter`s that together find every account with the leaver's number or one of the addresses."""
        addresses = [address for address in (leaver.email, *leaver.other_emails) if address]
        if self.number_field == "employeeId" and leaver.employee_no:
            yield f"employeeId eq {quoted(leaver.employee_no)}"
        for some in _few(addresses):
            listed = ", ".join(map(quoted, some))
            yield f"mail in ({listed})"
            yield f"userPrincipalName in ({listed})"
        yield from _either(
            f"proxyAddresses/any(p:p eq {quoted(f'{kind}:{a}')})" for a in addresses for kind in ("smtp", "SMTP")
        )
        yield from _either(f"otherMails/any(p:p eq {quoted(a)})" for a in addresses)
        yield from _either(f"startsWith(userPrincipalName,{quoted(a.replace('@', '_') + '#EXT#')})" for a in addresses)

    def profile(self, row: Row) -> Profile:
        """Return the profile of a user.  A guest's primary address is the one of the home tenant."""
        upn, mail = need(WHO, row, "userPrincipalName", str), row.get("mail")
        guest = row.get("userType") == "Guest"
        home = _GUEST.match(upn)
        account = Account(
            Service.MICROSOFT365,
            need(WHO, row, "id", str),
            kind=_kind(upn, guest=guest),
            label=mail if guest and isinstance(mail, str) else upn,
            active=need(WHO, row, "accountEnabled", bool),
            mastered_elsewhere=row.get("onPremisesSyncEnabled") is True,
        )
        signs_in = upn if home is None else f"{home['box']}@{home['domain']}"
        return Profile(
            account,
            employee_no=self._number(row),
            emails=tuple(address for address in (signs_in, mail) if address),
            aliases=(
                *(address.partition(":")[2] for address in row.get("proxyAddresses") or []),
                *(row.get("otherMails") or []),
            ),
            names=tuple(_names(row)),
        )


async def read_user(reads: Reads, user_id: str, properties: list[str], trace: Trace) -> Row:
    """Return the user with this object id; raises `NotThere`, and `Unintelligible` for another user's answer."""
    asked = get(lambda client: client.users.by_user_id(user_id), select=properties)
    row = await reads.read(asked, trace, needs=READ_USERS, gone=GONE)
    if need(WHO, row, "id", str).casefold() != user_id.casefold():
        raise Unintelligible(f"microsoft365: cannot read user {user_id}: another one came", evidence=tuple(trace))
    return row


def _kind(upn: str, *, guest: bool) -> AccountKind:
    if guest:
        return AccountKind.GUEST
    return AccountKind.ADMIN if _ADMIN.search(upn.partition("@")[0].casefold()) else AccountKind.MEMBER


def _names(row: Row) -> Iterator[str]:
    if row.get("displayName"):
        yield row["displayName"]
    if row.get("surname") and row.get("givenName"):
        yield f"{row['surname']} {row['givenName']}"


def quoted(text: str) -> str:
    """Return *text* as an OData literal; a quote inside is doubled."""
    return "'" + text.replace("'", "''") + "'"


def _few(values: Iterable[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), MOST_CLAUSES):
        yield unique[start : start + MOST_CLAUSES]


def _either(clauses: Iterable[str]) -> Iterator[str]:
    return (" or ".join(some) for some in _few(clauses))

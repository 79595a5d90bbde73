"""
Finding the leaver's accounts in the directory, and reading one user.

Number and addresses are searched in one batch of a few queries, for a directory of any size; names are compared in the shared
snapshot.  Queries go without `ConsistencyLevel: eventual`, so that no lagging index answers.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterable, Iterator
from typing import Any

from connectors.errors import Unintelligible
from connectors.kit import directory as kit
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.matching import Profile
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.batching import BatchedReads
from connectors.microsoft365.errors import GONE
from connectors.microsoft365.manifest import READ_USERS
from connectors.microsoft365.transport import Build, GraphTransport, Reads, get
from models.vocabulary import Account, AccountKind, Leaver, Service

MOST_CLAUSES = 15
"""`or` clauses, or values of an `in`, in one filter; the directory's limit."""

_EXTENSIONS = "onPremisesExtensionAttributes"
_SELECT = [
    "id", "accountEnabled", "displayName", "givenName", "surname", "mail", "userPrincipalName", "employeeId",
    "proxyAddresses", "otherMails", "userType", "onPremisesSyncEnabled",
]  # fmt: skip
_ADMIN = re.compile(r"^(?:adm|admin|priv)[-._]|[-._](?:adm|admin|priv)$")
_GUEST = re.compile(r"^(?P<box>.+)_(?P<domain>[^_@]+)#ext#@", re.IGNORECASE)


class Directory(kit.Directory):
    """Searches of one tenant.  *number_field*: `employeeId`, an extension attribute (only in the snapshot), or `none`."""

    def __init__(self, graph: GraphTransport, number_field: str = "employeeId") -> None:
        super().__init__(WHO)
        self._graph = graph
        self._number_field = number_field

    async def everybody(self, trace: Trace) -> Iterable[Profile]:
        return map(self.profile, await self._graph.pages(self._search(None), trace, needs=READ_USERS))

    def searches(self, leaver: Leaver, trace: Trace) -> Iterable[Awaitable[Iterable[Profile]]]:
        reads = BatchedReads(self._graph)
        return (self._found(clause, reads, trace) for clause in self.filters(leaver))

    async def _found(self, clause: str, reads: Reads, trace: Trace) -> Iterable[Profile]:
        return map(self.profile, await reads.pages(self._search(clause), trace, needs=READ_USERS))

    def _search(self, clause: str | None) -> Build:
        select = [*_SELECT, _EXTENSIONS] if self._number_field.startswith(_EXTENSIONS) else _SELECT
        return get(lambda client: client.users, filter=clause, select=select, top=999)

    def _number(self, row: Row) -> str | None:
        group, _, name = self._number_field.partition(".")
        value: Any = row.get(group)
        found = value.get(name) if name and isinstance(value, dict) else value
        return found if isinstance(found, str) and found else None

    def filters(self, leaver: Leaver) -> Iterator[str]:
        """Yield the `$filter`s that together find every account with the leaver's number or one of the addresses."""
        addresses = [address for address in (leaver.email, *leaver.other_emails) if address]
        if self._number_field == "employeeId" and leaver.employee_no:
            yield f"employeeId eq {quoted(leaver.employee_no)}"
        for some in few(addresses):
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
        is_admins = _ADMIN.search(upn.partition("@")[0].casefold()) is not None
        kind = AccountKind.GUEST if guest else AccountKind.ADMIN if is_admins else AccountKind.MEMBER
        split = row.get("surname") and row.get("givenName") and f"{row['surname']} {row['givenName']}"
        account = Account(
            Service.MICROSOFT365,
            need(WHO, row, "id", str),
            kind=kind,
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
            names=tuple(name for name in (row.get("displayName"), split) if name),
        )


async def read_user(reads: Reads, user_id: str, properties: list[str], trace: Trace) -> Row:
    """Return the user with this object id; raises `NotFound`, and `Unintelligible` for another user's answer."""
    asked = get(lambda client: client.users.by_user_id(user_id), select=properties)
    row = await reads.read(asked, trace, needs=READ_USERS, gone=GONE)
    if need(WHO, row, "id", str).casefold() != user_id.casefold():
        raise Unintelligible(f"microsoft365: cannot read user {user_id}: another one came", evidence=trace)
    return row


def quoted(text: str) -> str:
    """Return *text* as an OData literal; a quote inside is doubled."""
    return "'" + text.replace("'", "''") + "'"


def few(values: Iterable[str]) -> Iterator[list[str]]:
    """Yield *values*, each once, by as many as a filter takes."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), MOST_CLAUSES):
        yield unique[start : start + MOST_CLAUSES]


def _either(clauses: Iterable[str]) -> Iterator[str]:
    return (" or ".join(some) for some in few(clauses))

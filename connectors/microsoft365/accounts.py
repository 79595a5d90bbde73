"""
Finding a leaver's accounts, and reading one account afresh.

The directory is asked by key, never read whole: about ten bounded queries, whatever its size.  They go without
`ConsistencyLevel: eventual`, so that none is answered from an index that lags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import jaconv
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from connectors.errors import Unintelligible
from connectors.matching import Profile, match_all
from connectors.microsoft365.answers import GONE, NotThere, Row, need
from connectors.microsoft365.manifest import READ_USERS
from connectors.microsoft365.transport import Build, Graph, Seen, asking, together
from models.vocabulary import Account, AccountKind, Leaver, Match, Service

MOST_CLAUSES = 15
"""As many `or` clauses, or values of an `in`, as the directory takes in one filter."""

_SELECT = [
    "id", "accountEnabled", "displayName", "givenName", "surname", "mail", "userPrincipalName", "employeeId",
    "proxyAddresses", "otherMails", "userType", "onPremisesSyncEnabled",
]  # fmt: skip
_TWIN_PREFIXES = ("adm", "admin", "a", "da", "ga", "sa", "priv")
_TWIN_SUFFIXES = ("adm", "admin", "priv")
_ADMIN = re.compile(r"^(?:adm|admin|priv)[-._]|[-._](?:adm|admin|priv)$")
_GUEST = re.compile(r"^(?P<box>.+)_(?P<domain>[^_@]+)#ext#@", re.IGNORECASE)
_OLD_FORMS = str.maketrans("髙﨑德邊邉齋齊濵濱澤廣櫻國眞", "高崎徳辺辺斎斉浜浜沢広桜国真")


async def find_accounts(graph: Graph, leaver: Leaver) -> list[Match]:
    """Return the matches for *leaver*; raises when any of the queries could not be answered whole."""
    seen: Seen = []
    answers = await together(*(graph.pages(_search(clause), seen, needs=READ_USERS) for clause in filters(leaver)))
    found = {need(row, "id", str): row for rows in answers for row in rows}
    return match_all(leaver, (profile(row) for row in found.values()))


async def read_user(graph: Graph, user_id: str, properties: list[str], seen: Seen) -> Row:
    """Return the user with this object id; raises `NotThere`, and `Unintelligible` when another one is answered."""
    asked = asking(UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=properties))
    row = await graph.read(
        lambda client: client.users.by_user_id(user_id).to_get_request_information(asked),
        seen,
        needs=READ_USERS,
        gone=GONE,
    )
    if need(row, "id", str).casefold() != user_id.casefold():
        raise Unintelligible(f"microsoft365: cannot read user {user_id}: another one came", evidence=tuple(seen))
    return row


async def get_account(graph: Graph, account_id: str) -> Account | None:
    """Return the account, None when the directory has no such user (deleted ones are in the recycle bin, not here)."""
    try:
        return profile(await read_user(graph, account_id, _SELECT, [])).account
    except NotThere:
        return None


def profile(row: Row) -> Profile:
    """Reduce a user to what can be weighed."""
    upn, mail = need(row, "userPrincipalName", str), row.get("mail")
    guest = row.get("userType") == "Guest"
    home = _GUEST.match(upn)
    account = Account(
        Service.MICROSOFT365,
        need(row, "id", str),
        kind=_kind(upn, guest=guest),
        label=mail if guest and isinstance(mail, str) else upn,
        active=need(row, "accountEnabled", bool),
        mastered_elsewhere=row.get("onPremisesSyncEnabled") is True,
    )
    aliases = [address.partition(":")[2] for address in row.get("proxyAddresses") or []]
    aliases += row.get("otherMails") or []
    aliases += [f"{home['box']}@{home['domain']}"] if home is not None else []
    return Profile(
        account,
        employee_no=row.get("employeeId"),
        emails=tuple(address for address in (None if guest else upn, mail) if address),
        aliases=tuple(aliases),
        names=tuple(_names(row)),
    )


def _kind(upn: str, *, guest: bool) -> AccountKind:
    if guest:
        return AccountKind.GUEST
    return AccountKind.ADMIN if _ADMIN.search(upn.partition("@")[0].casefold()) else AccountKind.MEMBER


def _names(row: Row) -> Iterator[str]:
    if row.get("displayName"):
        yield row["displayName"]
    if row.get("surname") and row.get("givenName"):
        yield f"{row['surname']} {row['givenName']}"


def filters(leaver: Leaver) -> Iterator[str]:
    """Yield the `$filter`s whose union holds every account that could be the leaver's."""
    addresses = [address for address in (leaver.email, *leaver.other_emails) if address]
    yield f"employeeId eq {quoted(leaver.employee_no)}"
    for some in _few(addresses):
        yield f"mail in ({', '.join(map(quoted, some))})"
    for some in _few([*addresses, *_twins(leaver.email)]):
        yield f"userPrincipalName in ({', '.join(map(quoted, some))})"
    yield from _either(
        f"proxyAddresses/any(p:p eq {quoted(f'{kind}:{a}')})" for a in addresses for kind in ("smtp", "SMTP")
    )
    yield from _either(f"otherMails/any(p:p eq {quoted(a)})" for a in addresses)
    yield from _either(f"startsWith(userPrincipalName,{quoted(a.replace('@', '_') + '#EXT#')})" for a in addresses)
    yield from _either(f"startsWith(displayName,{quoted(name)})" for name in _spellings(leaver))
    yield from _either(_family_and_given(leaver))


def quoted(text: str) -> str:
    """Return *text* as an OData literal; a quote inside is doubled."""
    return "'" + text.replace("'", "''") + "'"


def _few(values: Iterable[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), MOST_CLAUSES):
        yield unique[start : start + MOST_CLAUSES]


def _either(clauses: Iterable[str]) -> Iterator[str]:
    return (" or ".join(some) for some in _few(clauses))


def _twins(email: str | None) -> Iterator[str]:
    """Yield the addresses that an administrator's second account would have."""
    if email is None:
        return
    box, _, domain = email.partition("@")
    for mark in "-._":
        yield from (f"{prefix}{mark}{box}@{domain}" for prefix in _TWIN_PREFIXES)
        yield from (f"{box}{mark}{suffix}@{domain}" for suffix in _TWIN_SUFFIXES)


def _written(leaver: Leaver) -> list[str]:
    given = (leaver.name, leaver.kana, leaver.romaji, leaver.former_name)
    names = [" ".join(name.split()) for name in given if name and name.strip()]
    return list(dict.fromkeys([*names, *(name.translate(_OLD_FORMS) for name in names)]))


def _spellings(leaver: Leaver) -> Iterator[str]:
    """Yield the ways in which a directory may begin a display name: either order, any space, old and new forms."""
    for name in _written(leaver):
        words = name.split(" ")
        backwards = " ".join(reversed(words))
        yield from (name, backwards)
        if not name.isascii():
            yield from ("".join(words), "\u3000".join(words), jaconv.z2h(name, kana=True, ascii=False, digit=False))


def _family_and_given(leaver: Leaver) -> Iterator[str]:
    for name in _written(leaver):
        first, _, last = name.partition(" ")
        for family, given in ((first, last), (last, first)):
            if family and given:
                yield f"(surname eq {quoted(family)} and givenName eq {quoted(given)})"


def _search(clause: str) -> Build:
    asked = asking(UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(filter=clause, select=_SELECT, top=999))
    return lambda client: client.users.to_get_request_information(asked)

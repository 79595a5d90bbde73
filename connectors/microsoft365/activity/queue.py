"""The tenant's searches of the audit log: which ones are ours, what a day still takes, and the submission of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from msgraph.generated.models.security.audit_log_query import AuditLogQuery

from connectors.activity import Name
from connectors.errors import OutcomeUnknown, Throttled
from connectors.microsoft365.accounts import MOST_CLAUSES, quoted, read_user
from connectors.microsoft365.activity.records import PAGE
from connectors.microsoft365.activity.sources import READ_AUDIT, READ_LOGS
from connectors.microsoft365.activity.state import Progress
from connectors.microsoft365.answers import Row, instant, need
from connectors.microsoft365.exchange import Seen
from connectors.microsoft365.manifest import READ_USERS
from connectors.microsoft365.transport import Graph
from models.vocabulary import Evidence

DAY = timedelta(hours=24)
OUR_SHARE = 180
"""Of the 200 submissions that a tenant has in 24 hours: other applications need some, too."""
AT_ONCE = 5
"""Searches of ours that run at a time: with six the vendor was seen to fail."""
MOST_RUNNING = 50
"""Searches of everybody's that a tenant lets wait or run."""

_NAME = re.compile(r"lastday [0-9a-f]+\.\d+ (\d{8}T\d{6}Z)")
_UNFINISHED = frozenset({"notStarted", "running"})


@dataclass(frozen=True, slots=True)
class Search:
    """One of the tenant's.  *submitted_at* stands in our own names; others' is not told (a search has no such property)."""

    id: str
    name: str
    unfinished: bool
    submitted_at: datetime | None

    @classmethod
    def of(cls, row: Row) -> Search:
        name = str(row.get("displayName") or "")
        return cls(need(row, "id", str), name, str(row.get("status")) in _UNFINISHED, _submitted_at(name))


def _submitted_at(name: str) -> datetime | None:
    ours = _NAME.fullmatch(name)
    if ours is None:
        return None
    try:
        return datetime.strptime(ours[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:  # somebody else's, after all
        return None


async def searches(graph: Graph, seen: Seen) -> list[Search]:
    """Return all that the tenant still knows, by a fresh read of every page."""
    rows = await graph.pages(
        lambda client: client.security.audit_log.queries.to_get_request_information(), seen, needs=READ_AUDIT
    )
    return [Search.of(row) for row in rows]


def full(known: Sequence[Search], now: datetime) -> bool:
    """Whether as many searches run as should at a time.  What has not ended after a day is not waited for."""
    ours = sum(s.unfinished for s in _of_today(known, now))
    return ours >= AT_ONCE or sum(s.unfinished for s in known) >= MOST_RUNNING


def check_quota(known: Sequence[Search], now: datetime, evidence: tuple[Evidence, ...]) -> None:
    """Raise `Throttled` when our share of the last 24 hours is used up, with the time until one falls out of them."""
    today = sorted(s.submitted_at for s in _of_today(known, now) if s.submitted_at is not None)
    if len(today) < OUR_SHARE:
        return
    text = f"microsoft365: cannot search the audit log: {len(today)} searches in 24 hours are our share of the tenant's"
    raise Throttled(text, retry_after=today[-OUR_SHARE] + DAY - now, evidence=evidence)


async def submit(graph: Graph, progress: Progress, names: Sequence[str], now: datetime, seen: Seen) -> str:
    """
    Submit the search that *progress* names, over all workloads; return its id.

    Sent once.  Raises `OutcomeUnknown` also for an answer without an id, `Throttled` without having tried again.
    """
    query = AuditLogQuery(
        display_name=f"{progress.name}{now:%Y%m%dT%H%M%SZ}",
        filter_start_date_time=progress.begins_at,
        filter_end_date_time=progress.ends_at,
        user_principal_name_filters=list(names) or None,
    )
    answer = await graph.submit(
        lambda client: client.security.audit_log.queries.to_post_request_information(query), seen, needs=READ_AUDIT
    )
    if answer is None or not isinstance(answer.get("id"), str):
        raise OutcomeUnknown("microsoft365: cannot submit a search: the answer names none", evidence=tuple(seen))
    return str(answer["id"])


async def names_of(graph: Graph, account_id: str, seen: Seen) -> list[Name]:
    """
    Return the names under which the account may be in the log, since it was made: its sign-in name, the first, and its addresses.

    A former sign-in name usually lives on as an address, but need not: see `former_names`.
    """
    row = await read_user(
        graph, account_id, ["id", "userPrincipalName", "mail", "proxyAddresses", "createdDateTime"], seen
    )
    made_at = instant(row, "createdDateTime")
    return [Name(name, made_at) for name in dict.fromkeys(name.casefold() for name in _names(row))]


async def former_names(graph: Graph, account_id: str, present: str, seen: Seen) -> list[Name]:
    """
    Return the sign-in names before the *present* one by which Entra's log of changes in the directory knows the account, as far as it is
    kept, each until it was last the account's.

    Raises what the read raises: `Denied`, `NotOnPlan`.
    """
    about = urlencode({"$filter": f"targetResources/any(t: t/id eq {quoted(account_id)})", "$top": PAGE})
    rows = await graph.pages(
        graph.follow(f"{graph.endpoint}/auditLogs/directoryAudits?{about}", seen), seen, needs=READ_LOGS
    )
    last: dict[str, datetime] = {}
    for row in rows:
        at = instant(row, "activityDateTime")
        for name in {name.casefold() for name in _called(row, account_id)} - {present}:
            if at is not None:
                last[name] = max(at, last.get(name, at))
    return [Name(name, None, at) for name, at in last.items()]


async def taken_over(graph: Graph, account_id: str, names: Sequence[str], seen: Seen) -> set[str]:
    """Return those of *names* by which another account signs in today: what the log tells under them may be that one's."""
    found: set[str] = set()
    for start in range(0, len(names), MOST_CLAUSES):
        listed = ", ".join(map(quoted, names[start : start + MOST_CLAUSES]))
        asked = urlencode({"$filter": f"userPrincipalName in ({listed})", "$select": "id,userPrincipalName"})
        rows = await graph.pages(graph.follow(f"{graph.endpoint}/users?{asked}", seen), seen, needs=READ_USERS)
        found |= {need(row, "userPrincipalName", str).casefold() for row in rows if row.get("id") != account_id}
    return found


def _called(change: Row, account_id: str) -> Iterator[str]:
    """Yield what a change calls the account: its sign-in name then, and the one that was changed."""
    for target in _rows(change, "targetResources"):
        if target.get("id") == account_id:
            yield from _texts(target.get("userPrincipalName"))
            for changed in _rows(target, "modifiedProperties"):
                if changed.get("displayName") == "UserPrincipalName":
                    yield from (name for name in _listed(changed.get("oldValue")))


def _listed(value: object) -> Iterator[str]:
    """Yield the texts of a property as the log spells it: a list in JSON."""
    try:
        told = json.loads(value) if isinstance(value, str) else []
    except ValueError:
        told = []
    yield from _texts(*(told if isinstance(told, list) else ()))


def _texts(*values: object) -> Iterator[str]:
    return (value for value in values if isinstance(value, str) and "@" in value)


def _rows(row: Row, key: str) -> list[Row]:
    found = row.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _names(row: Row) -> Iterator[str]:
    yield need(row, "userPrincipalName", str)
    if isinstance(row.get("mail"), str):
        yield row["mail"]
    addresses = row.get("proxyAddresses")
    for address in addresses if isinstance(addresses, list) else ():
        kind, _, name = str(address).partition(":")
        if kind.casefold() == "smtp" and name:
            yield name


def _of_today(known: Sequence[Search], now: datetime) -> Iterator[Search]:
    return (s for s in known if s.submitted_at is not None and s.submitted_at > now - DAY)

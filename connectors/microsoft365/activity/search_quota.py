"""The tenant's searches of the audit log: which are ours, how many a day still allows, and submitting one."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgraph.generated.models.security.audit_log_query import AuditLogQuery

from connectors.errors import OutcomeUnknown, Throttled
from connectors.kit.answers import need
from connectors.kit.exchange import Row, Trace
from connectors.microsoft365.activity.progress import Progress
from connectors.microsoft365.activity.sources import READ_AUDIT
from connectors.microsoft365.answers import WHO
from connectors.microsoft365.transport import GraphTransport, get
from models.vocabulary import Evidence

DAY = timedelta(hours=24)
OUR_SHARE = 180
"""Our submissions in 24 hours, of the tenant's 200.  Our choice: other applications need some, too."""
AT_ONCE = 5
"""Our searches that run at a time: with six the vendor was seen to fail."""
MOST_RUNNING = 50
"""All applications' searches that may wait or run in a tenant."""

_NAME = re.compile(r"lastday [0-9a-f]+\.\d+ (\d{8}T\d{6}Z)")
_UNFINISHED = frozenset({"notStarted", "running"})


@dataclass(frozen=True, slots=True)
class TenantSearch:
    """One of the tenant's searches.  *submitted_at* is read from our names, None for others': searches have no such property."""

    id: str
    name: str
    unfinished: bool
    submitted_at: datetime | None

    @classmethod
    def of(cls, row: Row) -> TenantSearch:
        name, submitted_at = str(row.get("displayName") or ""), None
        if (ours := _NAME.fullmatch(name)) is not None:
            with contextlib.suppress(ValueError):  # another application's, after all
                submitted_at = datetime.strptime(ours[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return cls(need(WHO, row, "id", str), name, str(row.get("status")) in _UNFINISHED, submitted_at)


async def searches(graph: GraphTransport, trace: Trace) -> list[TenantSearch]:
    """Return all searches that the tenant still has, by a fresh read of every page."""
    asked = get(lambda client: client.security.audit_log.queries)
    return [TenantSearch.of(row) for row in await graph.pages(asked, trace, needs=READ_AUDIT)]


def full(known: Sequence[TenantSearch], now: datetime) -> bool:
    """Whether the allowed number of searches run.  Our searches older than a day do not count as running."""
    ours = sum(s.unfinished for s in _of_today(known, now))
    return ours >= AT_ONCE or sum(s.unfinished for s in known) >= MOST_RUNNING


def check_quota(known: Sequence[TenantSearch], now: datetime, evidence: tuple[Evidence, ...]) -> None:
    """Raise `Throttled` if our share of the last 24 hours is used up, with the time until a submission is a day old."""
    today = sorted(s.submitted_at for s in _of_today(known, now) if s.submitted_at is not None)
    if len(today) < OUR_SHARE:
        return
    text = f"microsoft365: cannot search the audit log: {len(today)} searches in 24 hours are our share of the tenant's"
    raise Throttled(text, retry_after=today[-OUR_SHARE] + DAY - now, evidence=evidence)


async def submit(graph: GraphTransport, progress: Progress, names: Sequence[str], now: datetime, trace: Trace) -> str:
    """
    Submit the search that *progress* names, over all workloads; return its id.

    Sent once, also after `Throttled`.  Raises `OutcomeUnknown` also for an answer without an id.
    """
    query = AuditLogQuery(
        display_name=f"{progress.name}{now:%Y%m%dT%H%M%SZ}",
        filter_start_date_time=progress.begins_at,
        filter_end_date_time=progress.ends_at,
        user_principal_name_filters=list(names) or None,
    )
    answer = await graph.once(
        lambda client: client.security.audit_log.queries.to_post_request_information(query), trace, needs=READ_AUDIT
    )
    if answer is None or not isinstance(answer.get("id"), str):
        raise OutcomeUnknown("microsoft365: cannot submit a search: the answer has no id", evidence=trace)
    return str(answer["id"])


def _of_today(known: Sequence[TenantSearch], now: datetime) -> Iterator[TenantSearch]:
    return (s for s in known if s.submitted_at is not None and s.submitted_at > now - DAY)

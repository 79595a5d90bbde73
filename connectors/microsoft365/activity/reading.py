"""Reading the tenant's logs: the unified audit log by `search`, Entra's sign-ins and directory changes page by page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from connectors.activity import ActivityPage, ActivityRecord, UnreadSpan, Window
from connectors.errors import ConnectorError, CursorExpired, NotOnPlan, Unintelligible
from connectors.kit.exchange import Trace
from connectors.microsoft365.activity import sources
from connectors.microsoft365.activity.records import PAGE, REFUSED, STAMP, record_of, records_of, status_of, zulu
from connectors.microsoft365.activity.search import AuditSearch
from connectors.microsoft365.answers import WHO, page_rows
from connectors.microsoft365.directory import quoted
from connectors.microsoft365.probing import PAID, edition, plan_checked
from connectors.microsoft365.transport import GraphTransport
from models.vocabulary import Account, Json


@dataclass(frozen=True, slots=True)
class EntraLog:
    """One of Entra's logs; each of *filters* in turn selects one account (`{id}`).  *beta*: v1.0 does not have it."""

    path: str
    stamp: str
    filters: tuple[str, ...]
    beta: bool = False


LOGS = {
    sources.SIGN_INS: EntraLog("/auditLogs/signIns", STAMP, ("userId eq {id}",)),
    sources.BACKGROUND: EntraLog(
        "/auditLogs/signIns",
        STAMP,
        ("userId eq {id} and signInEventTypes/any(t: t eq 'nonInteractiveUser')",),
        beta=True,
    ),
    sources.DIRECTORY: EntraLog(
        "/auditLogs/directoryAudits",
        "activityDateTime",
        ("initiatedBy/user/id eq {id}", "targetResources/any(t: t/id eq {id})"),
    ),
}


def record(source: str, raw: Mapping[str, Json]) -> ActivityRecord:
    return record_of(raw, LOGS[source].stamp if source in LOGS else STAMP)


class ActivityReader:
    """Reads with the reading application; submitting a search changes nothing in the tenant."""

    def __init__(self, graph: GraphTransport) -> None:
        self._graph = graph
        self._search = AuditSearch(graph)

    async def page(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        if source == sources.PURVIEW:
            return await self._search.page(account, window, cursor)
        if source not in LOGS:
            raise ConnectorError(f"{WHO}: cannot read activity: no such log: {source}")
        return await self._of_entra(account, LOGS[source], window, cursor)

    async def _of_entra(self, account: Account, log: EntraLog, window: Window, cursor: str | None) -> ActivityPage:
        """Return a page of one of Entra's logs.  The cursor is the filter's index and the next link."""
        trace: Trace = []
        turn, link = _read(cursor, log)
        gaps = await self._too_old(window, trace) if cursor is None else ()
        build = self._graph.follow(link or self._address(log, turn, account, window), trace)
        try:
            body = await self._graph.read(build, trace, needs=sources.READ_LOGS)
        except NotOnPlan as exc:
            raise await plan_checked(self._graph, exc, "the sign-ins", trace) from exc
        except Unintelligible as exc:
            if not link or status_of(exc) not in REFUSED:
                raise
            raise CursorExpired("microsoft365: cannot read on: the page is no longer known", evidence=trace) from exc
        records = records_of(page_rows(body, trace), window, log.stamp)
        then = body.get("@odata.nextLink")
        if then is not None:
            self._graph.follow(then, trace)
            if then == link:
                raise Unintelligible("microsoft365: cannot page: the next link repeats", evidence=trace)
        elif turn + 1 < len(log.filters):
            turn, then = turn + 1, ""
        return ActivityPage(records, None if then is None else json.dumps([turn, then]), tuple(trace), gaps=gaps)

    def _address(self, log: EntraLog, turn: int, account: Account, window: Window) -> str:
        end = window.until_at + timedelta(seconds=1)  # the filter has whole seconds; `records_of` drops what is later
        clause = log.filters[turn].replace("{id}", quoted(account.id))
        asked = f"{clause} and {log.stamp} ge {zulu(window.from_at)} and {log.stamp} le {zulu(end)}"
        root = self._graph.endpoint
        if log.beta:
            root = root.removesuffix("/v1.0") + "/beta"
        return f"{root}{log.path}?{urlencode({'$filter': asked, '$top': PAGE})}"

    async def _too_old(self, window: Window, trace: Trace) -> tuple[UnreadSpan, ...]:
        plan, _ = await edition(self._graph, trace)
        keeps = sources.ENTRA_PAID if plan in PAID else sources.ENTRA_FREE
        edge = datetime.now(UTC) - keeps
        if window.from_at >= edge:
            return ()
        text = f"Entra keeps its logs for {keeps.days} days (plan: {plan})"
        return (UnreadSpan("retention", text, window.from_at, min(edge, window.until_at)),)


def _read(cursor: str | None, log: EntraLog) -> tuple[int, str]:
    if cursor is None:
        return 0, ""
    try:
        turn, link = json.loads(cursor)
        _ = log.filters[abs(int(turn))]  # it has so many
        return abs(int(turn)), str(link)
    except (ValueError, TypeError, IndexError) as exc:
        raise CursorExpired("microsoft365: cannot go on reading: the cursor is not one of ours") from exc

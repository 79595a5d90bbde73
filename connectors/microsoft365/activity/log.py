"""The tenant's logs behind one door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from connectors.activity import ActivityPage, Record, Window
from connectors.errors import ConnectorError
from connectors.microsoft365.activity.logs import LOGS, EntraLogs
from connectors.microsoft365.activity.records import STAMP, record_of
from connectors.microsoft365.activity.search import AuditSearch, utc_now
from connectors.microsoft365.activity.sources import PURVIEW
from connectors.microsoft365.answers import Row
from connectors.microsoft365.transport import Graph
from models.vocabulary import Account


def record(source: str, row: Row) -> Record:
    """See `ActivityLog.record`."""
    return record_of(row, LOGS[source].stamp if source in LOGS else STAMP)


class Activities:
    """Reads with the application that looks; submitting a search changes nothing of the tenant's."""

    def __init__(self, graph: Graph, clock: Callable[[], datetime] = utc_now) -> None:
        self._search = AuditSearch(graph, clock)
        self._logs = EntraLogs(graph, clock)

    async def page(self, account: Account, source: str, window: Window, cursor: str | None) -> ActivityPage:
        """See `ActivityLog.activity`."""
        if source == PURVIEW:
            return await self._search.page(account, window, cursor)
        if source not in LOGS:
            raise ConnectorError(f"microsoft365: cannot read activity: no such log: {source}")
        return await self._logs.page(account, source, window, cursor)

"""The tenant's logs behind one door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from connectors.activity import ActivityPage, Window
from connectors.microsoft365.activity.logs import LOGS, EntraLogs
from connectors.microsoft365.activity.search import AuditSearch, utc_now
from connectors.microsoft365.activity.sources import PURVIEW
from connectors.microsoft365.transport import Graph
from models.vocabulary import Account


class Activities:
    """Reads with the application that looks; submitting a search changes nothing of the tenant's."""

    def __init__(self, graph: Graph, clock: Callable[[], datetime] = utc_now) -> None:
        self._search = AuditSearch(graph, clock)
        self._logs = EntraLogs(graph, clock)

    async def page(self, account: Account, source: str, window: Window, cursor: str | None) -> ActivityPage:
        """See `ActivityLog.activity`; raises `KeyError` for a source that is not in `SOURCES`."""
        if source == PURVIEW:
            return await self._search.page(account, window, cursor)
        if source not in LOGS:
            raise KeyError(source)
        return await self._logs.page(account, source, window, cursor)

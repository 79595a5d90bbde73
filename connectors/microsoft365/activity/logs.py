"""Entra's own logs, which are read page by page: sign-ins, and changes in the directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from connectors.activity import ActivityPage, Gap, Window
from connectors.errors import Expired, NotOnPlan, Unintelligible
from connectors.microsoft365.accounts import quoted
from connectors.microsoft365.activity.records import PAGE, REFUSED, STAMP, records_of, status_of, zulu
from connectors.microsoft365.activity.search import utc_now
from connectors.microsoft365.activity.sources import (
    BACKGROUND,
    DIRECTORY,
    ENTRA_FREE,
    ENTRA_PAID,
    READ_LOGS,
    SIGN_INS,
)
from connectors.microsoft365.exchange import Seen
from connectors.microsoft365.probing import PAID, edition, plan_or_whim
from connectors.microsoft365.transport import Graph, rows_of
from models.vocabulary import Account


@dataclass(frozen=True, slots=True)
class Log:
    """
    Where one log is and how to ask it for one account (`{id}`), by each of *filters* in turn.

    *beta*: v1.0 does not have it.
    """

    path: str
    stamp: str
    filters: tuple[str, ...]
    beta: bool = False


LOGS = {
    SIGN_INS: Log("/auditLogs/signIns", STAMP, ("userId eq {id}",)),
    BACKGROUND: Log(
        "/auditLogs/signIns",
        STAMP,
        ("userId eq {id} and signInEventTypes/any(t: t eq 'nonInteractiveUser')",),
        beta=True,
    ),
    DIRECTORY: Log(
        "/auditLogs/directoryAudits",
        "activityDateTime",
        ("initiatedBy/user/id eq {id}", "targetResources/any(t: t/id eq {id})"),
    ),
}


@dataclass(frozen=True, slots=True)
class EntraLogs:
    """The cursor is the number of the filter and the next link."""

    graph: Graph
    clock: Callable[[], datetime] = utc_now

    async def page(self, account: Account, source: str, window: Window, cursor: str | None) -> ActivityPage:
        """See `ActivityLog.activity`."""
        seen: Seen = []
        log = LOGS[source]
        turn, link = _read(cursor)
        if turn >= len(log.filters):
            raise Expired("microsoft365: cannot go on reading: the cursor is not one of ours")
        gaps = await self._too_old(window, seen) if cursor is None else ()
        build = self.graph.follow(link or self._address(log, turn, account, window), seen)
        try:
            body = await self.graph.read(build, seen, needs=READ_LOGS)
        except NotOnPlan as exc:
            raise await plan_or_whim(self.graph, exc, "the sign-ins", seen) from exc
        except Unintelligible as exc:
            if not link or status_of(exc) not in REFUSED:
                raise
            raise Expired("microsoft365: cannot read on: the page is no longer known", evidence=tuple(seen)) from exc
        records = records_of(rows_of(body, seen), window, log.stamp)
        then = self._next(body.get("@odata.nextLink"), link, seen)
        if then is None and turn + 1 < len(log.filters):
            turn, then = turn + 1, ""
        return ActivityPage(records, None if then is None else json.dumps([turn, then]), tuple(seen), gaps=gaps)

    def _next(self, link: object, before: str, seen: Seen) -> str | None:
        if link is None:
            return None
        self.graph.follow(link, seen)
        if link == before:
            raise Unintelligible("microsoft365: cannot page: the next link repeats", evidence=tuple(seen))
        return str(link)

    def _address(self, log: Log, turn: int, account: Account, window: Window) -> str:
        end = window.until_at + timedelta(
            seconds=1
        )  # the filter knows whole seconds; what lies beyond is left out later
        clause = log.filters[turn].replace("{id}", quoted(account.id))
        asked = f"{clause} and {log.stamp} ge {zulu(window.from_at)} and {log.stamp} le {zulu(end)}"
        root = self.graph.endpoint
        if log.beta:
            root = root.removesuffix("/v1.0") + "/beta"
        return f"{root}{log.path}?{urlencode({'$filter': asked, '$top': PAGE})}"

    async def _too_old(self, window: Window, seen: Seen) -> tuple[Gap, ...]:
        plan, _ = await edition(self.graph, seen)
        keeps = ENTRA_PAID if plan in PAID else ENTRA_FREE
        edge = self.clock() - keeps
        if window.from_at >= edge:
            return ()
        text = f"Entra keeps its logs for {keeps.days} days (plan: {plan})"
        return (Gap("retention", text, window.from_at, min(edge, window.until_at)),)


def _read(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return 0, ""
    try:
        turn, link = json.loads(cursor)
        return abs(int(turn)), str(link)
    except (ValueError, TypeError) as exc:
        raise Expired("microsoft365: cannot go on reading: the cursor is not one of ours") from exc

"""
Ledger: a made-up vendor's audit log on a real page and cursor protocol, for the rules of collecting.

It keeps what happened in order, newest first, gives it page by page, and misbehaves on request at any request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.activity import Activity, ActivityPage, ActivityRecord, ActivitySource, LogName, UnreadSpan, Window
from connectors.errors import ConnectorError
from models.vocabulary import Account, ActivityKind, Json
from tests.casework.paper import Paper

DRIVE = ActivitySource("drive", lag=timedelta(hours=2), retention=timedelta(days=180), scopes=("audit.read",))


def event(number: int, at: datetime, kind: ActivityKind = ActivityKind.DOWNLOAD, **more: Json) -> dict[str, Json]:
    """Return a raw record as this vendor writes it."""
    return {"id": f"e{number}", "time": at.astimezone(UTC).isoformat(), "kind": str(kind), **more}


@dataclass
class Ledger(Paper):
    """
    A Paper with a log.  *events*: (account, raw record), in any order.

    *fault* is called with the number of the request (from 1) and may raise, or return a page to be given instead.
    *unseen* gives what the vendor does not show yet, by a record's id.
    """

    activity_sources: tuple[ActivitySource, ...] = (DRIVE,)
    events: list[tuple[str, dict[str, Json]]] = field(default_factory=list)
    page_size: int = 10
    asked: list[tuple[str, Window, str | None]] = field(default_factory=list)
    fault: Callable[[int, str | None], ActivityPage | ConnectorError | None] = lambda _number, _cursor: None
    unseen: set[str] = field(default_factory=set)
    gaps: tuple[UnreadSpan, ...] = ()
    names: tuple[LogName, ...] = ()
    _last: tuple[object, Sequence[ActivityRecord]] = ((), ())

    def happened(self, account_id: str, events: Iterable[dict[str, Json]]) -> None:
        self.events += [(account_id, raw) for raw in events]

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        self.asked.append((source, window, cursor))
        fault = self.fault(len(self.asked), cursor)
        if isinstance(fault, ConnectorError):
            raise fault
        return fault if fault is not None else self.page(account, window, cursor)

    def page(self, account: Account, window: Window, cursor: str | None) -> ActivityPage:
        start = int(cursor or 0)
        asked = (account.id, window, len(self.events), frozenset(self.unseen))
        if self._last[0] != asked:
            self._last = (asked, self._of(account.id, window))
        whole = self._last[1]
        records = whole[start : start + self.page_size]
        more = start + self.page_size < len(whole)
        cursor = str(start + self.page_size) if more else None
        return ActivityPage(records, cursor, (), gaps=self.gaps, names=self.names)

    def _of(self, account_id: str, window: Window) -> Sequence[ActivityRecord]:
        records = [
            self.record("drive", raw)
            for owner, raw in self.events
            if owner == account_id and raw["id"] not in self.unseen
        ]
        inside = [record for record in records if window.from_at <= record.at < window.until_at]
        return sorted(inside, key=lambda record: record.at, reverse=True)

    def record(self, source: str, raw: Mapping[str, Json]) -> ActivityRecord:  # the interface's
        return ActivityRecord(str(raw["id"]), datetime.fromisoformat(str(raw["time"])), raw)

    def describe(self, source: str, raw: Mapping[str, Json]) -> tuple[Activity, ...]:
        """Its records say it in our words already."""
        text: dict[str, Any] = {name: str(raw[name]) for name in ("actor_id", "actor", "object_id", "title", "folder", "label", "target", "ip", "device") if name in raw}  # fmt: skip
        by_program = raw.get("by_program")
        size = raw.get("size")
        return (
            Activity(
                ActivityKind(str(raw["kind"])),
                datetime.fromisoformat(str(raw["time"])),
                f"{source}/{raw['kind']}",
                by_program=bool(by_program) if by_program is not None else None,
                size=size if isinstance(size, int) else None,
                **text,
            ),
        )

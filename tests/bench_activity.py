"""
Figures of collecting: events a second, the ratio to the floor, and whether memory stays flat.

The floor is the same pages fetched by a bare loop and written raw, line by line, to a file that is synced at the end: nothing
is told apart, compressed, encrypted, committed or bound.  Each run is a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from audit.trail import Trail
from casework.activity.collecting import collect
from casework.activity.passes import passes_of
from casework.activity.summary import summarise
from casework.context import Context
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.intake.reading import read_options
from casework.intake.submission import open_cases
from casework.policy import Policy
from casework.schema import migrate
from casework.store import Store, open_engine
from connectors.activity import Activity, ActivityPage, ActivityRecord, ActivitySource, Window
from connectors.contract import Capabilities
from models.tables import CaseAccount
from models.vocabulary import Account, AccountKind, ActivityKind, Json, MatchReason, Service, Standing
from tests.bench_process import Figures, peak_mb, run, tell

PAGE = 1000
SIZES = (10_000, 30_000, 1_000_000)
_NOW = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)


@dataclass
class Endless:
    """A log of *events* records of the size that vendors give (about 450 bytes), made as they are asked for, as JSON bytes."""

    events: int
    activity_sources: tuple[ActivitySource, ...] = (
        ActivitySource("drive", timedelta(hours=1), timedelta(days=180), ()),
    )

    async def probe(self) -> Capabilities:
        """Let us do everything: there is nothing else."""
        return Capabilities(Service.GOOGLE_WORKSPACE, "enterprise", "bench.example", frozenset(), ())

    def answer(self, start: int) -> bytes:
        """Return one page as the vendor's bytes."""
        rows = (self._row(number) for number in range(start, min(start + PAGE, self.events)))
        return orjson.dumps({"items": list(rows), "next": start + PAGE if start + PAGE < self.events else None})

    def _row(self, number: int) -> dict[str, Json]:
        moment = _NOW - timedelta(seconds=15 * number)
        return {
            "kind": "admin#reports#activity",
            "id": {"time": moment.isoformat(), "uniqueQualifier": str(-number), "applicationName": "drive"},
            "actor": {"profileId": "g1", "email": "e1@example.test"},
            "ipAddress": "203.0.113.7",
            "events": [{"type": "access", "name": "download", "parameters": [
                {"name": "primary_event", "boolValue": True},
                {"name": "doc_id", "value": f"1AbC{number * 2654435761 % 2**64:020d}"},
                {"name": "doc_title", "value": f"設計書 {number % 7919}.pdf"},
                {"name": "folder", "value": f"team/{number % 211}"},
                {"name": "visibility", "value": "private"},
            ]}],
        }  # fmt: skip

    async def activity(self, account: Account, source: str, window: Window, cursor: str | None = None) -> ActivityPage:
        page = orjson.loads(self.answer(int(cursor or 0)))
        records = [self.record(source, row) for row in page["items"]]
        return ActivityPage(records, str(page["next"]) if page["next"] is not None else None, ())

    def record(self, source: str, raw: Mapping[str, Any]) -> ActivityRecord:
        told = raw["id"]["time"]
        return ActivityRecord(f"{told}/{raw['id']['uniqueQualifier']}", datetime.fromisoformat(told), raw)

    def describe(self, source: str, raw: Mapping[str, Any]) -> tuple[Activity, ...]:
        event = raw["events"][0]
        told = {p["name"]: p.get("value") for p in event["parameters"]}
        moment = datetime.fromisoformat(raw["id"]["time"])
        return (
            Activity(
                ActivityKind.DOWNLOAD, moment, f"{source}/{event['name']}", title=told["doc_title"], folder=told["folder"],
                ip=raw["ipAddress"],
            ),
        )  # fmt: skip


async def floor(log: Endless, path: Path) -> None:
    """Fetch every page and write it raw."""
    account, window, cursor = Account(Service.GOOGLE_WORKSPACE, "g1"), Window(_NOW - timedelta(days=180), _NOW), None
    with path.open("wb") as file:
        while True:
            page = await log.activity(account, "drive", window, cursor)
            for record in page.records:
                file.write(orjson.dumps(record.raw, option=orjson.OPT_APPEND_NEWLINE))
            cursor = page.cursor
            if cursor is None:
                break
        file.flush()
        os.fsync(file.fileno())


async def collected(log: Endless, folder: Path) -> tuple[float, float]:
    """Collect into evidence, then summarise; return the seconds of each."""
    engine = open_engine(f"sqlite:///{folder}/case.db")
    migrate(engine)
    store = Store(engine, Trail("bench.example/audit/2026"))
    evidence = EvidenceStore(store, folder / "evidence", KeyFile(folder / "evidence.key", lambda: True))
    connectors: Any = {Service.GOOGLE_WORKSPACE: log}
    context = Context(store, Policy(), connectors, evidence=evidence)
    reading = read_options(
        employee_no="E1", name="星 空子", email="e1@example.test", employment_ends_on="2026-11-30", kind="resignation"
    )
    case_id = open_cases(context, reading, reported_by="bench", for_real=True).opened[0].case.id
    with store.write() as session:
        session.add(CaseAccount(
            case_id=case_id, connection=Service.GOOGLE_WORKSPACE, vendor_id="g1", ref=context.name("acct"), kind=AccountKind.MEMBER,
            label="e1@example.test", reason=MatchReason.EMAIL, standing=Standing.ACCEPTED,
        ))  # fmt: skip
    began = time.perf_counter()
    await collect(context, case_id, seconds=3600)
    ended = time.perf_counter()
    with store.read() as session:
        if (read := sum(row.records for row in passes_of(session, case_id))) != log.events:
            raise RuntimeError(f"{read} of {log.events} records were collected")
    await asyncio.to_thread(summarise, context, case_id, evidence)
    summarised = time.perf_counter()
    engine.dispose()
    return ended - began, summarised - ended


def bench(*, full: bool = False) -> Figures:
    """Thirty thousand events (*full*: a million), a thousand a page, through one source; and fewer, for the memory."""
    few, many = SIZES[-2:] if full else SIZES[:2]
    bare, little, much = (
        run("tests.bench_activity", *words) for words in (("floor", many), ("collect", few), ("collect", many))
    )
    return [
        ("activity: floor, fetched and written raw", f"{many / bare['seconds']:,.0f} events/s"),
        ("activity: collected as evidence", f"{many / much['seconds']:,.0f} events/s"),
        ("activity: ratio to the floor", f"{much['seconds'] / bare['seconds']:.2f}"),
        ("activity: summarised", f"{many / much['summary']:,.0f} events/s"),
        (f"activity: peak memory at {few:,} and at {many:,}", f"{little['peak_mb']:.0f} MB, {much['peak_mb']:.0f} MB"),
        ("activity: on the disk", f"{much['disk_mb']:.0f} MB of {bare['disk_mb']:.0f} MB raw"),
    ]


def _measure(what: str, events: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        folder, log = Path(name), Endless(events)
        summary = 0.0
        began = time.perf_counter()
        if what == "floor":
            asyncio.run(floor(log, folder / "raw.jsonl"))
            seconds = time.perf_counter() - began
            size = (folder / "raw.jsonl").stat().st_size
        else:
            seconds, summary = asyncio.run(collected(log, folder))
            size = sum(
                p.stat().st_size for p in (folder / "evidence").rglob("*") if p.is_file() and ".seen" not in p.name
            )
    return {"seconds": seconds, "summary": summary, "peak_mb": peak_mb(), "disk_mb": size / 1e6}


if __name__ == "__main__":
    tell(_measure(sys.argv[1], int(sys.argv[2])))

"""Collecting: complete, or honest about what is missing; whatever breaks, and wherever it is killed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from casework import runbook
from casework.activity import collecting, logs
from casework.activity.collecting import collect
from casework.activity.passes import due_passes, passes_of
from casework.activity.reading import LogReading
from casework.errors import EvidenceErased, Misconfigured
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from connectors.activity import ActivityPage, UnreadSpan
from connectors.errors import (
    ConnectorError,
    CursorExpired,
    Denied,
    NotOnPlan,
    Throttled,
    Unintelligible,
    Unreachable,
)
from models.tables import Case, Collection, metadata
from models.vocabulary import Completeness
from tests.casework.conftest import Office
from tests.casework.ledger import Ledger, event
from tests.casework.paper import Killed
from tests.casework.shown import show
from tests.unit.reading_source import ROOT

DAY = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
FIFTY = [event(n, DAY - timedelta(hours=7 * n)) for n in range(50)]
Fault = Callable[[int, str | None], ActivityPage | ConnectorError | None]


def ledger(office: Office) -> Ledger:
    assert isinstance(office.paper, Ledger)
    return office.paper


async def planned(office: Office) -> Case:
    case = office.report()
    await runbook.make_plan(office.context, case.id)
    return case


def passes(office: Office, case: Case) -> list[Collection]:
    with office.context.store.read() as session:
        return passes_of(session, case.id)


def ended(office: Office, case: Case) -> list[bool]:
    return [row.ended_at is not None for row in passes(office, case)]


def lines(office: Office, row: Collection) -> list[dict[str, Any]]:
    """Return the file's lines, by a decompressor of its own."""
    assert office.context.evidence is not None
    with office.context.evidence.open(row.case_id, row.file) as clear:
        content = zstandard.ZstdDecompressor().stream_reader(clear, read_across_frames=True).read()
    return [json.loads(line) for line in content.splitlines()]


def bound(office: Office, case: Case) -> list[dict[str, Any]]:
    with office.context.store.read() as session:
        entries = office.context.store.trail.entries(session.connection(), case.id)
        leaves = [orjson.loads(entry.leaf) for entry in entries]
    return [leaf for leaf in leaves if leaf["type"] == "evidence.bound"]


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


class TestComplete:
    async def test_whole_window(self, logged: Office) -> None:
        """Every record of the window stands in the file once, as the vendor gave it, and the trail binds its digests."""
        ledger(logged).happened("g1", FIFTY)
        ledger(logged).happened("g2", [event(900, DAY)])
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        header, *records = lines(logged, row)
        assert (row.verdict, row.reason, row.pages, row.records) == (Completeness.COMPLETE, None, 5, 50)
        assert records == FIFTY
        assert (header["source"], len(header["nonce"])) == ("drive", 64)
        [leaf] = bound(logged, case)
        assert (leaf["records"], leaf["pages"], leaf["complete"]) == (50, 5, True)
        assert logged.context.evidence is not None
        with logged.context.evidence.open(case.id, row.file) as clear:
            assert hashlib.sha256(clear.read()).hexdigest() == leaf["evidence"][0]["sha256"]
        assert [part["name"].rsplit(".", 2)[1] for part in leaf["evidence"]] == ["jsonl", "statement"]

    async def test_nothing_happened(self, logged: Office) -> None:
        """A log that was read to its end and held nothing is complete, and says so with its window."""
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        assert (row.verdict, row.records, row.pages) == (Completeness.COMPLETE, 0, 1)
        assert row.statement is not None
        assert row.statement["text"] == "complete"

    async def test_again_reads_nothing(self, logged: Office) -> None:
        """A pass that has ended is not taken again before its time."""
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        asked = len(ledger(logged).asked)
        await collect(logged.context, case.id, seconds=60)
        assert (len(ledger(logged).asked), ended(logged, case)) == (asked, [True])

    async def test_odd_records(self, logged: Office) -> None:
        """Numbers beyond 64 bits, half a surrogate pair, a null: records are kept as they came."""
        odd = event(1, DAY, big=2**70, half="\ud83d", none=None, text="秘\u2028")
        ledger(logged).happened("g1", [odd])
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        assert lines(logged, passes(logged, case)[0])[1:] == [odd]


def _at(number: int, fault: ActivityPage | ConnectorError) -> Fault:
    return lambda request, _cursor: fault if request == number else None


class TestFaults:
    @pytest.mark.parametrize("page", [1, 3, 5])
    @pytest.mark.parametrize(
        ("fault", "word"),
        [
            (Throttled("429", retry_after=timedelta(seconds=30)), "quota"),
            (Throttled("429"), "quota"),
            (Unreachable("503"), "unreachable"),
            (CursorExpired("gone"), "cursor_expired"),
            (ActivityPage([], None, ()), None),
        ],
    )
    async def test_once_at_any_page(
        self, logged: Office, page: int, fault: ActivityPage | ConnectorError, word: str | None
    ) -> None:
        """A refusal, an outage, a lost cursor or an empty page at any page: in the end every record is there once."""
        if isinstance(fault, ActivityPage):  # an empty page that goes on where we were
            fault = ActivityPage([], str((page - 1) * 10), ())
        ledger(logged).happened("g1", FIFTY)
        ledger(logged).fault = _at(page, fault)
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=600)
        [row] = passes(logged, case)
        assert row.verdict is Completeness.COMPLETE
        assert sorted(ids(lines(logged, row)[1:])) == sorted(ids(FIFTY))
        assert row.problems == ({word: 1} if word else {})

    async def test_repeated_page(self, logged: Office) -> None:
        """A page that the vendor gives twice is kept once, and counted."""
        ledger(logged).happened("g1", FIFTY)
        seen: list[str | None] = []

        def again(_number: int, cursor: str | None) -> ActivityPage | None:
            seen.append(cursor)
            if seen.count("20") == 1 and cursor == "20":
                [(account, window)] = {("g1", ledger(logged).asked[-1][1])}
                page = ledger(logged).page(logged.paper.holders[account].profile.account, window, cursor)
                return ActivityPage(page.records, "20", ())
            return None

        ledger(logged).fault = again
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=600)
        [row] = passes(logged, case)
        assert (row.verdict, row.records, row.duplicates) == (Completeness.COMPLETE, 50, 10)

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            (Throttled("429"), "quota"),
            (Unreachable("503"), "unreachable"),
            (CursorExpired("gone"), "cursor_expired"),
            (Unintelligible("what"), "unintelligible"),
            (Denied("scope"), "denied"),
            (NotOnPlan("plan"), "not_on_plan"),
            (ActivityPage([], "30", ()), "repeated"),
            (ActivityPage([], "30", (), wait=timedelta(minutes=1)), "unfinished"),
        ],
    )
    async def test_for_ever(self, logged: Office, fault: ActivityPage | ConnectorError, reason: str) -> None:
        """What never ends is given up after policy's patience: partial, with its reason, and what was read is kept."""
        ledger(logged).happened("g1", FIFTY)
        ledger(logged).fault = lambda number, _: fault if number > 3 else None
        case = await planned(logged)
        for _ in range(10):
            await collect(logged.context, case.id, seconds=60)
            logged.clock.pass_by(hours=6)
        [row] = [row for row in passes(logged, case) if row.round == 1]
        assert (row.verdict, row.reason, row.records) == (Completeness.PARTIAL, reason, 30)
        [leaf] = [leaf for leaf in bound(logged, case) if leaf["count"] == 1]
        assert (leaf["complete"], leaf["reason"]) == (False, reason)

    async def test_gap(self, logged: Office) -> None:
        """What the vendor says it left out makes the collection partial, in the vendor's words and ours."""
        ledger(logged).happened("g1", FIFTY)
        ledger(logged).gaps = (UnreadSpan("truncated", "one slice held more than the vendor gives"),)
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        assert (row.verdict, row.reason) == (Completeness.PARTIAL, "truncated")
        assert row.statement is not None
        assert "one slice held more" in row.statement["text"]

    async def test_our_own_failure(self, logged: Office) -> None:
        """What goes wrong on our side is raised, and the next turn goes on from the last page."""
        ledger(logged).happened("g1", FIFTY)

        def full(number: int, _cursor: str | None) -> None:
            if number == 3:
                raise OSError(28, "no space")

        ledger(logged).fault = full
        case = await planned(logged)
        with pytest.raises(OSError, match="no space"):
            await collect(logged.context, case.id, seconds=60)
        await collect(logged.context, case.id, seconds=60)
        assert lines(logged, passes(logged, case)[0])[1:] == FIFTY

    async def test_what_another_reading_may_bring_is_told_first(self, logged: Office) -> None:
        """What is lacking for good hides nothing that is not."""
        ledger(logged).gaps = (UnreadSpan("name_reused", "another's"), UnreadSpan("truncated", "a part"))
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        assert (row.verdict, row.reason) == (Completeness.PARTIAL, "truncated")

    async def test_a_lost_memory_is_stated(self, logged: Office) -> None:
        """Where a backup lacks what was remembered of the records, some may stand in the file twice: the statement says so."""
        ledger(logged).happened("g1", FIFTY)
        ledger(logged).fault = lambda number, _: Unreachable("down") if number == 3 else None
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=1)
        assert logged.context.evidence is not None
        for file in (logged.context.evidence.folder / case.id).glob("*.seen*"):
            file.unlink()
        logged.clock.pass_by(minutes=1)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        assert row.statement is not None
        assert row.statement["problems"]["memory_lost"] == 1

    async def test_and_doubles_no_count(self, logged: Office) -> None:
        """What stands in the files twice is counted once, and that it does is a figure; by the statement, which is sealed."""
        ledger(logged).happened("g1", FIFTY)
        case = await planned(logged)
        await collect(logged.context, case.id, seconds=60)
        assert logged.context.evidence is not None
        for file in (logged.context.evidence.folder / case.id).glob("*.seen*"):
            file.unlink()
        logged.clock.pass_by(days=8)
        for _ in range(2):
            await collect(logged.context, case.id, seconds=60)
        with logged.context.store.write() as session:
            session.execute(text("UPDATE activity_collection SET problems = '{}'"))
        await collecting.conclude(logged.context, case.id)
        found = show(logged.context, case.id)["downloads"]
        again = sum(one["records"] for one in found["sources"][1:])
        assert found["sources"][-1]["difference"]["late"] == 0, "nobody can say that it is new"
        assert again > 0
        assert sum(found["counts"].values()) == 50
        assert (found["counted"][0]["records"], found["counted"][0]["again"]) == (50 + again, again)


class TestOvertaken:
    async def test_between_look_and_turn(self, logged: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another process read on between our look and our turn: we go on behind it, and no record stands in the file twice."""
        ledger(logged).happened("g1", FIFTY)
        ledger(logged).fault = lambda number, _: Unreachable("down") if number == 3 else None
        case, evidence, grow = await planned(logged), logged.context.evidence, EvidenceStore.grow
        assert evidence is not None
        [due] = due_passes(logged.context, case.id, [*logged.context.connectors])
        other = LogReading(logged.context, evidence, *due, logged.clock() + timedelta(seconds=1))

        def after_the_other(store: EvidenceStore, case_id: str, name: str) -> Any:
            monkeypatch.undo()
            with ThreadPoolExecutor(1) as process:
                process.submit(asyncio.run, other.carry_on(asyncio.Semaphore())).result()
            assert passes(logged, case)[0].pages == 2
            return grow(store, case_id, name)

        monkeypatch.setattr(EvidenceStore, "grow", after_the_other)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        assert (row.pages, row.records, ids(lines(logged, row)[1:])) == (5, 50, ids(FIFTY))


class TestNothingWaitsForEver:
    async def test_a_vendor_that_hangs(self, logged: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """No answer and no refusal either: out of reach after a while, and the place is given back."""
        monkeypatch.setattr(logs, "LONGEST_ANSWER", 0.05)
        monkeypatch.setattr(ledger(logged), "activity", lambda *_: asyncio.Event().wait())
        case = await planned(logged)
        await asyncio.wait_for(collect(logged.context, case.id, seconds=2), 5)
        assert ended(logged, case) == [False]
        assert passes(logged, case)[0].problems["unreachable"] >= 1

    async def test_a_fault_of_ours(self, logged: Office) -> None:
        """What fails on our side at every try is given up after policy's patience as well, and says so."""
        ledger(logged).happened("g1", FIFTY)

        def odd(number: int, _cursor: str | None) -> None:
            if number > 3:
                raise KeyError("odd")

        ledger(logged).fault = odd
        case = await planned(logged)
        for _ in range(3):
            with pytest.raises(KeyError):
                await collect(logged.context, case.id, seconds=60)
            logged.clock.pass_by(hours=20)
        await collect(logged.context, case.id, seconds=60)
        [row] = passes(logged, case)
        assert (row.verdict, row.reason, row.records) == (Completeness.PARTIAL, "failed", 30)

    @pytest.mark.parametrize("trouble", ["mode", "folder", "gone"])
    async def test_a_key_that_cannot_be_had(self, logged: Office, tmp_path: Path, trouble: str) -> None:
        """The evidence's key: nothing of it is needed to open a context, or to cut; collecting says what is wrong."""
        key = tmp_path / "keys" / "evidence.key"
        key.parent.mkdir()
        if trouble == "mode":
            key.write_text("00" * 32)
            key.chmod(0o644)
        elif trouble == "folder":
            key.mkdir()
        store = EvidenceStore(logged.context.store, tmp_path / "evidence", KeyFile(key, lambda: trouble != "gone"))
        context = replace(logged.context, evidence=store)
        case = await planned(logged)
        with pytest.raises(Misconfigured):
            await collect(context, case.id, seconds=60)
        assert trouble != "gone" or not key.exists()


class TestErased:
    async def test_in_the_middle(self, logged: Office) -> None:
        """A case that is erased while its log is read: nothing of what was emptied is written again."""
        ledger(logged).happened("g1", FIFTY)
        case = await planned(logged)

        def erased(number: int, _cursor: str | None) -> None:
            if number == 3:
                with logged.context.store.write() as session:
                    session.get_one(Case, case.id).erased_at = logged.clock()
                    passes_of(session, case.id)[0].account_id = "acct-1"

        ledger(logged).fault = erased
        with pytest.raises(EvidenceErased):
            await collect(logged.context, case.id, seconds=60)
        assert [row.account_id for row in passes(logged, case)] == ["acct-1"]

    async def test_before_it_began(self, logged: Office) -> None:
        """A case that is erased between our look and our turn: no account is written down again."""
        case = await planned(logged)
        evidence = logged.context.evidence
        assert evidence is not None
        [due] = due_passes(logged.context, case.id, [*logged.context.connectors])
        with logged.context.store.write() as session:
            session.get_one(Case, case.id).erased_at = logged.clock()
        with pytest.raises(EvidenceErased):
            await LogReading(logged.context, evidence, *due, logged.clock() + timedelta(minutes=1)).carry_on(
                asyncio.Semaphore()
            )
        assert passes(logged, case) == []


KILLED = """
import asyncio, os, sys
from datetime import timedelta
from pathlib import Path
from audit.trail import Trail
from casework.activity.collecting import collect
from casework.context import Context
from casework.evidence.keys import KeyFile
from casework.evidence.store import EvidenceStore
from casework.policy import Policy
from casework.store import Store, open_engine
from models.vocabulary import Service
from tests.casework import test_collecting as shared
from tests.casework.conftest import Clock
from tests.casework.ledger import Ledger

folder, case_id, moment = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
clock = Clock()
clock.pass_by(hours=1)
engine = open_engine(f"sqlite:///{folder}/case.db")
store = Store(engine, Trail(origin="test.example/audit/2026", clock=clock))
evidence = EvidenceStore(store, folder / "evidence", KeyFile(folder / "evidence.key", lambda: True))
log = Ledger(now=clock)
log.happened("g1", shared.FIFTY)
context = Context(store, Policy(), {Service.GOOGLE_WORKSPACE: log}, now=clock, sleep=clock.sleep, evidence=evidence)
left = [moment]
real = {name: getattr(os, name) for name in ("fsync",)}
def dying(descriptor):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), 9)
    real["fsync"](descriptor)
os.fsync = dying
asyncio.run(collect(context, case_id, seconds=60))
"""


class TestKilled:
    @pytest.mark.parametrize(
        "moment",
        [1, 2, 3, 5, *(pytest.param(n, marks=pytest.mark.chaos) for n in range(1, 20) if n not in {1, 2, 3, 5})],
    )
    async def test_at_any_page(self, logged: Office, tmp_path: Path, moment: int) -> None:
        """Killed by -9 before any of its pages is on the disk, and run again: every record is there once, in one file."""
        ledger(logged).happened("g1", FIFTY)
        case = await planned(logged)
        child = subprocess.run(  # nothing else is to run meanwhile
            [sys.executable, "-c", KILLED, str(tmp_path), case.id, str(moment)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert child.returncode == -9 or (moment > 5 and child.returncode == 0), child.stderr.decode()
        logged.clock.pass_by(hours=1, minutes=5)
        await collect(logged.context, case.id, seconds=60)
        [row] = [row for row in passes(logged, case) if row.round == 1]
        assert (row.verdict, row.records, row.duplicates) == (Completeness.COMPLETE, 50, 0)
        assert lines(logged, row)[1:] == FIFTY
        assert "memory_lost" not in row.problems

    async def test_in_every_commit(self, logged: Office) -> None:
        """An interruption between the disk and the commit, at each page in turn: what was not committed is written again."""
        ledger(logged).happened("g1", FIFTY)
        case = await planned(logged)
        original = type(logged.context.store).write
        for nth in count(1):
            calls = count(1)

            def failing(self: Any, calls: Any = calls, nth: int = nth) -> Any:
                if next(calls) == nth:
                    raise Killed
                return original(self)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(type(logged.context.store), "write", failing)
                try:
                    await collect(logged.context, case.id, seconds=60)
                except Killed:
                    continue
            break
        [row] = passes(logged, case)
        assert (row.verdict, row.records) == (Completeness.COMPLETE, 50)
        assert lines(logged, row)[1:] == FIFTY
        assert len(bound(logged, case)) == 1


class TestTables:
    def test_models_and_migrations_agree(self, logged: Office) -> None:
        """The tables that the migrations make are those that the models describe."""
        ours = {table.name for table in metadata.sorted_tables}
        with logged.context.store.engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in ours}
            )
            assert [step for step in compare_metadata(context, metadata) if "activity" in str(step) or "evidence" in str(step)] == []  # fmt: skip

"""
Read one log page by page, from where the last reading stopped to the log's end or to the deadline.

After each page the records are on the disk, and the cursor is committed together with the file's certain length: a
reading that was killed continues from there, without a lost or a repeated record.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select
from sqlmodel.sql.expression import SelectOfScalar

from audit.events import EventType
from audit.leaf import stamp
from casework.activity import file_format, statement
from casework.activity.file_format import SeenRecords
from casework.activity.logs import answer, log_of, logs_of
from casework.activity.passes import notice_window, passes_of
from casework.connections import account_of
from casework.context import Context
from casework.errors import EvidenceErased, EvidenceLocked
from casework.evidence.chunks import GrowingFile
from casework.evidence.store import EvidenceStore
from casework.recording import seal
from connectors.activity import ActivityPage, ActivitySource, Window
from connectors.errors import (
    ConnectorError,
    CursorExpired,
    Denied,
    NotConfigured,
    NotOnPlan,
    NotRecorded,
    Throttled,
    Unreachable,
)
from models.tables import Case, CaseAccount, Collection
from models.vocabulary import Completeness

_WORDS: dict[type[ConnectorError], str] = {
    NotOnPlan: "not_on_plan",
    Denied: "denied",
    NotConfigured: "denied",
    NotRecorded: "not_recorded",
    CursorExpired: "cursor_expired",
    Throttled: "quota",
    Unreachable: "unreachable",
}
_MOST_RESTARTS = 5
_MOST_TURNS = 5
"""How often the vendor may return a cursor that we have already used, without a new record in between."""
_MOST_BARREN = 10_000
"""Pages in a row without a new record: bounds the memory for their cursors."""
_LONGEST_WAIT = timedelta(seconds=60)
_LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(slots=True)
class LogReading:
    """One reading for one pass, until *deadline*, with the state that its row does not have."""

    context: Context
    evidence: EvidenceStore
    account: CaseAccount
    source: ActivitySource
    row: Collection
    deadline: datetime
    growing: GrowingFile = field(init=False)
    seen: SeenRecords = field(init=False)
    cursors: set[str | None] = field(default_factory=set)
    turns: int = 0
    failures: int = 0

    async def carry_on(self, place: asyncio.Semaphore) -> None:
        """Continue the pass, and end it once it has its verdict.  A pass that another process reads is left to that process."""
        remembered = self.evidence.folder / self.row.case_id / f"{self.row.account_ref}-{self.row.source}.seen"
        async with place, self.context.readings:
            with contextlib.suppress(EvidenceLocked):
                await asyncio.to_thread(self._look)
                if self.row.verdict is None and self.context.now() < self.deadline:
                    with contextlib.ExitStack() as stack:
                        growing = self.evidence.grow(self.row.case_id, self.row.file)
                        self.growing = await asyncio.to_thread(stack.enter_context, growing)
                        self.seen = stack.enter_context(contextlib.closing(SeenRecords(remembered)))
                        await asyncio.to_thread(self._claim)
                        await self._read_on()
                if self.row.verdict is not None:
                    await asyncio.to_thread(self._end)

    def _look(self) -> None:
        with self.context.store.read() as session:
            self.row = session.exec(self._same()).one_or_none() or self.row

    def _claim(self) -> None:
        """
        Read the pass's row from the database, or write it if it is new: of two processes that begin at once, one row stays.

        Another process may have written it between `_look` and now.
        """
        with self._committing() as session:
            self.row = session.exec(self._same()).one_or_none() or self.row
        self._agree()

    def _same(self) -> SelectOfScalar[Collection]:
        return select(Collection).where(Collection.case_id == self.row.case_id, Collection.file == self.row.file)

    def _agree(self) -> None:
        """
        Bring the index of seen records to the committed page.

        If the index was lost (a backup without it), the file may hold records twice: the statement says so.
        """
        row, known = self.row, self.seen.forget_after(self.row.round, self.row.pages)
        with self.context.store.read() as session:
            passes = passes_of(session, row.case_id)
        kept = sum(other.records for other in passes if log_of(other) == log_of(row) and other.round <= row.round)
        if known != kept:
            row.problems = row.problems | {"memory_lost": 1}

    async def _read_on(self) -> None:
        """Read until the pass has its verdict or the deadline is reached."""
        while self.row.verdict is None and await self._may_ask():
            try:
                page = await self._ask()
            except ConnectorError as error:
                ending = await asyncio.to_thread(self._ending_of, error)
            except Exception:
                if not self._out_of_patience():
                    raise  # our defect: it fails the run, and the next reading tries again
                ending = "failed"
            else:
                ending = await self._take_whole(page)
            if ending is None and self.row.not_before is not None and self._out_of_patience():
                troubled = max(("quota", "unreachable"), key=lambda word: self.row.problems.get(word, 0))
                ending = troubled if self.failures else "unfinished"
            if ending is not None:
                await asyncio.to_thread(self._conclude, ending)

    def _conclude(self, ending: str) -> None:
        """Commit the verdict on a pass that ended with *ending*: `""` at the window's end, else the reason why it stopped earlier."""
        window = notice_window(self.context, self.context.case(self.row.case_id))
        with self._committing():
            self.row.verdict, self.row.reason = statement.conclude(self.row, self.source, ending, *window)

    async def _ask(self) -> ActivityPage:
        log, window = logs_of(self.context)[self.row.connection], Window(self.row.from_at, self.row.until_at)
        return await answer(log, account_of(self.account), self.row.source, window, self.row.cursor)

    async def _may_ask(self) -> bool:
        """Wait for the instant that the vendor named.  False if it is beyond the deadline or `_LONGEST_WAIT`, which would block other logs."""
        now = self.context.now()
        not_before = self.row.not_before or now
        if max(not_before, now) >= self.deadline or not_before - now > _LONGEST_WAIT:
            return False
        if not_before > now:
            await self.context.sleep((not_before - now).total_seconds())
        return True

    def _ending_of(self, error: ConnectorError) -> str | None:
        """Return the reason for which *error* ends the reading; None if it is to be tried again, which is then noted in the row."""
        word = next((word for kind, word in _WORDS.items() if isinstance(error, kind)), "unintelligible")
        if isinstance(error, CursorExpired) and self.row.problems.get(word, 0) < _MOST_RESTARTS:
            self.row.cursor = None  # from the beginning: repeated records are dropped
            self.cursors.clear()
            self._note(word)
        elif isinstance(error, Throttled | Unreachable):
            self.failures += 1
            asked = error.retry_after if isinstance(error, Throttled) else None
            pause = asked if asked is not None else min(timedelta(seconds=2.0**self.failures), _LONGEST_PAUSE)
            self._note(word, not_before=self.context.now() + pause)
        else:
            return word
        return None

    def _out_of_patience(self) -> bool:
        return self.context.now() - self.row.moved_at > timedelta(hours=self.context.policy.activity.patience_hours)

    async def _take_whole(self, page: ActivityPage) -> str | None:
        """Keep a page in a thread, and wait for it even if cancelled: a thread left running would be a second writer."""
        work = asyncio.ensure_future(asyncio.to_thread(self._take, page))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            raise

    def _take(self, page: ActivityPage) -> str | None:
        """Keep a page, all of it or nothing; return the reason to end the pass, or None."""
        self.failures = 0
        if self.growing.row.chunks == 0:
            self.growing.append(file_format.header_frame(self.row))
        fresh = self.seen.new_among(page.records, self.row.round, self.row.pages + 1)
        if fresh:
            self.growing.append(file_format.page_frame(fresh))
        with self._committing() as session:
            self._count(page, [record.at for record in fresh])
            self.growing.keep(session)
        if page.cursor is None:
            return ""
        return "repeated" if self._turns_in_circles(page, fresh=bool(fresh)) else None

    def _count(self, page: ActivityPage, times: list[datetime]) -> None:
        row = self.row
        row.pages += 1
        row.records += len(times)
        row.duplicates += len(page.records) - len(times)
        known = not row.problems.get("memory_lost")  # else nobody can say what is new
        row.late += sum(known and row.late_before is not None and at < row.late_before for at in times)
        row.oldest_at = min(filter(None, [*times, row.oldest_at]), default=None)
        row.newest_at = max(filter(None, [*times, row.newest_at]), default=None)
        stated = [statement.stated(gap, self.context.now()) for gap in page.gaps]
        row.gaps = [*row.gaps, *(gap for gap in stated if gap not in row.gaps)]
        if page.names:
            periods: dict[str, list[str | None]] = {}
            for one in page.names:
                periods.setdefault(one.name, []).extend([_stamp(one.since), _stamp(one.until)])
            row.names = (row.names or {}) | periods
        if times or page.cursor != row.cursor:
            row.moved_at = self.context.now()
        row.cursor = page.cursor
        row.not_before = self.context.now() + page.wait if page.wait > timedelta(0) else None

    def _turns_in_circles(self, page: ActivityPage, *, fresh: bool) -> bool:
        if fresh:
            self.cursors.clear()
            self.turns = 0
        elif page.wait <= timedelta(0):
            self.turns += page.cursor in self.cursors
        self.cursors.add(page.cursor)
        return self.turns >= _MOST_TURNS or len(self.cursors) > _MOST_BARREN

    def _note(self, word: str, *, not_before: datetime | None = None) -> None:
        with self._committing():
            self.row.problems = self.row.problems | {word: self.row.problems.get(word, 0) + 1}
            self.row.not_before = not_before

    @contextlib.contextmanager
    def _committing(self) -> Iterator[Session]:
        """
        Write this reading's row in a transaction.

        Raises `EvidenceErased` for an erased case: the row would bring back what erasure removed.
        """
        with self.context.store.write() as session:
            yield session
            if session.get_one(Case, self.row.case_id).erased_at is not None:
                raise EvidenceErased(self.row.case_id)
            self.row = session.merge(self.row)

    def _end(self) -> None:
        """Finish the file, write its statement, and bind both into the trail.  Safe to repeat: a step that is done is not done again."""
        row, evidence = self.row, self.evidence
        file = self._whole_file()
        said = statement.state(row, self.source, file)
        bound = evidence.save(row.case_id, row.file.removesuffix(".jsonl.zst") + ".statement.json", said.encode())
        with self._committing() as session:
            if row.ended_at is None:
                row.ended_at, row.statement, row.cursor = self.context.now(), json.loads(said), None
                self._bind(session, [part for part in (file, evidence.leaf_of(bound)) if part is not None])

    def _whole_file(self) -> dict[str, Any] | None:
        """Return the trail's leaf of the finished file; None where nothing was read."""
        if self.row.pages == 0:
            return None
        whole = self.evidence.find(self.row.case_id, self.row.file)
        if whole is None:
            with self.evidence.grow(self.row.case_id, self.row.file) as growing:
                whole = self.evidence.finish(growing)
        return self.evidence.leaf_of(whole)

    def _bind(self, session: Session, parts: list[dict[str, Any]]) -> None:
        row = self.row
        seal(
            self.context, session, EventType.EVIDENCE_BOUND, row.case_id,
            connection=row.connection, account=row.account_ref, source=row.source, scope="downloads",
            from_at=stamp(row.from_at), until_at=stamp(row.until_at), records=row.records, pages=row.pages, count=row.round,
            complete=row.verdict is Completeness.COMPLETE, reason=row.reason or "complete",
            evidence=parts, payload={"statement": row.statement}, dedup_key=f"{row.id}:bound",
        )  # fmt: skip


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None

"""
Collecting: every log of every account of the leaver, each for itself, as far as the time allows.

Nothing here delays a cut, and nothing that fails here stops one: what could not be read is stated, and tried again.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sqlmodel import Session, select

from audit.events import EventType
from audit.leaf import stamp
from casework.activity import statement
from casework.activity.passes import due_pass, log_in, log_of, logs_of, passes_of, sources_in
from casework.activity.reading import Reading, keep
from casework.activity.seen import Seen
from casework.connections import account_of, ready
from casework.context import Context
from casework.errors import InUse
from casework.evidence.store import EvidenceStore
from casework.recording import seal
from casework.truth.rows import accepted_accounts
from connectors.activity import ActivityLog, ActivityPage, ActivitySource, Window
from connectors.errors import ConnectorError, Unreachable
from models.tables import CaseAccount, Collection, EvidenceFile
from models.vocabulary import Account, Completeness, ConnectionId

_AT_ONCE = 4
"""Logs of one service and one case: connectors read them with the threads by which they cut, of which some stay free."""
LONGEST_ANSWER = 90.0
"""Seconds that a log may take for one page where it is read at one go."""
_MOST_PAGES = 200
"""Of one log of one account: who cannot see the end says so."""
_T = TypeVar("_T")


async def to_the_last(steps: Iterable[Awaitable[_T]]) -> list[_T]:
    """Take all *steps* at once, each to its end, and only then raise what stopped the first of those that failed."""
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return cast("list[_T]", outcomes)


async def collect(context: Context, case_id: str, *connections: ConnectionId, seconds: float) -> int:
    """
    Read what is due of the case's logs in *connections* (none given: in all) for at most *seconds*; return how many passes ended.

    One that another process is at is left to it.  Safe to repeat and to kill at any point.
    """
    if context.evidence is None:
        return 0
    turn = _Turn(context, context.evidence, context.now() + timedelta(seconds=seconds))
    known = await probed(context, case_id, *connections, seconds=seconds)
    return sum(await to_the_last(turn.read(*due) for due in _due(context, case_id, known)))


async def probed(context: Context, case_id: str, *connections: ConnectionId, seconds: float) -> list[ConnectionId]:
    """
    Return those of *connections* (none given: of all) in which the leaver has an account and whose logs are known.

    One that cannot be probed now has its turn later.
    """
    with context.store.read() as session:
        accounts = accepted_accounts(session, case_id, *connections)
    held = sorted({account.connection for account in accounts} & {*logs_of(context)})
    known = await asyncio.gather(*(is_ready(context, connection, seconds) for connection in held))
    return [connection for connection, is_known in zip(held, known, strict=True) if is_known]


async def is_ready(context: Context, connection: ConnectionId, seconds: float) -> bool:
    """Whether *connection* could be probed within *seconds*: which logs it has depends on the plan."""
    try:
        async with asyncio.timeout(seconds):
            await ready(context, connection)
    except (ConnectorError, TimeoutError):
        return False
    return True


async def pages(log: ActivityLog, account: Account, source: str, window: Window) -> AsyncIterator[ActivityPage]:
    """Yield the pages of a log.  Raises `ConnectorError` or `TimeoutError` where its end cannot be seen now."""
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        async with asyncio.timeout(LONGEST_ANSWER):
            page = await log.activity(account, source, window, cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
        if page.wait > timedelta(0):
            break
    raise Unreachable(f"{account.connection}: cannot read {source} to its end")


def _due(
    context: Context, case_id: str, connections: list[ConnectionId]
) -> Iterator[tuple[CaseAccount, ActivitySource, Collection]]:
    case = context.case(case_id)
    with context.store.read() as session:
        accounts, passes = accepted_accounts(session, case_id), passes_of(session, case_id)
    for account, source in sources_in(context, (one for one in accounts if one.connection in connections)):
        before = [row for row in passes if log_of(row) == log_in(account, source.name)]
        if (row := due_pass(context, case, account, source, before)) is not None:
            yield account, source, row


@dataclass(frozen=True, slots=True)
class _Turn:
    """One turn at one case's logs, until *deadline*."""

    context: Context
    evidence: EvidenceStore
    deadline: datetime
    places: Mapping[ConnectionId, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
    )

    async def read(self, account: CaseAccount, source: ActivitySource, row: Collection) -> bool:
        """Carry one pass on.  True if it has ended."""
        async with self.places[account.connection], self.context.readings:
            try:
                row = _claim(self.context, row)
                if row.verdict is None:
                    row = await self._read_on(source, account, row)
                if row.verdict is not None:
                    await asyncio.to_thread(_end, self.context, self.evidence, row, source)
            except InUse:
                return False
        return row.verdict is not None

    async def _read_on(self, source: ActivitySource, account: CaseAccount, row: Collection) -> Collection:
        remembered = self.evidence.folder / row.case_id / f"{row.account_ref}-{row.source}.seen"
        with self.evidence.grow(row.case_id, row.file) as growing, Seen(remembered) as seen:
            row = _claim(self.context, row)  # the last writer may have ended between our look and our turn
            if row.verdict is None:
                await asyncio.to_thread(_agree, self.context, row, seen)
                log = logs_of(self.context)[account.connection]
                reading = Reading(self.context, log, source, account_of(account), row, growing, seen, self.deadline)
                await reading.run()
                row = reading.row
        return row


def _claim(context: Context, row: Collection) -> Collection:
    """Return the row as it is in the database, written there if it is new: of two who begin at once, one row stays."""
    with context.store.write() as session:
        same = select(Collection).where(
            Collection.case_id == row.case_id,
            Collection.connection == row.connection,
            Collection.account_id == row.account_id,
            Collection.source == row.source,
            Collection.round == row.round,
        )
        known = session.exec(same).one_or_none()
        if known is None:
            session.add(row)
        return known or row


def _agree(context: Context, row: Collection, seen: Seen) -> None:
    """
    Bring what is remembered of records to the committed page.

    Where the memory was lost (a backup without it), records may stand in the file twice: that is noted in the statement.
    """
    seen.forget_after(row.round, row.pages)
    with context.store.read() as session:
        passes = passes_of(session, row.case_id)
    kept = sum(other.records for other in passes if log_of(other) == log_of(row) and other.round <= row.round)
    if seen.count(row.round) != kept:
        row.problems = row.problems | {"memory_lost": 1}


def _end(context: Context, evidence: EvidenceStore, row: Collection, source: ActivitySource) -> None:
    """Make the file whole, state what it holds, and bind both into the trail.  Each step is found done by a second try."""
    stored = _whole_file(evidence, row)
    said = statement.state(row, source, evidence.leaf_of(stored) if stored is not None else None)
    content = json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True).encode()
    bound = evidence.save(row.case_id, row.file.removesuffix(".jsonl.zst") + ".statement.json", content)
    with context.store.write() as session:
        row = keep(session, row)
        if row.ended_at is None:
            row.ended_at, row.statement, row.cursor = context.now(), said, None
            session.add(row)
            _bind(context, session, row, [evidence.leaf_of(part) for part in (stored, bound) if part is not None])


def _whole_file(evidence: EvidenceStore, row: Collection) -> EvidenceFile | None:
    if row.pages == 0:
        return None
    if (known := evidence.find(row.case_id, row.file)) is not None:
        return known
    with evidence.grow(row.case_id, row.file) as growing:
        return evidence.finish(growing)


def _bind(context: Context, session: Session, row: Collection, parts: list[dict[str, Any]]) -> None:
    seal(
        context, session, EventType.EVIDENCE_BOUND, row.case_id,
        connection=row.connection, account=row.account_ref, source=row.source, scope="downloads",
        from_at=stamp(row.from_at), until_at=stamp(row.until_at), records=row.records, pages=row.pages, count=row.round,
        complete=row.verdict is Completeness.COMPLETE, reason=row.reason or "complete",
        evidence=parts, payload={"statement": row.statement}, dedup_key=f"{row.id}:bound",
    )  # fmt: skip

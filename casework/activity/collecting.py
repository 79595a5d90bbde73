"""
Collecting: every log of every account of the leaver, each for itself, as far as the time allows.

Nothing here delays a cut, and nothing that fails here stops one: what could not be read is stated, and tried again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session, select

from audit.events import EventType
from audit.leaf import stamp
from casework.activity import statement
from casework.activity.reading import Reading, keep
from casework.activity.rounds import due_round, notice_from, rounds_of
from casework.activity.seen import Seen
from casework.connections import account_of, ready
from casework.context import Context
from casework.errors import InUse
from casework.evidence.store import EvidenceStore, StoredEvidence
from casework.recording import seal
from casework.truth.rows import accounts_of
from connectors.activity import ActivityLog, ActivitySource
from connectors.errors import ConnectorError
from models.tables import Case, CaseAccount, Collection
from models.vocabulary import Completeness, Service, Standing

__all__ = ["collect", "logs_of", "probed", "sources_of"]

_AT_ONCE = 4
"""Logs of one service and one case: connectors read them with the threads by which they cut, of which some stay free."""


def logs_of(context: Context) -> Mapping[Service, ActivityLog]:
    """Return the services whose connectors read an activity log."""
    return {
        service: connector for service, connector in context.connectors.items() if isinstance(connector, ActivityLog)
    }


def sources_of(log: ActivityLog) -> Mapping[str, ActivitySource]:
    return {source.name: source for source in log.activity_sources}


async def collect(context: Context, case_id: str, *services: Service, seconds: float) -> int:
    """
    Read what is due of the case's logs in *services* (none given: in all) for at most *seconds*; return how many ended.

    A reading that another process is at is left to it.  Safe to repeat and to kill at any point.
    """
    if context.evidence is None:
        return 0
    until = context.now() + timedelta(seconds=seconds)
    known = await probed(context, case_id, *services, seconds=seconds)
    sitting = _Sitting(context, context.evidence, context.case(case_id), until)
    due = list(sitting.due(known))
    outcomes = await asyncio.gather(*(sitting.read(account, row) for account, row in due), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome  # the others have had their turn
    return sum(outcome is True for outcome in outcomes)


async def probed(context: Context, case_id: str, *services: Service, seconds: float) -> tuple[Service, ...]:
    """
    Return those of *services* (none given: of all) in which the leaver has an account and whose logs are known: which there are
    depends on the plan, and a connector learns that by probing.  One that cannot be probed now has its turn later.
    """
    with context.store.read() as session:
        accounts = accounts_of(session, case_id, *services)
    held = {account.service for account in accounts if account.standing is Standing.ACCEPTED} & set(logs_of(context))
    known = await asyncio.gather(*(_is_ready(context, service, seconds) for service in sorted(held)))
    return tuple(service for service, is_known in zip(sorted(held), known, strict=True) if is_known)


async def _is_ready(context: Context, service: Service, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await ready(context, service)
    except (ConnectorError, TimeoutError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Sitting:
    """One turn at one case's logs, until *deadline*."""

    context: Context
    evidence: EvidenceStore
    case: Case
    deadline: datetime
    places: Mapping[Service, asyncio.Semaphore] = field(
        default_factory=lambda: {service: asyncio.Semaphore(_AT_ONCE) for service in Service}
    )

    def due(self, services: tuple[Service, ...]) -> Iterator[tuple[CaseAccount, Collection]]:
        with self.context.store.read() as session:
            every = accounts_of(session, self.case.id)
            accounts = [a for a in every if a.standing is Standing.ACCEPTED and a.service in services]
            rounds = rounds_of(session, self.case.id)
        for account in accounts:
            log = logs_of(self.context).get(account.service)
            for source in log.activity_sources if log is not None else ():
                mine = (account.service, account.vendor_id, source.name)
                before = [row for row in rounds if (row.service, row.account_id, row.source) == mine]
                if (row := due_round(self.context, self.case, account, source, before)) is not None:
                    yield account, row

    async def read(self, account: CaseAccount, row: Collection) -> bool:
        """Carry one reading on.  True if it has ended."""
        async with self.places[account.service], self.context.readings:
            return await self._read(account, row)

    async def _read(self, account: CaseAccount, row: Collection) -> bool:
        log = logs_of(self.context)[account.service]
        try:
            row = _claim(self.context, row)
            if row.verdict is None:
                row = await self._read_on(log, account, row)
            if row.verdict is not None:
                await asyncio.to_thread(_end, self.context, self.evidence, row, sources_of(log)[row.source])
        except InUse:
            return False
        return row.verdict is not None

    async def _read_on(self, log: ActivityLog, account: CaseAccount, row: Collection) -> Collection:
        with self.evidence.grow(row.case_id, row.file) as growing, Seen(_seen_path(self.evidence, row)) as seen:
            row = _fresh(self.context, row)  # the last writer may have ended between our look and our turn
            if row.verdict is not None:
                return row
            await asyncio.to_thread(_agree, self.context, row, seen)
            reading = Reading(self.context, log, account_of(account), row, growing, seen, self.deadline)
            ending = await reading.run()
            if ending is None:
                return reading.row
            needed_from = notice_from(self.context, self.case)
            reading.row.verdict, reading.row.reason = statement.conclude(reading.row, ending, needed_from=needed_from)
            return _keep(self.context, reading.row)


def _claim(context: Context, row: Collection) -> Collection:
    """Return the row as it is in the database, written there if it is new: of two who begin at once, one row stays."""
    with context.store.write() as session:
        same = select(Collection).where(
            Collection.case_id == row.case_id,
            Collection.service == row.service,
            Collection.account_id == row.account_id,
            Collection.source == row.source,
            Collection.round == row.round,
        )
        known = session.exec(same).one_or_none()
        if known is None:
            session.add(row)
            return row
        return known


def _agree(context: Context, row: Collection, seen: Seen) -> None:
    """
    Bring what is remembered of records to the committed page.

    Where the memory was lost (a backup without it), records may stand in the file twice: that is noted in the statement.
    """
    seen.forget_after(row.round, row.pages)
    with context.store.read() as session:
        kept = sum(
            other.records
            for other in rounds_of(session, row.case_id)
            if (other.service, other.account_id, other.source) == (row.service, row.account_id, row.source)
            and other.round <= row.round
        )
    if seen.count(row.round) != kept:
        row.problems = row.problems | {"memory_lost": 1}


def _seen_path(evidence: EvidenceStore, row: Collection) -> Path:
    return evidence.folder / row.case_id / f"{row.account_ref}-{row.source}.seen"


def _fresh(context: Context, row: Collection) -> Collection:
    with context.store.read() as session:
        return session.get_one(Collection, row.id)


def _keep(context: Context, row: Collection) -> Collection:
    with context.store.write() as session:
        return keep(session, row)


def _end(context: Context, evidence: EvidenceStore, row: Collection, source: ActivitySource) -> None:
    """Make the file whole, state what it holds, and bind both into the trail.  Each step is found done by a second try."""
    stored = _whole_file(evidence, row)
    said = statement.state(row, source, stored)
    content = json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True).encode()
    bound = evidence.save(row.case_id, row.file.removesuffix(".jsonl.zst") + ".statement.json", content)
    with context.store.write() as session:
        row = keep(session, row)
        if row.ended_at is None:
            row.ended_at, row.statement, row.cursor = context.now(), said, None
            session.add(row)
            _bind(context, session, row, [part for part in (stored, bound) if part is not None])


def _whole_file(evidence: EvidenceStore, row: Collection) -> StoredEvidence | None:
    if row.pages == 0:
        return None
    known = evidence.find(row.case_id, row.file)
    if known is not None:
        return known
    with evidence.grow(row.case_id, row.file) as growing:
        return growing.finish()


def _bind(context: Context, session: Session, row: Collection, parts: list[StoredEvidence]) -> None:
    seal(
        context, session, EventType.EVIDENCE_BOUND, row.case_id,
        service=row.service, account=row.account_ref, source=row.source, scope="downloads",
        from_at=stamp(row.from_at), until_at=stamp(row.until_at), records=row.records, pages=row.pages, count=row.round,
        complete=row.verdict is Completeness.COMPLETE, reason=row.reason or "complete",
        evidence=[part.leaf() for part in parts], payload={"statement": row.statement}, dedup_key=f"{row.id}:bound",
    )  # fmt: skip

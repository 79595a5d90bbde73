"""
Remove a case's personal data: payloads with their salts, evidence with its key, and every personal column.

The events stay, and with them every proof; an event's commitment reveals nothing once its salt is gone.  An erasure needs two
people, a finished case, and no legal hold.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from enum import StrEnum

from sqlalchemy import Connection, update
from sqlmodel import Session, col
from sqlmodel import select as choose

from audit import reading
from audit.bundle_paths import files_of
from audit.events import EventType
from audit.record import WHOLE
from audit.tables import audit_payload
from casework import consents
from casework.changes import rows_in
from casework.context import Context, case_in, kept_case
from casework.erasure.redaction import redact
from casework.errors import BadRequest, EvidenceLocked
from casework.lifecycle import FINISHED
from casework.question_kinds import KINDS
from casework.questions import ask, open_questions, settle
from casework.recording import seal
from casework.trail.comparing import require_as_sealed
from casework.truth import restore_outcomes
from models.actor import Actor, actor_of
from models.tables import Case, Look, Question
from models.vocabulary import QuestionKind

_ERASE = QuestionKind.ERASE
ERASED = "erased"
"""The verdict of a recheck that an erasure cancelled, and the reason why a question was settled."""
_MOST = 300
"""Entries named by one leaf: with eight digits each they stay below its 4,096 bytes."""


class ErasureBasis(StrEnum):
    """Why personal data of a case is removed, as the leaf has it; a basis in other words is in the event's payload."""

    RETENTION = "retention"
    REQUEST = "request"
    ORDER = "order"
    OTHER = "other"


def hold(context: Context, case_id: str, *, by: Actor | str, reason: str) -> None:
    """
    Forbid to erase the case until the hold is released; an earlier consent to erase is used up.  Safe to repeat.

    Raises `BadRequest` without a reason.
    """
    if not reason.strip():
        raise BadRequest("hold: has no reason", "Say which matter the record is needed for.")
    with context.store.write() as session:
        case = kept_case(session, case_id)
        if case.held_at is None:
            case.held_at = context.now()
            consents.use_up(context, session, consents.living(session, case_id, _ERASE))
            seal(context, session, EventType.CASE_HELD, case_id, payload={"by": actor_of(by).payload, "reason": reason})


def release_hold(context: Context, case_id: str, *, by: Actor | str, reason: str) -> None:
    """Release the legal hold.  Raises `BadRequest` if there is none."""
    with context.store.write() as session:
        case = case_in(session, case_id)
        if case.held_at is None:
            raise BadRequest(f"{case_id}: is under no legal hold", "Nothing is to be released.")
        case.held_at = None
        said = {"by": actor_of(by).payload, "reason": reason}
        seal(context, session, EventType.CASE_HOLD_RELEASED, case_id, payload=said)


def request_erasure(context: Context, case_id: str, *, by: Actor | str, basis: str) -> Question:
    """
    Ask for the case to be erased, and return the request, which a second person approves; asking again returns the same one.

    Raises `BadRequest` for a case under way, under a legal hold, or erased already.
    """
    if not basis.strip():
        raise BadRequest("erase: has no basis", f"Name it: {', '.join(ErasureBasis)}, or in your own words.")
    with context.store.write() as session:
        _refuse(case_in(session, case_id))
        known = _request(session, case_id)
        if known is not None:
            return known
        return ask(context, session, _ERASE, case_id, by=by, text=basis, choice=_word(basis), payload={"basis": basis})


def erase(context: Context, case_id: str) -> int:
    """
    Carry out an approved erasure; return how many events lost their payload.  Safe to repeat after a crash at any point.

    Evidence is erased first: its key cannot come back, and a second try finds nothing.  Copies outside (exported bundles,
    backups) are not erased: their holders must be informed.  Raises `TableMismatch` while the tables differ from what was sealed,
    and `EvidenceLocked` if everything is erased except SQLite's journal.
    """
    with context.store.read() as session:
        case = case_in(session, case_id)
        if case.erased_at is None:
            _refuse(case)
            _approved(session, case_id)
            require_as_sealed(session, case_id)  # what is left is sealed: no change by hand could be found afterwards
    if context.evidence is not None:
        context.evidence.erase(case_id)
    emptied = 0
    with context.store.write() as session:
        case = case_in(session, case_id)
        if case.erased_at is None:
            _refuse(case)
            require_as_sealed(session, case_id)
            emptied = _erase(context, session, case, _approved(session, case_id))
    _forget_journal(context)
    return emptied


def _erase(context: Context, session: Session, case: Case, request: Question) -> int:
    asked, approved = (actor and actor.payload for actor in (request.asked_by, request.answered_by))
    signed, word = {"by": asked, "approved_by": approved, "basis": request.text}, _word(request.text)
    case.erased_at = context.now()
    consents.use_up(context, session, [request])
    for question in open_questions(session, case.id, KINDS):
        settle(context, session, question, ERASED)
    for look in session.exec(choose(Look).where(Look.case_id == case.id, col(Look.looked_at).is_(None))).all():
        look.looked_at, look.verdict = context.now(), ERASED
    context.store.append_told(session)  # the events of this transaction are erased as well
    connection = session.connection()
    binds = {  # True: the event has something to remove, a payload or a file of evidence
        entry.idx: "payload_commit" in entry.record or bool(files_of(entry.record))
        for entry in reading.entries(connection, case.id)
    }
    emptied = sum(_empty(context, connection, part) for part in _parts([*binds]))
    restore_outcomes.let_ask(context, session, case)
    session.flush()
    redact(context, connection, case.id)
    session.expire_all()
    *others, last = _parts([idx for idx, bound in binds.items() if bound])
    left = signed | {WHOLE: rows_in(session, case.id)}  # the rows before the erasure cannot be derived any more
    for part, said in (*((part, signed) for part in others), (last, left)):
        seal(context, session, EventType.PAYLOAD_ERASED, case.id, idx=part, basis=word, count=len(part), payload=said)
    return emptied


def _forget_journal(context: Context) -> None:
    """
    Rewrite SQLite's file without its free pages, and empty its write-ahead log: both have pages from before the erasure.
    PostgreSQL recycles its own.

    Waits, as long as the database does, for processes that write or read older pages; then raises `EvidenceLocked`.
    """
    if context.store.engine.dialect.name != "sqlite":
        return
    with contextlib.closing(context.store.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        try:
            cursor.execute("VACUUM")
        except sqlite3.OperationalError as exc:
            raise EvidenceLocked(
                f"erase: the case is erased, but its database's file could not be rewritten: {exc}",
                "Free pages may hold what was erased.  See to what writes, and to the disk's space; then run the same again.",
            ) from exc
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise EvidenceLocked(
            "erase: the case is erased, but the database's journal holds older pages: another process reads them",
            "End it (an export, a database client).  The journal goes with the next erasure, or with lastday's last process.",
        )


def _empty(context: Context, connection: Connection, ids: list[int]) -> int:
    """Empty payloads and salts, the only change that the trail's triggers allow; return how many there were."""
    there = update(audit_payload).where(audit_payload.c.idx.in_(ids), audit_payload.c.erased_at.is_(None))
    return connection.execute(there.values(salt=None, payload=None, erased_at=context.now())).rowcount


def _parts(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _MOST):
        yield list(ids[start : start + _MOST])


def _word(basis: str) -> ErasureBasis:
    """Return the leaf's word for *basis*: a leaf has no free text."""
    said = basis.strip().casefold()
    return ErasureBasis(said) if said in {member.value for member in ErasureBasis} else ErasureBasis.OTHER


def _refuse(case: Case) -> None:
    if case.erased_at is not None:
        raise BadRequest(f"{case.id}: its personal data was erased already", "Nothing is left to erase.")
    if case.state not in FINISHED:
        raise BadRequest(f"{case.id}: cannot erase a case that is {case.state}", "Wait until it is closed.")
    if case.held_at is not None:
        raise BadRequest(f"{case.id}: is under a legal hold", f"Release it first: lastday hold {case.id} --release.")


def _request(session: Session, case_id: str) -> Question | None:
    return next(iter([*consents.living(session, case_id, _ERASE), *open_questions(session, case_id, {_ERASE})]), None)


def _approved(session: Session, case_id: str) -> Question:
    request = _request(session, case_id)
    if request is None or request.answered_at is None:
        waits = f"lastday approve {request.id}" if request is not None else f"lastday erase {case_id} --basis …"
        raise BadRequest(f"{case_id}: an erasure needs a second person", f"Run: {waits}")
    return request

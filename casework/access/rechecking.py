"""
The looks after closing: is what was seen closed closed still, and has the person an account that nobody knew?

A look that could not be made is neither quiet nor a reason to reopen: it is made again, and said.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, and_, col, or_, select

from audit.events import EventType
from casework.access import planning
from casework.access.findings import assess
from casework.access.retired import counted_rows, services_of
from casework.access.rows import reads_of
from casework.access.states import WHOLE_KIND
from casework.activity import aftermath, snapshot
from casework.desk import Desk
from casework.lifecycle import RECHECKED, move
from casework.matching import find_everywhere
from casework.recording import seal
from casework.wake import free
from models.tables import Aftermath, Case, CaseEntitlement, Look, Question, Search, Waiver
from models.vocabulary import SETTLED, SIGNED, CaseState, EntitlementState

_AGAIN = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
"""When a look that could not be made is tried again; the last one repeats."""

_log = logging.getLogger("lastday.rechecks")


@dataclass(slots=True)
class LookReport:
    """What the looks found: cases looked at, those that could not be, and those that had to be opened again."""

    looked: list[str] = field(default_factory=list)
    not_looked: list[str] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)


async def look_again(desk: Desk) -> LookReport:
    """
    Carry out the looks that are due, and open again what lost its waiver.

    A bad look opens the case again; it never rewrites the record.  A case that was given back is not looked at.  One case that
    fails stops no other.
    """
    report = LookReport(reopened=_lapsed(desk))
    for case_id in _due(desk):
        try:
            verdict = await _recheck(desk, case_id)
        except Exception as exc:  # noqa: BLE001  # the others' looks must not depend on this one
            _log.error("%s: cannot be looked at: %s", case_id, type(exc).__name__)
            verdict = _postpone(desk, case_id, ["*"])
        {"quiet": report.looked, "reopened": report.reopened, "not_looked": report.not_looked}[verdict].append(case_id)
    return report


def _due(desk: Desk) -> list[str]:
    with desk.store.read() as session:
        due = select(Look.case_id).where(col(Look.looked_at).is_(None), Look.due_at <= desk.now())
        alive = select(Case.id).where(
            col(Case.id).in_(due), col(Case.state).in_(RECHECKED), col(Case.erased_at).is_(None)
        )
        return sorted(session.exec(alive).all())


async def _recheck(desk: Desk, case_id: str) -> str:
    """Search for accounts anew, list what the known ones hold, and conclude."""
    await find_everywhere(desk, case_id)
    await planning.take_inventory(desk, case_id)
    with desk.store.write() as session:
        case = session.get_one(Case, case_id)
        assess(desk, session, case_id)
        bad, blind = _reopen(desk, session, case, by_look=True), sorted({*_blind(desk, session, case)})
        if bad or not blind:
            _conclude(desk, session, case, "reopened" if bad else "quiet", bad)
            return "reopened" if bad else "quiet"
    return _postpone(desk, case_id, blind)


def _blind(desk: Desk, session: Session, case: Case) -> Iterator[str]:
    """Yield the services of *case* that could not be looked at whole: not configured, not searched, or not read."""
    services = services_of(desk, session, case)
    yield from map(str, services - set(desk.connectors))
    searches = session.exec(select(Search).where(Search.case_id == case.id)).all()
    yield from {str(search.service) for search in searches if search.problem is not None} & set(map(str, services))
    rows = counted_rows(desk, session, case.id)
    signed = {(r.service, r.account_id, r.kind) for r in rows if r.vendor_id == WHOLE_KIND and r.state in SIGNED}
    accepted = {(row.service, row.account_id) for row in rows}
    for place, read in reads_of(session, case.id).items():
        if read.failed_as is not None and place not in signed and place[:2] in accepted:
            yield str(read.service)


def _looks_of(session: Session, case_id: str, now: datetime) -> Sequence[Look]:
    due = select(Look).where(Look.case_id == case_id, col(Look.looked_at).is_(None), Look.due_at <= now)
    return session.exec(due).all()


def _conclude(desk: Desk, session: Session, case: Case, verdict: str, bad: int) -> None:
    for look in _looks_of(session, case.id, desk.now()):
        look.looked_at, look.verdict, look.blind = desk.now(), verdict, []
        session.add(look)
        seal(desk, session, EventType.CASE_LOOKED, case.id, count=bad, state=verdict, payload={"look": look.label})


def _postpone(desk: Desk, case_id: str, blind: Sequence[str]) -> str:
    """Leave the look open, say in which services it could not be made, and when it is made again."""
    with desk.store.write() as session:
        for look in _looks_of(session, case_id, desk.now()):
            look.due_at = desk.now() + _AGAIN[min(look.tries, len(_AGAIN) - 1)]
            look.tries, look.verdict, look.blind = look.tries + 1, "not_looked", list(blind)
            look.blind_since = look.blind_since or desk.now()
            session.add(look)
            seal(
                desk, session, EventType.CASE_LOOKED, case_id, state="not_looked", payload={"look": look.label, "services": list(blind)},
                dedup_key=f"{case_id}:{look.label}:not_looked",
            )  # fmt: skip
    return "not_looked"


def blind_connections(desk: Desk, *, longer_than: timedelta = timedelta(days=1)) -> dict[str, datetime]:
    """Return the services in which looks could not be made for so long, with the time since when: one finding a connection."""
    found: dict[str, datetime] = {}
    with desk.store.read() as session:
        open_looks = select(Look).where(col(Look.looked_at).is_(None), col(Look.blind_since).is_not(None))
        for look in session.exec(open_looks).all():
            since = look.blind_since
            if since is not None and desk.now() - since >= longer_than:
                found |= {name: min(since, found.get(name, since)) for name in look.blind}
    return found


def _lapsed(desk: Desk) -> list[str]:
    """Open the closed cases again whose waiver has ended; return them.  A standing one's end concerns those in their looks."""
    with desk.store.read() as session:
        in_looks = select(Look.case_id).where(col(Look.looked_at).is_(None))
        ended = select(Waiver.id).where(Waiver.until < desk.now().date() + timedelta(days=1))
        own = ended.where(col(Waiver.case_id).is_not(None))
        waived = select(CaseEntitlement.case_id).where(
            CaseEntitlement.state == EntitlementState.WAIVED,
            or_(
                col(CaseEntitlement.settled_by).in_(own),
                and_(col(CaseEntitlement.settled_by).in_(ended), col(CaseEntitlement.case_id).in_(in_looks)),
            ),
        )
        closed = select(Case.id).where(
            Case.state == CaseState.CLOSED, col(Case.id).in_(waived), col(Case.erased_at).is_(None)
        )
        ids = session.exec(closed).all()
    return [case_id for case_id in sorted(ids) if _reopen_if_open(desk, case_id)]


async def collect_again(desk: Desk) -> tuple[int, int]:
    """
    Go on with the snapshots that are not complete, or due again; return how many have news, and were opened again.

    Whoever was heard of is opened again by what stands in the database, whatever became of this turn or of an earlier one.
    """
    try:
        news = await snapshot.go_on(desk)
    finally:
        reopened = _reopen_heard(desk)
    return len(news), reopened


def _reopen_heard(desk: Desk) -> int:
    """Open the closed cases again of which a log tells something after the cut that nobody has answered for."""
    with desk.store.read() as session:
        heard = select(Case).where(
            Case.state == CaseState.CLOSED, col(Case.erased_at).is_(None), col(Case.id).in_(select(Aftermath.case_id))
        )
        cases = [case.id for case in session.exec(heard).all() if aftermath.unanswered(session, case.id)]
    return sum(_reopen_if_open(desk, case_id) for case_id in cases)


def _reopen_if_open(desk: Desk, case_id: str) -> bool:
    with desk.store.write() as session:
        assess(desk, session, case_id)
        return _reopen(desk, session, session.get_one(Case, case_id)) > 0


def _reopen(desk: Desk, session: Session, case: Case, *, by_look: bool = False) -> int:
    """
    Open a closed case again if rows are not settled any more, a person is asked, or the leaver was heard of; return how many.

    *by_look*: a kind that could not be looked at is no reason, the look is made again.
    """
    still_closed = by_look and case.state is CaseState.CLOSED
    rows = [row for row in counted_rows(desk, session, case.id) if row.state not in SETTLED]
    bad = sum(not (still_closed and row.vendor_id == WHOLE_KIND) for row in rows)
    bad += aftermath.unanswered(session, case.id)
    asked = select(Question.id).where(Question.case_id == case.id, col(Question.answered_at).is_(None))
    bad += len(session.exec(asked).all())
    if bad and case.state is CaseState.CLOSED:
        move(desk, session, case, CaseState.DEPROVISIONED, count=bad)
        free(session, case)
        assess(desk, session, case.id)
    return bad

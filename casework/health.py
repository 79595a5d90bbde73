"""
Health: is the cut guaranteed now, and is anything overdue?  Answered from our database alone: neither a vendor nor Prefect is asked.

Failures outside it (Prefect away, no worker, a log that cannot be read) are in the processes' heartbeats.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, exists, func, select

from audit import anchor_schedule
from audit.anchor_schedule import AnchorParties, AnchorSchedule
from casework.claims import overdue
from casework.context import Context
from casework.decisions.pausing import concerns, in_force
from casework.lifecycle import BEFORE_THE_CUT, MOVABLE, RECHECKED, UNDER_WAY
from casework.question_kinds import HOLDING
from casework.settings import CaseworkSettings
from models.tables import Case, CaseEntitlement, Collection, Heartbeat, Look, Question

_CUT_WITHIN = timedelta(seconds=10)
"""After its instant.  The serving process takes up after three seconds a case that no run carries."""
_SEEN_WITHIN = timedelta(minutes=1)
_SILENT_AFTER = timedelta(seconds=20)
"""Four heartbeats that did not come."""
_CLOCK_OFF = timedelta(seconds=2)
_NEAR = timedelta(days=1)
_BEHIND = timedelta(hours=1)
_BLIND_FOR = timedelta(days=1)
_NAMED = 20
"""Cases that one alarm names; it counts all."""
_ANSWERS_WITHIN = 0.8
_MISSED = {"serve": "no_serving_process", "watch": "no_watching_process"}
_GUARANTEES = frozenset({"serve"})


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: its *code* (sentence and remedy are in `messages/health.toml`) and *facts*.  *red*: a cut is late or not guaranteed."""

    code: str
    red: bool
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return "red" if self.red else "amber"


@dataclass(frozen=True, slots=True)
class Health:
    """All *alarms* at one moment, red ones first."""

    at: datetime
    alarms: tuple[Alarm, ...] = ()

    @property
    def state(self) -> str:
        """The worst state: "red", "amber" or "ok"."""
        return "red" if any(alarm.red for alarm in self.alarms) else "amber" if self.alarms else "ok"

    @property
    def payload(self) -> dict[str, Any]:
        """As JSON, for machines.  Names nobody: cases by id, processes by host."""
        alarms = [{"code": alarm.code, "state": alarm.state, **alarm.facts} for alarm in self.alarms]
        return {"state": self.state, "at": self.at.isoformat(), "alarms": alarms}


def health_soon(look: Callable[[], Health]) -> Health:
    """Return what *look* finds, or within a second that the database is silent.  Raises what *look* raises."""
    found = Future[Health]()

    def looking() -> None:
        try:
            found.set_result(look())
        except Exception as exc:  # noqa: BLE001  # raised in the caller's thread
            found.set_exception(exc)

    threading.Thread(target=looking, daemon=True).start()
    try:
        return found.result(timeout=_ANSWERS_WITHIN)
    except TimeoutError:
        return Health(datetime.now(UTC), (Alarm("database_silent", red=True),))


def health(context: Context, settings: CaseworkSettings) -> Health:
    """Return the health at this moment, read in one transaction.  *settings* name who outside vouches for the trail."""
    now = context.now()
    vouchers = AnchorParties(settings.witness_policy_file is not None, bool(settings.timestamp_urls))
    with context.store.read() as session:
        looks = _instants, _alive, _questions, _behind
        alarms = [alarm for look in looks for alarm in look(session, now)]
        standing = anchor_schedule.health(
            session.connection(), context.store.trail.origin, now, AnchorSchedule(), vouchers
        )
    if standing.alarms:
        alarms.append(Alarm("history_disputed", red=False, facts={"witnesses": standing.alarms}))
    if standing.late_since is not None:
        alarms.append(Alarm("anchors_behind", red=False, facts={"since": standing.late_since}))
    return Health(now, tuple(sorted(alarms, key=lambda alarm: not alarm.red)))


def _instants(session: Session, now: datetime) -> Iterator[Alarm]:
    """Yield alarms on due cases that were not cut, whose block is not seen, or that are paused, and on restores that left a block lifted."""
    due = col(Case.state).in_(MOVABLE), col(Case.for_real).is_(True), col(Case.due_at) <= now
    cases = session.exec(select(Case).where(*due, col(Case.erased_at).is_(None)).order_by(col(Case.due_at))).all()
    standing = in_force(session)
    paused = [case for case in cases if any(concerns(pause, case) for pause in standing)]
    going = [case for case in cases if case not in paused]
    late = [case for case in going if case.state in BEFORE_THE_CUT and overdue(case, now) > _CUT_WITHIN]
    unseen = [case for case in going if case.state not in BEFORE_THE_CUT and overdue(case, now) > _SEEN_WITHIN]
    alarms = ("cut_overdue", True, late), ("block_not_seen", True, unseen), ("paused_overdue", False, paused)
    for code, red, found in alarms:
        if found:
            longest = max(overdue(case, now) for case in found)
            yield Alarm(code, red, _named(found) | {"seconds": round(longest.total_seconds())})
    lifted = select(CaseEntitlement.case_id).where(col(CaseEntitlement.lifted_at) < now - 2 * _SEEN_WITHIN)
    open_ones = select(Case).where(col(Case.id).in_(lifted), col(Case.erased_at).is_(None))
    if left := session.exec(open_ones.order_by(col(Case.id))).all():
        yield Alarm("restore_left_open", red=True, facts=_named(left))


def _alive(session: Session, now: datetime) -> Iterator[Alarm]:
    """Yield alarms on missing and silent processes, on failing turns of living ones, and on wrong clocks."""
    told = session.exec(select(Heartbeat).order_by(col(Heartbeat.role), col(Heartbeat.host), col(Heartbeat.pid))).all()
    living = [one for one in told if now - one.beat_at <= _SILENT_AFTER]
    places = {(one.role, one.host) for one in living}
    for role, code in _MISSED.items():
        if role not in {one.role for one in living} and _needed(session, role):
            yield Alarm(code, role in _GUARANTEES)
    for one in told:
        if (one.role, one.host) not in places:  # a restarted process has another pid
            yield Alarm("process_silent", red=False, facts=_place(one) | {"since": one.beat_at})
    for one in living:
        for turn, since in one.turns.items():
            if since is not None:
                facts = _place(one) | {"turn": turn, "since": datetime.fromisoformat(since)}
                yield Alarm("turn_fails", turn == "carry", facts)
        if abs(one.clock_ahead) > _CLOCK_OFF.total_seconds():
            yield Alarm("clock_off", red=False, facts=_place(one) | {"seconds": round(-one.clock_ahead, 1)})


def _needed(session: Session, role: str) -> bool:
    """Whether a case needs a process of *role*."""
    states = UNDER_WAY if role in _GUARANTEES else RECHECKED
    wanted = select(Case.id).where(col(Case.state).in_(states), col(Case.for_real).is_(True))
    if role not in _GUARANTEES:
        wanted = wanted.where(col(Case.id).in_(select(Look.case_id).where(col(Look.looked_at).is_(None))))
    return session.exec(wanted.limit(1)).first() is not None


def _questions(session: Session, now: datetime) -> Iterator[Alarm]:
    """Yield an alarm on the cases that wait for a person and whose instant is near, or over."""
    near = col(Case.state).in_(UNDER_WAY), col(Case.for_real).is_(True), col(Case.due_at) <= now + _NEAR
    asked = select(Question.case_id).where(col(Question.kind).in_([*HOLDING]), col(Question.answered_at).is_(None))
    cases = session.exec(select(Case).where(*near, col(Case.id).in_(asked)).order_by(col(Case.due_at))).all()
    if cases:
        yield Alarm("questions_near", red=False, facts=_named(cases) | {"due": cases[0].due_at})


def _behind(session: Session, now: datetime) -> Iterator[Alarm]:
    """Yield alarms on rechecks and readings of logs that are an hour late, and on services that could not be rechecked for a day."""
    alive = exists().where(col(Case.id) == Look.case_id, col(Case.state).in_(RECHECKED), col(Case.erased_at).is_(None))
    looks = select(func.count(), func.min(Look.due_at)).where(
        col(Look.looked_at).is_(None), col(Look.due_at) < now - _BEHIND, alive
    )
    logs = select(func.count(), func.min(Collection.moved_at)).where(
        col(Collection.ended_at).is_(None),
        col(Collection.moved_at) < now - _BEHIND,
        func.coalesce(Collection.not_before, Collection.moved_at) < now - _BEHIND,
    )
    for code, query in (("looks_behind", looks), ("logs_behind", logs)):
        count, since = session.exec(query).one()
        if count:
            yield Alarm(code, red=False, facts={"count": count, "since": since})
    failing = select(Look).where(col(Look.looked_at).is_(None), col(Look.blind_since) <= now - _BLIND_FOR)
    if blind := session.exec(failing.order_by(col(Look.blind_since))).all():
        connections = tuple(sorted({connection for look in blind for connection in look.blind}))
        yield Alarm("connections_blind", red=False, facts={"connections": connections, "since": blind[0].blind_since})


def _named(cases: Sequence[Case]) -> dict[str, Any]:
    return {"count": len(cases), "cases": tuple(case.id for case in cases[:_NAMED])}


def _place(one: Heartbeat) -> dict[str, Any]:
    return {"process": f"{one.role}@{one.host}:{one.pid}"}

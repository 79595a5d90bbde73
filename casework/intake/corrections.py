"""Corrections: a later notice of the same departure changes the case, and facts that rested on the old values are void."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from audit.events import EventType
from audit.leaf import stamp
from casework.context import Context
from casework.intake.dates import to_utc
from casework.intake.moving import due_of, wait_again
from casework.intake.notice import Notice
from casework.intake.person import as_json, committed
from casework.lifecycle import MOVABLE, begun, move, wake
from casework.matching.judging import void
from casework.recording import seal
from casework.truth.rows import accounts_of
from models.actor import Actor
from models.tables import Case
from models.vocabulary import CaseState, Standing

IDENTITY = frozenset({"name", "kana", "romaji", "former_name", "email", "other_emails"})
"""The particulars by which accounts are found, without the employee number: another number is another person."""
_DATES = frozenset({"last_working_at", "timezone"})


def correct(
    context: Context, session: Session, case: Case, notice: Notice, by: Actor, *, dates: bool
) -> tuple[str, ...]:
    """
    Copy to the case what *notice* changes, with *dates* also its dates, and return the names of the changed fields.  Allowed
    at any time; it undoes no cut.

    It never moves the instant of an emergency or of a case that has begun.  A closed case is reopened: accounts with the new
    name or address have not been searched for.
    """
    changed = {name: value for name, value in _said_otherwise(case, notice).items() if dates or name not in _DATES}
    if not changed:
        return ()
    voided = {name for name in changed.keys() & IDENTITY if case.leaver.get(name)}  # nothing rests on an empty value
    case.leaver = case.leaver | {name: value for name, value in changed.items() if name in IDENTITY}
    case.manager = changed.get("manager", case.manager)
    case.last_working_at = changed.get("last_working_at", case.last_working_at)
    case.timezone = changed.get("timezone", case.timezone)
    if case.at_once_at is None and case.state in MOVABLE and not begun(session, case.id):
        case.due_at = due_of(context.policy, case)
        wait_again(context, session, case)
    case.revision += 1
    commitment = committed(case)
    said = changed | {name: stamp(value) for name, value in changed.items() if isinstance(value, datetime)}
    seal(
        context, session, EventType.CASE_CORRECTED, case.id, due_at=stamp(case.due_at), revision=case.revision,
        corrected=sorted(changed), person_commitment=commitment.sha256,
        payload={"by": by.payload, **commitment.salts, "said": said},
    )  # fmt: skip
    if changed.keys() & IDENTITY:
        judge_anew(context, session, case, voided)
        if case.state is CaseState.CLOSED:
            move(context, session, case, CaseState.DEPROVISIONED, reason="corrected")
    wake(session, case)
    return tuple(sorted(changed))


def judge_anew(context: Context, session: Session, case: Case, fields: Collection[str]) -> None:
    """Void the facts that rest on *fields*, and have the person searched for again: by a plan, or by the run that is cutting."""
    void(context, session, case.id, fields)
    if case.state is CaseState.WAITING:
        move(context, session, case, CaseState.PLANNED)
    elif case.state is CaseState.CLOSED and any(
        one.standing is Standing.ASKED for one in accounts_of(session, case.id)
    ):
        move(context, session, case, CaseState.DEPROVISIONED, reason="asked")
    wake(session, case)


def _said_otherwise(case: Case, notice: Notice) -> dict[str, Any]:
    """Return the changed values by column, for the columns that the source has."""
    known = case.leaver | {"last_working_at": case.last_working_at, "timezone": case.timezone, "manager": case.manager}
    said = as_json(notice.leaver)
    said |= {"last_working_at": _last_working_at(case, notice), "timezone": notice.timezone, "manager": notice.manager}
    return {name: value for name, value in said.items() if name in notice.given and known.get(name) != value}


def _last_working_at(case: Case, notice: Notice) -> datetime | None:
    """Return the instant, in the case's zone if the source names none: the same day sent again must not end earlier."""
    last = notice.last_working_at
    if last is None or not notice.floating:
        return last
    return to_utc(last.astimezone(ZoneInfo(notice.timezone)).replace(tzinfo=None), ZoneInfo(case.timezone))

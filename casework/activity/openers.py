"""
Who re-enabled an account that came back after its cut, by the vendor's own administration log; runs beside the cuts.

The log may lag: it is read again a few times, and until it names somebody, the case says that this is unknown, and why.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select

from audit.events import EventType
from casework.activity.collecting import to_the_last
from casework.activity.logs import Names, doings, is_of, names_of, opened
from casework.connections import account_of
from casework.context import Context
from casework.lifecycle import TAKEN_BACK
from casework.recording import exchanges, seal
from connectors.activity import Activity, Window
from connectors.errors import ConnectorError, Denied, NotConfigured, NotOnPlan
from models.tables import Case, CaseAccount, Comeback
from models.vocabulary import ActivityKind, EntitlementKind, Evidence, Opener

_log = logging.getLogger("lastday.activity")

_AGAIN = (timedelta(minutes=15), timedelta(hours=1), timedelta(days=1))
"""Intervals after the read that saw the account open: administration logs lag by minutes, now and then by hours."""
_CLOCKS = timedelta(seconds=2)
"""How far the vendor's clock may be from ours."""
_WHY = {NotOnPlan: Opener.NOT_ON_PLAN, Denied: Opener.DENIED, NotConfigured: Opener.DENIED}


@dataclass(frozen=True, slots=True)
class _Told:
    """A log's answer: the state and, if somebody is named, the record that names them and its evidence."""

    state: Opener
    by: Activity | None = None
    evidence: Sequence[Evidence] = ()


async def ask(context: Context) -> None:
    """Read the logs for every account whose re-enabler is unknown and due to be looked up.  Safe to repeat."""
    living = select(Case.id).where(col(Case.state).not_in(TAKEN_BACK), col(Case.erased_at).is_(None))
    due = select(Comeback, CaseAccount).where(
        CaseAccount.case_id == Comeback.case_id, CaseAccount.connection == Comeback.connection,
        CaseAccount.vendor_id == Comeback.account_id, col(Comeback.ask_at) <= context.now(),
        col(Comeback.case_id).in_(living),
    )  # fmt: skip
    with context.store.read() as session:
        found = session.exec(due).all()
    await to_the_last(_ask(context, comeback, account) for comeback, account in found)


async def _ask(context: Context, comeback: Comeback, account: CaseAccount) -> None:
    window = Window(comeback.closed_at - _CLOCKS, comeback.came_back_at + _CLOCKS)
    try:
        async with context.readings:
            told = await _read(context, account, window)
    except ConnectorError as error:
        told = _Told(_WHY.get(type(error), Opener.NOT_READ), evidence=error.evidence)
    except Exception as exc:  # noqa: BLE001  # a timeout or an unforeseen error: it concerns this log alone
        _log.warning("%s: who let an account in again: %s", comeback.case_id, type(exc).__name__)
        told = _Told(Opener.NOT_READ)
    again = (comeback.came_back_at + after for after in _AGAIN)
    ask_at = None if told.by else next((at for at in again if at > context.now()), None)
    if told.state is Opener.NOT_TOLD and ask_at is not None:
        told = _Told(Opener.LATE)
    _keep(context, comeback, account, told, ask_at)


async def _read(context: Context, account: CaseAccount, window: Window) -> _Told:
    """Read every administration log to its end; the latest actor who enabled *account* is the one named."""
    log, names, told = (
        await opened(context, account.connection),
        names_of([account], None, account.connection, contacts=False),
        _Told(Opener.NOT_TOLD),
    )
    sources = [source.name for source in log.activity_sources if source.of_administration]
    if not sources:
        return _Told(Opener.NOT_ON_PLAN)
    for source in sources:
        async for done, evidence in doings(log, account_of(account), source, window):
            if _lets_in(done, names) and (told.by is None or done.at >= told.by.at):
                told = _Told(Opener.NAMED, done, evidence)
    return told


def _lets_in(done: Activity, names: Names) -> bool:
    """Whether a named actor enabled an account that has one of *names* in the log at that time."""
    by_somebody = done.kind is ActivityKind.ENABLED and bool(done.actor or done.actor_id)
    return by_somebody and done.object_id is not None and is_of(names, done.object_id, done.at)


def _keep(context: Context, comeback: Comeback, account: CaseAccount, told: _Told, ask_at: datetime | None) -> None:
    """Keep and seal the answer, unless the case was erased meanwhile."""
    by, place = told.by, (comeback.case_id, comeback.connection, comeback.account_id, comeback.came_back_at)
    with context.store.write() as session:
        kept = session.get(Comeback, place)
        if kept is None:
            return
        kept.opener, kept.ask_at = told.state, ask_at
        kept.opened_by = (by.actor or by.actor_id) if by else None
        named = {"by": kept.opened_by, "at": by.at.isoformat(), "event": by.raw_name} if by else {}
        seal(
            context, session, EventType.OBSERVE_OPENER, comeback.case_id,
            connection=comeback.connection, account=account.ref, kind=EntitlementKind.SIGN_IN, state=told.state,
            exchanged=exchanges(told.evidence), payload=named,
            dedup_key=f"{comeback.case_id}:{account.ref}:{comeback.came_back_at.isoformat()}:{told.state}",
        )  # fmt: skip

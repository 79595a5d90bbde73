"""Connections that two people have retired: what was there is no longer looked for, and keeps no case open."""

from __future__ import annotations

from sqlmodel import Session, col, select

from casework.context import Context
from casework.truth.rows import accepted_rows
from models.tables import Approval, Case, CaseEntitlement
from models.vocabulary import Service

_VERB = "retire:"


def verb_of(service: Service) -> str:
    """Return what is approved when *service* is retired."""
    return f"{_VERB}{service}"


def retired(context: Context, session: Session) -> frozenset[Service]:
    """Return the services that two people have retired, but for those that are open here: they are in use again."""
    query = select(Approval.verb).where(col(Approval.verb).startswith(_VERB), col(Approval.approved_at).is_not(None))
    found = {Service(verb.removeprefix(_VERB)) for verb in session.exec(query).all()}
    return frozenset(found - set(context.connectors))


def services_of(context: Context, session: Session, case: Case) -> frozenset[Service]:
    """Return the services that *case* is about: those that are searched for the person's accounts, without the retired ones."""
    return frozenset(map(Service, case.services or ())) - retired(context, session)


def counted_rows(context: Context, session: Session, case_id: str) -> list[CaseEntitlement]:
    """Return the rows of the leaver's accounts, without those of retired services."""
    gone = retired(context, session)
    return [row for row in accepted_rows(session, case_id) if row.service not in gone]

"""Connections that two people have retired: what was there is no longer looked for, and keeps no case open."""

from __future__ import annotations

from sqlmodel import Session, col, select

from casework.context import Context
from models.tables import Approval
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

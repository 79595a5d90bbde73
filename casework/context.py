"""The context of casework: the store, the connectors, the policy, a clock and a source of random names."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import bindparam
from sqlmodel import Session, SQLModel, select
from sqlmodel.sql.expression import SelectOfScalar

from casework.errors import BadRequest
from models.tables import Case

if TYPE_CHECKING:  # it is given them, by `casework.bootstrap` or a test, and makes none itself
    from casework.evidence.store import EvidenceStore
    from casework.policy import Policy
    from casework.store import Store
    from connectors.contract import Connector
    from models.vocabulary import ConnectionId

T = TypeVar("T", bound=SQLModel)
_CASE = select(Case).where(Case.id == bindparam("case_id"))
_LOGS_AT_ONCE = 64
"""Logs read at once in this process, for all cases together.  Each holds four files open."""


@dataclass(frozen=True)
class Context:
    """
    Everything that casework needs, passed in, so that tests can change the clock and the tenants.

    *configured*: the services of the settings, open here or not.
    *actor*: who acts, as the trail names it: a run, or a person at the terminal.  *own_accounts* fills as services are
    probed (`casework.connections`), each under its lock in *probing*; *leases* (case to runner) as cases are claimed; *searching*
    with searches that were begun and not waited for (`casework.matching.searching`).  Without *evidence* (some tests) no log is collected.
    """

    store: Store
    policy: Policy
    connectors: Mapping[ConnectionId, Connector] = field(default_factory=dict)
    actor: str = "svc:lastday"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    configured: frozenset[ConnectionId] = frozenset()
    own_accounts: dict[ConnectionId, frozenset[str]] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)
    evidence: EvidenceStore | None = None
    readings: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LOGS_AT_ONCE))
    probing: dict[ConnectionId, asyncio.Lock] = field(default_factory=dict)
    searching: dict[tuple[str, ConnectionId], asyncio.Task[None]] = field(default_factory=dict)

    def name(self, prefix: str) -> str:
        """Return a fresh random name such as `case-3f0c…`: it says nothing about anybody."""
        return f"{prefix}-{secrets.token_hex(8)}"

    def case(self, case_id: str) -> Case:
        """Return the case in its current state; raises `BadRequest` if there is none."""
        with self.store.read() as session:
            return case_in(session, case_id)


def case_in(session: Session, case_id: str) -> Case:
    """Return the case; raises `BadRequest` if there is none."""
    case = session.exec(_CASE, params={"case_id": case_id}).one_or_none()
    if case is None:
        raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
    return case


def kept_case(session: Session, case_id: str) -> Case:
    """Return the case; raises `BadRequest` if there is none, or if it was erased: nothing personal is written about it any more."""
    case = case_in(session, case_id)
    if case.erased_at is not None:
        raise BadRequest(f"{case_id}: its personal data was erased", "Nothing more is recorded of it.")
    return case


def all_of(session: Session, table: type[T], case_id: str, order: Any) -> Sequence[T]:
    """Return every row that *table* has of the case, in the *order* of one of its columns."""
    return session.exec(_of_case(table, order), params={"case_id": case_id}).all()


@cache
def _of_case(table: type[T], order: Any) -> SelectOfScalar[T]:
    """Return the query for the rows, made once: making it takes as long as asking it."""
    of_case = table.__table__.c.case_id == bindparam("case_id")  # type: ignore[attr-defined]  # SQLModel makes it
    return select(table).where(of_case).order_by(order)

"""What casework works with: the store, the connectors, the policy, a clock and a source of random names."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlmodel import Session

from casework.errors import BadRequest
from models.tables import Case

if TYPE_CHECKING:  # it is given them, by `casework.bootstrap` or a test, and makes none itself
    from casework.evidence.store import EvidenceStore
    from casework.policy import Policy
    from casework.store import Store
    from connectors.contract import Connector
    from models.vocabulary import ConnectionId

_LOGS_AT_ONCE = 64
"""Of all cases together: each that is read holds four files open."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """
    Everything a piece of casework needs, passed in, so that tests can change the clock and the tenants.

    *configured* are the services of the settings, whether they are open here or not.
    *actor* is who acts, as the trail names it: a run, or a person at the terminal.  *own_accounts* fills as services are
    probed (`casework.connections`; each by one at a time: *probing*), *leases* (case to runner) as cases are claimed.  Without
    *evidence* nothing is collected: some tests do without.
    """

    store: Store
    policy: Policy
    connectors: Mapping[ConnectionId, Connector] = field(default_factory=dict)
    actor: str = "svc:lastday"
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    configured: frozenset[ConnectionId] = frozenset()
    own_accounts: dict[ConnectionId, frozenset[str]] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)
    evidence: EvidenceStore | None = None
    readings: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LOGS_AT_ONCE))
    probing: dict[ConnectionId, asyncio.Lock] = field(default_factory=dict)

    def name(self, prefix: str) -> str:
        """Return a fresh random name such as `case-3f0c…`: it says nothing about anybody."""
        return f"{prefix}-{secrets.token_hex(8)}"

    def case(self, case_id: str) -> Case:
        """Return the case as it stands; raises `BadRequest` if there is none."""
        with self.store.read() as session:
            return case_in(session, case_id)


def case_in(session: Session, case_id: str) -> Case:
    """Return the case; raises `BadRequest` if there is none."""
    case = session.get(Case, case_id)
    if case is None:
        raise BadRequest(f"{case_id}: no such case", "List the cases with `lastday show`.")
    return case
